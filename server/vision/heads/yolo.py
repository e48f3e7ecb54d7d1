"""The head of YOLO face models as Ultralytics exports them: one table of boxes, certainty and key points."""

from collections.abc import Sequence

import numpy as np

from server.vision.detections import Detections, Floats
from server.vision.heads.faces import expect, finished
from server.vision.packs import Detection

# Four of the box, one of the class, and five points of two numbers, or of three where each has its certainty.
DEPTHS = {15: 2, 20: 3}


def yolo(outputs: Sequence[Floats], size: tuple[int, int], settings: Detection) -> list[Detections]:
    """Faces of each picture from (N, 15 or 20, candidates), in pixels of the network's input."""
    fits = len(outputs) == 1 and outputs[0].ndim == 3 and outputs[0].shape[1] in DEPTHS
    expect("yolo", len(outputs), fits)
    found = []
    for table in outputs[0]:
        middles, sides = table[:2].T, table[2:4].T
        boxes = np.concatenate([middles - sides / 2, middles + sides / 2], axis=1)
        points = table[5:].T.reshape(len(boxes), 5, DEPTHS[len(table)])[:, :, :2]
        found.append(finished(boxes, points, table[4], settings))
    return found
