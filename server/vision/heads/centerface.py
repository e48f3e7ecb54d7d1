"""CenterFace's head: a heat map of face centres at a quarter of the size, with sizes and landmarks beside it."""

from collections.abc import Sequence

import numpy as np

from server.errors import PackRefused
from server.vision.boxes import suppress
from server.vision.detections import Detections, Floats
from server.vision.heads.faces import expect
from server.vision.packs import Detection

STRIDE = 4


def centerface(outputs: Sequence[Floats], size: tuple[int, int], settings: Detection) -> list[Detections]:
    """Faces of each picture from (N, 1, H, W), (N, 2, H, W), (N, 2, H, W) and (N, 10, H, W)."""
    cells = size[0] // STRIDE, size[1] // STRIDE
    shapes = [one.shape[1:] for one in outputs]
    expect("centerface", len(outputs), shapes == [(depth, *cells) for depth in (1, 2, 2, 10)])
    heat, sizes, offsets, points = outputs
    return [decode(heat[n, 0], sizes[n], offsets[n], points[n], settings) for n in range(len(heat))]


def decode(heat: Floats, sizes: Floats, offsets: Floats, points: Floats, settings: Detection) -> Detections:
    """Faces in pixels of the network's input, from (H, W), (2, H, W), (2, H, W) and (10, H, W)."""
    if not np.isfinite(heat).all():
        raise PackRefused("The detector's heat map is not a number.")
    rows, columns = np.nonzero(heat > settings.confidence)
    if not rows.size:
        return Detections.none()
    confidence = heat[rows, columns]
    size = np.exp(sizes[:, rows, columns]) * STRIDE  # height, width
    offset = offsets[:, rows, columns]  # y, x
    top = (rows + offset[0] + 0.5) * STRIDE - size[0] / 2
    left = (columns + offset[1] + 0.5) * STRIDE - size[1] / 2
    boxes = np.stack([left, top, left + size[1], top + size[0]], axis=1).astype(np.float32)
    kept = suppress(boxes, confidence, settings.overlap)
    marks = points[:, rows[kept], columns[kept]]
    landmarks = np.stack(
        [marks[1::2] * size[1, kept] + left[kept], marks[0::2] * size[0, kept] + top[kept]], axis=-1
    ).transpose(1, 0, 2)
    return Detections(boxes[kept], np.asarray(landmarks, np.float32), np.asarray(confidence[kept], np.float32))
