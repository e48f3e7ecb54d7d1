"""What the heads of detectors have in common: cells of a grid, certainty that must be a number, and suppression."""

import numpy as np

from server.errors import PackRefused
from server.vision.boxes import suppress
from server.vision.detections import Detections, Floats
from server.vision.packs import Detection


def cells(size: tuple[int, int], stride: int, anchors: int = 1) -> Floats:
    """(N, 2) column and row of each cell of a picture of that height and width, row by row, each `anchors` times."""
    rows, columns = size[0] // stride, size[1] // stride
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    return np.repeat(grid, anchors, axis=0).astype(np.float32)


def expect(head: str, outputs: int, fits: bool) -> None:
    """Refuse a network whose outputs are not those of its head."""
    if not fits:
        raise PackRefused(f"The network's {outputs} outputs do not have the shapes of the head {head}.")


def finished(boxes: Floats, landmarks: Floats, confidence: Floats, settings: Detection) -> Detections:
    """The faces that are certain enough, the surest of each that overlap. Raises PackRefused for what is no number."""
    if not np.isfinite(confidence).all():
        raise PackRefused("The detector's certainty is not a number.")
    sure = np.flatnonzero(confidence > settings.confidence)
    kept = sure[suppress(boxes[sure], confidence[sure], settings.overlap)]
    return Detections(
        np.asarray(boxes[kept], np.float32),
        np.asarray(landmarks[kept], np.float32),
        np.asarray(confidence[kept], np.float32),
    )
