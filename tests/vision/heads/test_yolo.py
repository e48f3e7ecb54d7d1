"""The table of a YOLO face model becomes faces."""

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.detections import Floats
from server.vision.heads.yolo import yolo
from server.vision.packs import Detection

LIMITS = Detection(head="yolo", confidence=0.5, overlap=0.4)
POINTS = [[40.0, 50.0], [60.0, 50.0], [50.0, 60.0], [42.0, 70.0], [58.0, 70.0]]


def table(each: int) -> Floats:
    """Of 30 candidates the tenth is a face and the eleventh the same one again; points of two or three numbers."""
    found = np.zeros((1, 5 + 5 * each, 30), np.float32)
    points = np.array(POINTS, np.float32)
    if each == 3:
        points = np.concatenate([points, np.full((5, 1), 0.9, np.float32)], axis=1)
    for candidate, certainty in ((10, 0.9), (11, 0.7)):
        found[0, :5, candidate] = (50, 60, 40, 60, certainty)
        found[0, 5:, candidate] = points.ravel()
    return found


@pytest.mark.parametrize("each", [2, 3])
def test_a_candidate_becomes_a_box_and_five_points(each: int) -> None:
    """Middle and size become corners; with or without a certainty of each point; the weaker double goes."""
    (found,) = yolo([table(each)], (96, 160), LIMITS)
    assert found.boxes.tolist() == [pytest.approx([30, 30, 70, 90])]
    assert found.landmarks[0].tolist() == POINTS
    assert found.confidence.tolist() == pytest.approx([0.9])


def test_a_network_without_points_and_nonsense_are_refused() -> None:
    """Five rows are boxes only: no face could be aligned."""
    with pytest.raises(PackRefused, match="head yolo"):
        yolo([table(2)[:, :5]], (96, 160), LIMITS)
    broken = table(3)
    broken[0, 4, 0] = np.nan
    with pytest.raises(PackRefused, match="not a number"):
        yolo([broken], (96, 160), LIMITS)
