"""SCRFD's head: at three strides two anchors a cell, with the distances to the four sides and to five points."""

from collections.abc import Sequence

import numpy as np

from server.vision.detections import Detections, Floats
from server.vision.heads.faces import cells, expect, finished
from server.vision.packs import Detection

STRIDES = (8, 16, 32)
ANCHORS = 2


def scrfd(outputs: Sequence[Floats], size: tuple[int, int], settings: Detection) -> list[Detections]:
    """Faces of the one picture from scores, boxes and points, each (anchors, 1, 4 or 10) for the three strides.

    Exports differ in whether a picture's axis of length one stands before.
    """
    flat = [one[0] if one.ndim == 3 and len(one) == 1 else one for one in outputs]
    counts = [ANCHORS * (size[0] // stride) * (size[1] // stride) for stride in STRIDES]
    expect("scrfd", len(outputs), [one.shape for one in flat] == [(n, depth) for depth in (1, 4, 10) for n in counts])
    boxes, landmarks, confidence = [], [], []
    for level, stride in enumerate(STRIDES):
        scores, sides, points = flat[level::3]
        middles = cells(size, stride, ANCHORS) * stride
        sides = sides * stride
        boxes.append(np.concatenate([middles - sides[:, :2], middles + sides[:, 2:]], axis=1))
        landmarks.append(middles[:, None] + points.reshape(-1, 5, 2) * stride)
        confidence.append(scores[:, 0])
    return [finished(np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(confidence), settings)]
