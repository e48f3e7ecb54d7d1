"""YuNet's twelve outputs become faces."""

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.detections import Floats
from server.vision.heads.yunet import yunet
from server.vision.packs import Detection

LIMITS = Detection(head="yunet", confidence=0.5, overlap=0.3)
SIZE = (64, 96)


def outputs(pictures: int = 1) -> list[Floats]:
    """A run that shows nothing."""
    counts = [8 * 12, 4 * 6, 2 * 3]
    return [np.zeros((pictures, count, depth), np.float32) for depth in (1, 1, 4, 10) for count in counts]


def put(run: list[Floats], level: int, cell: int, certainty: tuple[float, float], picture: int = 0) -> None:
    """A face of two cells' width and four cells' height, half a cell right of the cell's corner."""
    run[level][picture, cell], run[3 + level][picture, cell] = certainty
    run[6 + level][picture, cell] = (0.5, 0, np.log(2), np.log(4))
    run[9 + level][picture, cell] = (-0.5, -1, 1, -1, 0.25, 0, -0.5, 1, 1, 1)


def test_a_cell_becomes_a_box_and_five_points() -> None:
    """Row 1, column 2 at stride 16: in pixels of the input; the certainty is the geometric mean of both."""
    run = outputs()
    put(run, 1, 1 * 6 + 2, (0.81, 1.0))
    (found,) = yunet(run, SIZE, LIMITS)
    assert found.boxes.tolist() == [pytest.approx([40 - 16, 16 - 32, 40 + 16, 16 + 32])]
    assert found.landmarks[0].tolist() == [
        pytest.approx(point) for point in ([24, 0], [48, 0], [36, 16], [24, 32], [48, 32])
    ]
    assert found.confidence.tolist() == pytest.approx([0.9])


def test_all_strides_count_and_the_weaker_of_two_goes() -> None:
    """A face at each stride, and each picture with its own."""
    run = outputs(2)
    put(run, 0, 0, (1, 0.9))
    put(run, 0, 1, (1, 0.6))
    put(run, 2, 5, (1, 0.8))
    put(run, 1, 3, (0.4, 0.4))
    put(run, 1, 3, (1, 1), picture=1)
    first, second = yunet(run, SIZE, LIMITS)
    assert first.confidence.tolist() == pytest.approx([0.9**0.5, 0.8**0.5])
    assert second.confidence.tolist() == [1]


def test_other_shapes_and_nonsense_are_refused() -> None:
    """A device that computes nonsense must not look like an empty room."""
    with pytest.raises(PackRefused, match="head yunet"):
        yunet(outputs(), (64, 64), LIMITS)
    run = outputs()
    run[0][0, 3] = np.nan
    with pytest.raises(PackRefused, match="not a number"):
        yunet(run, SIZE, LIMITS)
