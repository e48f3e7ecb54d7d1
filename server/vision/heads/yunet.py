"""YuNet's head: at three strides a class, an object, a box and five points for every cell."""

from collections.abc import Sequence

import numpy as np

from server.vision.detections import Detections, Floats
from server.vision.heads.faces import cells, expect, finished
from server.vision.packs import Detection

STRIDES = (8, 16, 32)


def yunet(outputs: Sequence[Floats], size: tuple[int, int], settings: Detection) -> list[Detections]:
    """Faces of each picture from cls, obj, bbox and kps, each (N, cells, 1, 1, 4 or 10) for the three strides."""
    counts = [(size[0] // stride) * (size[1] // stride) for stride in STRIDES]
    shapes = [one.shape[1:] for one in outputs]
    expect("yunet", len(outputs), shapes == [(count, depth) for depth in (1, 1, 4, 10) for count in counts])
    return [_decode([one[n] for one in outputs], size, settings) for n in range(len(outputs[0]))]


def _decode(outputs: Sequence[Floats], size: tuple[int, int], settings: Detection) -> Detections:
    boxes, landmarks, confidence = [], [], []
    for level, stride in enumerate(STRIDES):
        classes, objects, places, points = outputs[level::3]
        grid = cells(size, stride)
        middles = (grid + places[:, :2]) * stride
        half = np.exp(np.minimum(places[:, 2:], 20)) * stride / 2
        boxes.append(np.concatenate([middles - half, middles + half], axis=1))
        landmarks.append((grid[:, None] + points.reshape(-1, 5, 2)) * stride)
        confidence.append(np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))[:, 0])
    return finished(np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(confidence), settings)
