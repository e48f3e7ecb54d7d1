"""Whether a face along a track is solid or a flat picture of one: what lies in one plane stays in it. Landmarks only.

Eyes and corners of the mouth lie nearly in a plane, the nose stands before it. However a flat picture is moved, zoomed,
rolled or tilted, the nose keeps its place among the other four, as any homography does. Where a head turns, it moves.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from server.vision.detections import Floats

Doubles = NDArray[np.float64]
SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
NOSE, OTHERS = 2, [0, 1, 3, 4]


class Shape(StrEnum):
    SOLID = "solid"
    FLAT = "flat"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class FlatnessLimits:
    """How far the nose must move to be a head's, and when its rest is a picture's. The unit is the eyes' distance.

    Measured with CenterFace: a photo that is panned, zoomed, rolled or tilted moves its nose by 0.05 (median) and 0.22
    at most; a head that turns by 65 degrees does by 0.6 to 0.8, one that sits still by 0.01 to 0.15.
    """

    window: int = 60  # the latest views that are looked at
    least_px: float = (
        15.0  # from eye to eye; of a smaller face the landmarks' noise is as large as what they should tell
    )
    solid_relief: float = 0.28
    solid_views: int = 5
    largest_step: float = 0.6  # of the relief, between neighbours: two pictures in turn have nothing in between
    flat_relief: float = 0.17
    flat_views: int = 15
    flat_after_s: float = 5.0
    moved: float = 1.0  # any of these four is motion, without which nothing tells a picture from somebody who waits
    grown: float = 0.18  # logarithm
    rolled_deg: float = 10.0
    sheared: float = 0.12  # logarithm of width to height


@dataclass(frozen=True, slots=True)
class Views:
    """What a track has shown: how far the nose moved among the other landmarks, and how the whole face moved."""

    count: int
    lasted_s: float
    relief: float
    step: float
    moved: float
    grown: float
    rolled_deg: float
    sheared: float


class Flatness:
    """One face. Feed it in the order of the pictures."""

    def __init__(self, limits: FlatnessLimits | None = None) -> None:
        self._limits = limits or FlatnessLimits()
        self._views: deque[tuple[float, Doubles, Doubles]] = deque(maxlen=self._limits.window)  # time, points, nose

    def saw(self, landmarks: Floats, at_s: float) -> None:
        """(5, 2) landmarks in pixels: left eye, right eye, nose, left and right corner of the mouth."""
        points = np.asarray(landmarks, np.float64)
        if not _size(points) >= self._limits.least_px:  # or it is not a number
            return
        nose = nose_place(points)
        if nose is not None:
            self._views.append((at_s, points, nose))

    def forget(self) -> None:
        """Somebody else, as far as can be told."""
        self._views.clear()

    def views(self) -> Views | None:
        """None where there are too few to measure anything."""
        if len(self._views) < 3:
            return None
        times, points, noses = zip(*self._views, strict=True)
        return measure(np.stack(points), np.stack(noses), times[-1] - times[0])

    def shape(self) -> Shape:
        """What it is, as far as the views tell."""
        found, limits = self.views(), self._limits
        if found is None:
            return Shape.UNSURE
        turned = found.relief >= limits.solid_relief and found.step <= limits.largest_step
        if turned and found.count >= limits.solid_views:
            return Shape.SOLID
        watched = found.count >= limits.flat_views and found.lasted_s >= limits.flat_after_s
        if watched and found.relief <= limits.flat_relief and self._has_moved(found):
            return Shape.FLAT
        return Shape.UNSURE

    def _has_moved(self, found: Views) -> bool:
        limits = self._limits
        return (
            found.moved >= limits.moved
            or found.grown >= limits.grown
            or found.rolled_deg >= limits.rolled_deg
            or found.sheared >= limits.sheared
        )


def measure(points: Doubles, places: Doubles, lasted_s: float) -> Views:
    """(N, 5, 2) landmarks and (N, 2) places of the nose. A single wrong view and the outermost tenth do not count."""
    noses = _steady(places)
    spread = _spread(noses)
    wide = int(spread.argmax())
    eyes, mouth = points[:, 1] - points[:, 0], points[:, 4] - points[:, 3]
    across = eyes + mouth
    width = np.linalg.norm(across, axis=1) / 2
    height = np.linalg.norm(points[:, :2].mean(axis=1) - points[:, 3:].mean(axis=1), axis=1)
    eyes_px = max(float(np.median(np.linalg.norm(eyes, axis=1))), 1e-6)
    roll = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))
    moved = _spread(_steady(points.mean(axis=1))) / eyes_px
    size = np.log(np.maximum(width + height, 1e-6))
    shear = np.log(np.maximum(width, 1e-6) / np.maximum(height, 1e-6))
    rest = [float(_spread(_steady(row[:, None]))[0]) for row in (size, roll, shear)]
    return Views(
        count=len(points), lasted_s=lasted_s, relief=float(spread[wide]), step=_largest_step(noses[:, wide]),
        moved=float(np.linalg.norm(moved)), grown=rest[0], rolled_deg=math.degrees(rest[1]), sheared=rest[2],
    )  # fmt: skip


def nose_place(landmarks: Doubles) -> Doubles | None:
    """Where the nose is when eyes and corners of the mouth are brought to the unit square; None where they cannot be.

    It is the same before and after every homography, and so in every view of a flat picture.
    """
    points = np.asarray(landmarks, np.float64)
    middle = points.mean(axis=0)
    size = float(np.abs(points - middle).max())
    if not np.isfinite(size) or size < 1e-6:
        return None
    points = (points - middle) / size
    rows, wanted = [], []
    for (x, y), (u, v) in zip(points[OTHERS], SQUARE, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    try:
        h = np.append(np.linalg.solve(np.array(rows), np.array(wanted)), 1.0).reshape(3, 3)
    except np.linalg.LinAlgError:
        return None
    x, y, depth = h @ np.append(points[NOSE], 1.0)
    place = np.array([x, y]) / depth if abs(depth) > 1e-9 else np.full(2, np.nan)
    # Beyond this it is a wrong detection, or the face is seen from the side.
    return place if np.isfinite(place).all() and float(np.abs(place - 0.5).max()) <= 1.5 else None


def _size(points: Doubles) -> float:
    """The distance of the eyes, or that to the mouth, which is as large: one of them is left whichever way it turns."""
    down = (points[3] + points[4] - points[0] - points[1]) / 2
    return float(max(np.linalg.norm(points[1] - points[0]), np.linalg.norm(down)))


def _steady(values: Doubles) -> Doubles:
    """The median of each view and its neighbours."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0))


def _spread(values: Doubles) -> Doubles:
    low, high = np.percentile(values, [5, 95], axis=0)
    return np.asarray(high - low)


def _largest_step(values: Doubles) -> float:
    """The widest empty place among the values, as a share of their spread."""
    low, high = np.percentile(values, [5, 95])
    if high - low < 1e-9:
        return 1.0
    inside = np.sort(np.clip(values, low, high))
    return float(np.diff(inside).max() / (high - low))
