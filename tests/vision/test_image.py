"""Letterboxes keep proportions; aligning brings landmarks to their places."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Invalid
from server.vision.detections import Floats
from server.vision.image import (
    ARCFACE,
    ARCFACE_SIZE,
    align,
    crop,
    letterbox,
    letterbox_shape,
    similarity,
    to_planes,
)

TEMPLATE = np.array(ARCFACE, np.float32)


@given(st.integers(1, 4000), st.integers(1, 4000), st.sampled_from([320, 640, 1280]))
def test_a_letterbox_never_grows_and_fits_the_network(height: int, width: int, longest: int) -> None:
    """Sides are multiples of 32 that hold the scaled picture with less than 32 to spare."""
    high, wide, factor = letterbox_shape(height, width, longest, 32)
    assert high % 32 == 0
    assert wide % 32 == 0
    assert factor <= 1
    assert max(height, width) * factor <= longest + 0.5
    assert 0 <= high - max(1, round(height * factor)) < 32
    assert 0 <= wide - max(1, round(width * factor)) < 32


def test_a_letterbox_puts_the_picture_in_the_upper_left() -> None:
    """The rest is black; a picture that fits is handed on as it is."""
    image = np.full((720, 1280, 3), 200, np.uint8)
    canvas, factor = letterbox(image, 640, 32)
    assert canvas.shape == (384, 640, 3)
    assert factor == 0.5
    assert (canvas[:360] == 200).all()
    assert not canvas[360:].any()
    exact = np.zeros((64, 96, 3), np.uint8)
    assert letterbox(exact, 640, 32)[0] is exact


def test_planes_are_in_the_order_that_was_asked_for() -> None:
    """BGR or RGB, shifted and scaled."""
    image = np.zeros((2, 3, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 10, 20, 30
    assert to_planes([image], rgb=True)[0, :, 0, 0].tolist() == [30, 20, 10]
    assert to_planes([image, image], rgb=False, mean=10, scale=0.1)[1, :, 0, 0].tolist() == pytest.approx([0, 1, 2])


@given(st.floats(-math.pi, math.pi), st.floats(0.1, 10), st.floats(-500, 500), st.floats(-500, 500))
def test_the_turn_that_was_made_is_found(angle: float, scale: float, x: float, y: float) -> None:
    """A turned, scaled and shifted template is brought back exactly."""
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    seen = (TEMPLATE.astype(np.float64) @ turn.T + (x, y)).astype(np.float32)
    matrix = similarity(seen, TEMPLATE)
    back = seen @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(back, TEMPLATE, atol=0.05)


def test_landmarks_in_one_place_cannot_be_aligned() -> None:
    """There is no scale that fits."""
    with pytest.raises(Invalid):
        similarity(np.ones((5, 2), np.float32), TEMPLATE)


def drawn(landmarks: Floats, side: int, radius: int) -> np.ndarray:
    """A black picture with a white square on each landmark."""
    image = np.zeros((side, side, 3), np.uint8)
    for x, y in landmarks:
        image[round(y) - radius : round(y) + radius + 1, round(x) - radius : round(x) + radius + 1] = 255
    return image


@pytest.mark.parametrize("scale", [0.7, 2.0, 9.0])
def test_aligning_brings_landmarks_to_the_template(scale: float) -> None:
    """From smaller, larger and much larger pictures."""
    landmarks = TEMPLATE * scale + 20
    chip = align(drawn(landmarks, int(150 * scale) + 40, max(1, round(2 * scale))), landmarks, ARCFACE, ARCFACE_SIZE)
    assert chip.shape == (112, 112, 3)
    for x, y in TEMPLATE:
        assert chip[round(y), round(x), 0] > 128
    assert chip.mean() < 40


def test_a_landmark_without_a_place_in_the_template_is_left_out() -> None:
    """A nose that lies anywhere changes nothing."""
    without = [*ARCFACE[:2], (math.nan, math.nan), *ARCFACE[3:]]
    image = drawn(TEMPLATE, 120, 2)
    moved = TEMPLATE.copy()
    moved[2] += 30
    assert (align(image, moved, without, 112) == align(image, TEMPLATE, without, 112)).all()


def test_a_crop_grows_by_its_margin_and_stops_at_the_edge() -> None:
    """A box outside of the picture has no crop."""
    image = np.zeros((100, 100, 3), np.uint8)
    assert crop(image, np.array([40, 40, 60, 70], np.float32), 0.5).shape == (60, 40, 3)
    assert crop(image, np.array([-20, 80, 20, 120], np.float32)).shape == (20, 20, 3)
    with pytest.raises(Invalid):
        crop(image, np.array([200, 200, 220, 220], np.float32))
