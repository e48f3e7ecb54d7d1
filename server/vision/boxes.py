"""Boxes as (N, 4) arrays x1 y1 x2 y2: overlap, suppression, scaling back and cutting at the picture's edge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from server.vision.detections import Floats

_SAME_PLACE = 0.3  # intersection over union


def areas(boxes: Floats) -> Floats:
    """(N,) areas; a box turned inside out has none."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def overlap(first: Floats, second: Floats) -> Floats:
    """(N, M) intersection over union of every box of one set with every box of the other."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = areas(first)[:, None] + areas(second)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def suppress(boxes: Floats, confidence: Floats, most: float) -> NDArray[np.intp]:
    """Indices of the boxes to keep, most confident first: none overlaps one before it by more than `most`."""
    order = np.argsort(-confidence, kind="stable")
    kept: list[int] = []
    while order.size:
        first, rest = order[0], order[1:]
        kept.append(int(first))
        order = rest[overlap(boxes[first][None], boxes[rest])[0] <= most]
    return np.array(kept, np.intp)


def clip(boxes: Floats, width: int, height: int) -> Floats:
    """The parts of the boxes that lie in the picture."""
    return np.asarray(np.clip(boxes, 0, np.array([width, height, width, height])), np.float32)


def centres(boxes: Floats) -> Floats:
    """(N, 2) middles."""
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32)


def fractions(boxes: Floats, width: int, height: int) -> Floats:
    """(N, 4) x y width height in 0...1 of the picture, as they go over the wire."""
    inside = clip(boxes, width, height) / np.array([width, height, width, height], np.float32)
    return np.asarray(np.concatenate([inside[:, :2], inside[:, 2:] - inside[:, :2]], axis=1), np.float32)


def at_place(boxes: Floats, width: int, height: int, place: Sequence[float]) -> int | None:
    """Which box lies at that place (x y w h in 0...1 of the picture), or is the largest where no place is given; None
    where none overlaps it enough to be the one."""
    if len(boxes) == 0:
        return None
    if len(place) != 4:
        return int(np.argmax(areas(boxes)))
    x, y, w, h = place
    wanted = np.array([[x * width, y * height, (x + w) * width, (y + h) * height]], np.float32)
    shared = overlap(wanted, boxes)[0]
    best = int(np.argmax(shared))
    return best if shared[best] >= _SAME_PLACE else None
