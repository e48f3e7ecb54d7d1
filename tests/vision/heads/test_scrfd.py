"""SCRFD's nine outputs become faces."""

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.detections import Floats
from server.vision.heads.scrfd import scrfd
from server.vision.packs import Detection

LIMITS = Detection(head="scrfd", confidence=0.5, overlap=0.4)
SIZE = (64, 96)


def outputs() -> list[Floats]:
    """A run that shows one face: the second anchor of row 1, column 2 at stride 16."""
    counts = [2 * 8 * 12, 2 * 4 * 6, 2 * 2 * 3]
    run = [np.zeros((count, depth), np.float32) for depth in (1, 4, 10) for count in counts]
    anchor = 2 * (1 * 6 + 2) + 1
    run[1][anchor] = 0.8
    run[4][anchor] = (1, 0.5, 2, 3)
    run[7][anchor] = (-0.5, 0, 1, 0, 0.25, 1, -0.5, 2, 1, 2)
    return run


def test_distances_become_a_box_and_five_points() -> None:
    """Left, top, right and bottom from the anchor, in cells."""
    (found,) = scrfd(outputs(), SIZE, LIMITS)
    assert found.boxes.tolist() == [pytest.approx([32 - 16, 16 - 8, 32 + 32, 16 + 48])]
    assert found.landmarks[0].tolist() == [
        pytest.approx(point) for point in ([24, 16], [48, 16], [36, 32], [24, 48], [48, 48])
    ]
    assert found.confidence.tolist() == pytest.approx([0.8])


def test_an_axis_for_the_one_picture_changes_nothing() -> None:
    """Some exports have it."""
    (found,) = scrfd([one[None] for one in outputs()], SIZE, LIMITS)
    assert found.boxes.tolist() == scrfd(outputs(), SIZE, LIMITS)[0].boxes.tolist()


def test_a_network_without_points_and_nonsense_are_refused() -> None:
    """Six outputs are boxes only: no face could be aligned."""
    with pytest.raises(PackRefused, match="6 outputs"):
        scrfd(outputs()[:6], SIZE, LIMITS)
    run = outputs()
    run[0][0] = np.inf
    with pytest.raises(PackRefused, match="not a number"):
        scrfd(run, SIZE, LIMITS)
