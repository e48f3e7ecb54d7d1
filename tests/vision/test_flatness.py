"""A head that turns is told from a flat picture of it, whatever is done to the picture: with the same noise on both."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.vision.flatness import Flatness, Shape, nose_place
from server.vision.quality import HEAD

Doubles = NDArray[np.float64]
HEAD_MM = np.asarray(HEAD, np.float64) * np.array([1.0, 1.0, -1.0])  # z away from the camera
FOCAL_PX, FAR_MM = 1000.0, 700.0


def rotation(yaw: float, pitch: float, roll: float) -> Doubles:
    cy, sy, cp, sp, cr, sr = (f(a) for a in np.radians([yaw, pitch, roll]) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


def seen(points_mm: Doubles, turn: Doubles, place_mm: Doubles) -> Doubles:
    """As a camera without distortion sees the points."""
    there = points_mm @ turn.T + place_mm
    return np.asarray(there[:, :2] / there[:, 2:] * FOCAL_PX + np.array([640.0, 360.0]))


def flattened(yaw: float, pitch: float) -> Doubles:
    """The head on a photo that was taken from there: all its points in one plane."""
    flat = HEAD_MM @ rotation(yaw, pitch, 0).T
    return np.column_stack([flat[:, :2], np.zeros(5)])


def watched(views: list[Doubles], noise_px: float, seed: int, every_s: float = 0.2) -> Flatness:
    chance = np.random.default_rng(seed)
    flatness = Flatness()
    for number, view in enumerate(views):
        flatness.saw((view + chance.normal(0, noise_px, (5, 2))).astype(np.float32), number * every_s)
    return flatness


def swing(amount: float, pace: float, phase: float, count: int = 40) -> Doubles:
    return np.asarray(amount * np.sin(pace * np.arange(count) * 0.2 + phase))


angles = st.floats(-25, 25)
phases = st.floats(0, 6.28)
paces = st.floats(0.7, 2.5)
seeds = st.integers(0, 2**31)


@settings(max_examples=80, deadline=None)
@given(
    photo=st.tuples(angles, st.floats(-12, 12)), tilt=st.floats(0, 35), nod=st.floats(0, 25), roll=st.floats(0, 25),
    pan_mm=st.floats(0, 250), zoom=st.floats(0, 0.3), pace=paces, phase=phases, seed=seeds,
)  # fmt: skip
def test_no_handling_makes_a_picture_solid(
    photo: tuple[float, float], tilt: float, nod: float, roll: float, pan_mm: float, zoom: float, pace: float,
    phase: float, seed: int,
) -> None:  # fmt: skip
    """Panned, zoomed, rolled and tilted at once, with a pixel of noise on each landmark: never a head."""
    flat = flattened(*photo)
    views = [
        seen(flat, rotation(y, p, r), np.array([x, 0, FAR_MM * (1 + z)]))
        for y, p, r, x, z in zip(
            swing(tilt, pace, phase), swing(nod, pace * 1.3, phase + 1), swing(roll, pace * 0.7, phase + 2),
            swing(pan_mm, pace * 0.9, phase + 3), swing(zoom, pace * 1.1, phase + 4), strict=True,
        )
    ]  # fmt: skip
    assert watched(views, 1.0, seed).shape() is not Shape.SOLID


@settings(max_examples=60, deadline=None)
@given(
    turn=st.floats(28, 38), lean=st.floats(0, 10), pan_mm=st.floats(0, 40), pace=paces, phase=phases, seed=seeds,
)  # fmt: skip
def test_a_head_that_turns_is_solid(
    turn: float, lean: float, pan_mm: float, pace: float, phase: float, seed: int
) -> None:
    """To both sides by 28 degrees or more, with the noise that the picture had: a head, and never flat."""
    views = [
        seen(HEAD_MM, rotation(y, 0, r), np.array([x, 0, FAR_MM]))
        for y, r, x in zip(
            swing(turn, pace, phase, 60), swing(lean, pace * 0.7, phase, 60), swing(pan_mm, pace * 0.9, phase, 60),
            strict=True,
        )
    ]  # fmt: skip
    assert watched(views, 1.0, seed).shape() is Shape.SOLID


@pytest.mark.parametrize(
    "moves", [{"pan": 250.0}, {"zoom": 0.3}, {"roll": 20.0}, {"tilt": 40.0}], ids=["pan", "zoom", "roll", "tilt"]
)
def test_a_picture_that_is_moved_is_flat(moves: dict[str, float]) -> None:
    """Each kind of motion by itself is enough to call it flat, once it went on for a while; before, nothing is said."""
    views = [
        seen(flattened(10, 3), rotation(y, 0, r), np.array([x, 0, FAR_MM * (1 + z)]))
        for y, r, x, z in zip(
            *(swing(moves.get(name, 0), 1.5, 0) for name in ("tilt", "roll", "pan", "zoom")), strict=True
        )
    ]
    assert watched(views, 0.7, 1).shape() is Shape.FLAT
    assert watched(views[:12], 0.7, 1).shape() is Shape.UNSURE


def test_who_waits_without_a_move_is_neither() -> None:
    """A photo on a stand and somebody who stands still look the same: nothing is said of either."""
    views = [seen(HEAD_MM, rotation(0, 0, 0), np.array([0, 0, FAR_MM]))] * 60
    assert watched(views, 0.7, 2).shape() is Shape.UNSURE


def test_two_pictures_in_turn_are_no_turn() -> None:
    """A photo from the left and one from the right, swapped: the nose jumps, and was never in between."""
    views = [
        seen(flattened(28 if number // 8 % 2 else -28, 0), rotation(0, 0, 0), np.array([0, 0, FAR_MM]))
        for number in range(48)
    ]
    assert watched(views, 0.7, 3).shape() is not Shape.SOLID


def test_a_small_face_tells_nothing() -> None:
    """Where the eyes are ten pixels apart, the noise of landmarks is as large as a turn."""
    views = [seen(HEAD_MM, rotation(y, 0, 0), np.array([0, 0, 6000.0])) for y in swing(30, 1.5, 0)]
    assert watched(views, 0.7, 4).views() is None


def test_somebody_else_starts_anew() -> None:
    """What was seen of one face says nothing of the next."""
    views = [seen(HEAD_MM, rotation(y, 0, 0), np.array([0, 0, FAR_MM])) for y in swing(30, 1.5, 0)]
    flatness = watched(views, 0.7, 5)
    assert flatness.shape() is Shape.SOLID
    flatness.forget()
    assert flatness.shape() is Shape.UNSURE


def test_landmarks_that_make_no_face_are_left_out() -> None:
    """All in one place, in one line, or not numbers: no view."""
    line = np.column_stack([np.arange(5.0), np.arange(5.0)])
    for points in (np.zeros((5, 2)), line, np.full((5, 2), np.nan)):
        assert nose_place(points) is None
