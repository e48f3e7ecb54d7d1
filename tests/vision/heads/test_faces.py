"""What all heads have in common."""

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.heads.faces import cells, finished
from server.vision.packs import Detection


def test_cells_go_row_by_row() -> None:
    """Column before row, each as often as there are anchors."""
    assert cells((16, 24), 8).tolist() == [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]
    assert cells((8, 16), 8, 2).tolist() == [[0, 0], [0, 0], [1, 0], [1, 0]]
    assert cells((8, 8), 8).dtype == np.float32


def test_only_the_surest_of_each_face_is_left() -> None:
    """Below the limit nothing; certainty that is no number is refused."""
    limits = Detection(head="yolo", confidence=0.5, overlap=0.4)
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [80, 80, 90, 90]], np.float32)
    points = np.arange(40, dtype=np.float32).reshape(4, 5, 2)
    found = finished(boxes, points, np.array([0.6, 0.9, 0.7, 0.4], np.float32), limits)
    assert found.boxes.tolist() == boxes[[1, 2]].tolist()
    assert found.landmarks.tolist() == points[[1, 2]].tolist()
    with pytest.raises(PackRefused, match="not a number"):
        finished(boxes, points, np.array([0.6, np.nan, 0.7, 0.4], np.float32), limits)
