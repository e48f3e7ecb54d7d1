"""Whether something covers a face: on a real face, bare and with something painted over it."""

import numpy as np
import pytest

from server.demo.pictures import astronaut, grace_hopper, read_picture
from server.vision.detections import Pixels
from server.vision.image import ARCFACE, ARCFACE_SIZE, align
from server.vision.occlusion import COVERED, covered, occlusion
from tests.opened import models


def chip(picture: Pixels) -> Pixels:
    [found] = models().detector.detect([picture])
    return align(picture, found.landmarks[0], ARCFACE, ARCFACE_SIZE)


@pytest.mark.parametrize("source", [astronaut, grace_hopper])
def test_a_bare_face_and_a_covered_one(source: object) -> None:
    """Bare it is nearly nothing; sunglasses and masks of any colour are seen."""
    assert callable(source)
    picture = read_picture(source())
    [found] = models().detector.detect([picture])
    assert occlusion(picture, found.landmarks[0]) < COVERED
    bare = chip(picture)
    for top, bottom, colour in ((42, 62, (20, 20, 20)), (70, 112, (200, 170, 120)), (70, 112, (25, 25, 25))):
        painted = bare.copy()
        painted[top:bottom, 24:88] = colour
        if top == 42:
            painted[:, 50:62] = bare[:, 50:62]
        assert covered(painted) >= COVERED, colour


def test_a_grey_chip_is_not_covered() -> None:
    """Nothing there, nothing that differs."""
    assert covered(np.full((112, 112, 3), 127, np.uint8)) == 0
