"""Areas: where in a camera's picture faces count, what is painted over, and what crossing a line means. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import hypot, isfinite
from typing import Literal, Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from server.errors import Invalid
from server.media.frame import Pixels

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Direction = Literal["in", "out"]
Kind = Literal["count", "ignore", "mask", "line"]

FEWEST_POINTS, MOST_POINTS = 3, 32
MOST_ZONES = 32
PAINT = (40, 36, 32)  # BGR
_LEAST_AREA = 1e-4  # of the picture: a hundredth of its width by a hundredth of its height
_LEAST_LENGTH = 0.01
_NOTHING = 1e-12


class ZoneRow(Protocol):
    """A zone as it is stored."""

    @property
    def kind(self) -> str: ...

    @property
    def points(self) -> Sequence[Sequence[float]]: ...

    @property
    def direction(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Region:
    """A polygon in which faces count; `direction` is what entering it means, if it means something."""

    polygon: Polygon
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`direction` is what crossing it from left to right means, for somebody who looks from `start` to `end`."""

    start: Point
    end: Point
    direction: Direction


@dataclass(frozen=True, slots=True)
class Areas:
    """The zones of one camera. All points are x, y in 0...1 of the picture, from its upper left corner."""

    counted: tuple[Region, ...] = ()
    ignored: tuple[Polygon, ...] = ()
    masks: tuple[Polygon, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def has_masks(self) -> bool:
        """Whether something of the picture is nobody's to see."""
        return bool(self.masks)

    @property
    def directs(self) -> bool:
        """Whether a line or a zone decides the direction of who passes."""
        return bool(self.lines) or any(region.direction for region in self.counted)

    def counts(self, x: float, y: float) -> bool:
        """Whether a face whose centre is here is looked at: in a `count` zone where there are some, in no other."""
        if any(_inside(polygon, x, y) for polygon in (*self.ignored, *self.masks)):
            return False
        return not self.counted or any(_inside(region.polygon, x, y) for region in self.counted)

    def paint(self, image: Pixels) -> None:
        """Fills the masks, in place. `image` is BGR and writable, of any size; costs less than a millisecond."""
        for mask in self.masks:  # one by one: together, what two of them share would be left open
            corners = _corners(mask, image)
            cv2.fillPoly(image, [corners], PAINT)
            # The pixels that an edge only touches belong to it.
            cv2.polylines(image, [corners], isClosed=True, color=PAINT, thickness=3)

    def painted(self, image: Pixels) -> Pixels:
        """The picture without what the masks hide: itself where there are none, otherwise a copy."""
        if not self.masks:
            return image
        copy = image.copy()
        self.paint(copy)
        return copy

    def stilled(self, luma: Pixels) -> Pixels:
        """A copy of a grey picture in which nothing moves where no face counts, or where masks hide it."""
        copy = luma.copy()
        for polygon in (*self.ignored, *self.masks):
            cv2.fillPoly(copy, [_corners(polygon, luma)], 0)
        return copy

    def direction(self, path: Iterable[Point]) -> Direction | None:
        """What the last crossing on a path means; None where nothing was crossed or entered.

        Beginning inside a zone is entering it: a face is not followed where it does not count.
        """
        points = tuple(path)
        found = self.step(None, points[0]) if points else None
        for before, after in pairwise(points):
            found = self.step(before, after) or found
        return found

    def step(self, before: Point | None, after: Point) -> Direction | None:
        """The same of one step of a path; `before` is None at its beginning."""
        for line in self.lines:
            if before is not None and (crossed := _crossed(line, before, after)):
                return crossed
        for region in self.counted:
            if region.direction and _inside(region.polygon, *after):
                entered = before is None or not _inside(region.polygon, *before)
                if entered:
                    return region.direction
        return None


NO_AREAS = Areas()


def areas_of(rows: Iterable[ZoneRow]) -> Areas:
    """The zones of one camera as they are stored; the rows have been checked (`check_zone`) when they were written."""
    by_kind: dict[str, list[ZoneRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    return Areas(
        counted=tuple(Region(_polygon(row), _direction(row)) for row in by_kind.get("count", ())),
        ignored=tuple(_polygon(row) for row in by_kind.get("ignore", ())),
        masks=tuple(_polygon(row) for row in by_kind.get("mask", ())),
        lines=tuple(
            Line(_polygon(row)[0], _polygon(row)[1], _direction(row) or "in") for row in by_kind.get("line", ())
        ),
    )


def check_zone(kind: str, points: Sequence[Sequence[float]], direction: str | None) -> None:
    """Raises Invalid, naming the field, for a shape that is none or a direction that means nothing."""
    if any(len(point) != 2 or not all(isfinite(v) and 0 <= v <= 1 for v in point) for point in points):
        raise Invalid.field("points", "out_of_range", "A point is two numbers from 0 to 1.")
    corners = tuple((float(x), float(y)) for x, y in points)
    if kind == "line":
        _check_line(corners)
    else:
        _check_polygon(corners)
    if kind == "line" and direction is None:
        raise Invalid.field("direction", "missing", "Say what crossing the line from left to right means.")
    if kind in ("ignore", "mask") and direction is not None:
        raise Invalid.field("direction", "not_allowed", "Only a line and a zone in which faces count have a direction.")


def _check_line(ends: Polygon) -> None:
    if len(ends) != 2:
        raise Invalid.field("points", "wrong_number", "A line has two points.")
    (x1, y1), (x2, y2) = ends
    if hypot(x2 - x1, y2 - y1) < _LEAST_LENGTH:
        raise Invalid.field("points", "too_small", "The ends of the line are too close to each other.")


def _check_polygon(corners: Polygon) -> None:
    if not FEWEST_POINTS <= len(corners) <= MOST_POINTS:
        text = f"A zone has {FEWEST_POINTS} to {MOST_POINTS} points."
        raise Invalid.field("points", "wrong_number", text)
    if len(set(corners)) < len(corners):
        raise Invalid.field("points", "repeated", "A point is there twice.")
    if _crosses_itself(corners):
        raise Invalid.field("points", "crosses_itself", "The edges of the zone cross each other.")
    if _area(corners) < _LEAST_AREA:
        raise Invalid.field("points", "too_small", "The zone has hardly any area.")


def _corners(polygon: Polygon, image: Pixels) -> NDArray[np.int32]:
    height, width = image.shape[:2]
    return np.array([(round(x * (width - 1)), round(y * (height - 1))) for x, y in polygon], np.int32)


def _polygon(row: ZoneRow) -> Polygon:
    return tuple((float(x), float(y)) for x, y in row.points)


def _direction(row: ZoneRow) -> Direction | None:
    return cast("Direction | None", row.direction)


def _inside(polygon: Polygon, x: float, y: float) -> bool:
    """By counting the edges that a ray to the right meets."""
    inside = False
    for (x1, y1), (x2, y2) in _edges(polygon):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _crossed(line: Line, before: Point, after: Point) -> Direction | None:
    # y grows downwards: what is negative lies to the left of somebody who looks from start to end.
    was_left, is_left = (_turn(line.start, line.end, point) < 0 for point in (before, after))
    if was_left == is_left or _turn(before, after, line.start) * _turn(before, after, line.end) > 0:
        return None
    return line.direction if was_left else _OPPOSITE[line.direction]


_OPPOSITE: dict[Direction, Direction] = {"in": "out", "out": "in"}


def _edges(polygon: Polygon) -> list[tuple[Point, Point]]:
    return list(pairwise((*polygon, polygon[0])))


def _turn(a: Point, b: Point, c: Point) -> float:
    """Twice the signed area of the triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _area(corners: Polygon) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in _edges(corners))) / 2


def _crosses_itself(corners: Polygon) -> bool:
    edges = _edges(corners)
    for (at, first), (other, second) in combinations(enumerate(edges), 2):
        neighbours = other - at in (1, len(edges) - 1)
        if _folds_back(first, second) if neighbours else _touch(first, second):
            return True
    return False


def _folds_back(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Whether two edges with a common corner lie upon each other."""
    common = set(first) & set(second)
    corner = next(iter(common))
    a, b = (one[0] if one[1] == corner else one[1] for one in (first, second))
    ahead = (a[0] - corner[0]) * (b[0] - corner[0]) + (a[1] - corner[1]) * (b[1] - corner[1])
    return abs(_turn(corner, a, b)) < _NOTHING and ahead > 0


def _touch(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = first, second
    if _turn(a, b, c) * _turn(a, b, d) > 0 or _turn(c, d, a) * _turn(c, d, b) > 0:
        return False
    if abs(_turn(a, b, c)) < _NOTHING and abs(_turn(a, b, d)) < _NOTHING:  # on one line: beside each other, or not
        axis = 0 if abs(b[0] - a[0]) > abs(b[1] - a[1]) else 1
        low, high = sorted((a[axis], b[axis]))
        other_low, other_high = sorted((c[axis], d[axis]))
        return low <= other_high and other_low <= high
    return True
