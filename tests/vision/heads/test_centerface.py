"""CenterFace's outputs become faces as its recipe says."""

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.detections import Floats
from server.vision.heads.centerface import centerface, decode
from server.vision.packs import Detection

LIMITS = Detection(head="centerface", confidence=0.35, overlap=0.3)


def fields(confidence: float) -> tuple[Floats, Floats, Floats, Floats]:
    """A network's answer that shows one face of 40 x 80 pixels (wide, high) centred at (50, 70)."""
    heat = np.zeros((32, 32), np.float32)
    heat[17, 12] = confidence
    heat[17, 13] = confidence / 2
    sizes = np.empty((2, 32, 32), np.float32)
    sizes[0], sizes[1] = np.log(20), np.log(10)
    points = np.full((10, 32, 32), 0.5, np.float32)
    return heat, sizes, np.zeros((2, 32, 32), np.float32), points


def test_decoding_follows_the_recipe() -> None:
    """Middle from the cell, size by the exponential, landmarks as parts of the box; weaker neighbours go."""
    found = decode(*fields(0.9), LIMITS)
    assert found.boxes.tolist() == [pytest.approx([30, 30, 70, 110], abs=1e-3)]
    assert found.landmarks[0].tolist() == [pytest.approx([50, 70], abs=1e-3)] * 5
    assert len(decode(*fields(0.3), LIMITS)) == 0


def test_each_picture_of_a_run_has_its_own_faces() -> None:
    """And a network with other outputs is refused."""
    heat, *others = fields(0.9)
    run = [np.stack([heat[None], heat[None] * 0]), *(np.stack([one, one]) for one in others)]
    assert [len(found) for found in centerface(run, (128, 128), LIMITS)] == [1, 0]
    with pytest.raises(PackRefused, match="3 outputs"):
        centerface(run[:3], (128, 128), LIMITS)
    with pytest.raises(PackRefused, match="head centerface"):
        centerface(run, (128, 64), LIMITS)


def test_a_heat_map_that_is_not_a_number_is_refused() -> None:
    """A device that computes nonsense must not look like an empty room."""
    with pytest.raises(PackRefused):
        decode(*fields(np.nan), LIMITS)
