"""Where faces count, what is painted over, and what crossing a line means."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from server.errors import Invalid
from server.media.areas import MOST_POINTS, NO_AREAS, PAINT, Areas, Direction, Point, areas_of, check_zone

LEFT_HALF = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
RIGHT_HALF = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]
MIDDLE = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
UPWARDS = [[0.5, 1.0], [0.5, 0.0]]  # its left is the picture's left

SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


@dataclass(frozen=True)
class Row:
    kind: str
    points: list[list[float]] = field(default_factory=lambda: LEFT_HALF)
    direction: str | None = None


def test_without_zones_every_face_counts_and_nothing_is_hidden() -> None:
    assert areas_of([]) == NO_AREAS
    assert NO_AREAS.counts(0.1, 0.9)
    assert not NO_AREAS.has_masks
    assert not NO_AREAS.directs
    assert NO_AREAS.direction([(0.1, 0.1), (0.9, 0.9)]) is None


def test_where_there_are_count_zones_a_face_counts_inside_any_of_them_and_nowhere_else() -> None:
    areas = areas_of([Row("count", MIDDLE), Row("count", [[0.0, 0.0], [0.1, 0.0], [0.1, 0.1], [0.0, 0.1]])])
    assert areas.counts(0.5, 0.5)
    assert areas.counts(0.05, 0.05)
    assert not areas.counts(0.8, 0.5)


@pytest.mark.parametrize("kind", ["ignore", "mask"])
def test_what_is_ignored_or_masked_does_not_count_even_inside_a_count_zone(kind: str) -> None:
    areas = areas_of([Row("count", LEFT_HALF), Row(kind, MIDDLE)])
    assert areas.counts(0.2, 0.5)
    assert not areas.counts(0.45, 0.5)
    assert areas_of([Row(kind, MIDDLE)]).counts(0.9, 0.9)


def test_a_notch_of_a_polygon_is_outside_of_it() -> None:
    notched = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.3], [0.0, 1.0]]
    check_zone("count", notched, None)
    areas = areas_of([Row("count", notched)])
    assert areas.counts(0.5, 0.2)
    assert not areas.counts(0.5, 0.8)


@pytest.mark.parametrize("size", [(72, 128), (360, 640), (1080, 1920)])
def test_masks_are_filled_in_a_picture_of_any_size_and_the_rest_stays(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 255, np.uint8)
    areas = areas_of([Row("mask", LEFT_HALF), Row("mask", MIDDLE), Row("ignore", RIGHT_HALF)])
    areas.paint(image)
    assert areas.has_masks
    height, width = size
    assert (image[:, : width // 2] == PAINT).all()
    assert (image[round(0.41 * height) : round(0.59 * height), : round(0.59 * width)] == PAINT).all()
    assert (image[:, round(0.63 * width) :] == 255).all()


def test_what_two_masks_share_is_hidden_too() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    areas_of([Row("mask", LEFT_HALF), Row("mask", LEFT_HALF)]).paint(image)
    assert (image[50, 20] == PAINT).all()


@pytest.mark.parametrize(
    ("points", "path", "expected"),
    [
        (UPWARDS, [(0.3, 0.5), (0.7, 0.5)], "in"),
        (UPWARDS, [(0.7, 0.5), (0.3, 0.5)], "out"),
        (UPWARDS[::-1], [(0.3, 0.5), (0.7, 0.5)], "out"),
        (UPWARDS, [(0.3, 0.5), (0.4, 0.9), (0.45, 0.1)], None),
        (UPWARDS, [(0.3, 0.5), (0.7, 0.5), (0.3, 0.4)], "out"),
        (UPWARDS, [(0.5, 0.5), (0.7, 0.5)], None),  # came from nowhere: on the line is already beyond it
        (UPWARDS, [(0.3, 0.5), (0.5, 0.5), (0.6, 0.5)], "in"),
        ([[0.5, 0.5], [0.5, 0.0]], [(0.3, 0.8), (0.7, 0.8)], None),  # passed below the end of the line
        ([[0.0, 0.5], [1.0, 0.5]], [(0.5, 0.2), (0.5, 0.8)], "in"),  # looking to the right, above is left
        (UPWARDS, [(0.3, 0.5)], None),
        (UPWARDS, [], None),
    ],
)
def test_crossing_a_line_from_its_left_means_its_direction_and_the_other_way_the_opposite(
    points: list[list[float]], path: list[Point], expected: Direction | None
) -> None:
    areas = areas_of([Row("line", points, "in")])
    assert areas.directs
    assert areas.direction(path) == expected


def test_entering_a_zone_with_a_direction_means_it_and_so_does_being_first_seen_there() -> None:
    areas = areas_of([Row("count", LEFT_HALF, "out"), Row("count", RIGHT_HALF)])
    assert areas.directs
    assert areas.direction([(0.8, 0.5), (0.6, 0.5), (0.4, 0.5)]) == "out"
    assert areas.direction([(0.2, 0.5)]) == "out"
    assert areas.direction([(0.8, 0.5), (0.6, 0.5)]) is None
    assert areas.step((0.2, 0.5), (0.3, 0.5)) is None  # it is inside already
    assert not areas_of([Row("count", LEFT_HALF)]).directs


BAD_SHAPES: list[tuple[str, list[list[float]], str]] = [
    ("count", [[0.1, 0.1], [0.9, 0.9]], "wrong_number"),
    ("mask", [[i / 40, (i % 2) * 0.3] for i in range(MOST_POINTS + 1)], "wrong_number"),
    ("line", [[0.1, 0.1], [0.9, 0.9], [0.1, 0.9]], "wrong_number"),
    ("line", [[0.5, 0.5], [0.5, 0.5]], "too_small"),
    ("mask", [[0.1, 0.1], [1.1, 0.1], [0.5, 0.5]], "out_of_range"),
    ("mask", [[0.1, -0.1], [0.9, 0.1], [0.5, 0.5]], "out_of_range"),
    ("mask", [[float("nan"), 0.1], [0.9, 0.1], [0.5, 0.5]], "out_of_range"),
    ("mask", [[0.1, 0.1, 0.1], [0.9, 0.1], [0.5, 0.5]], "out_of_range"),
    ("mask", [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]], "crosses_itself"),
    ("mask", [[0.1, 0.1], [0.9, 0.1], [0.5, 0.1], [0.5, 0.9]], "crosses_itself"),  # back along its own edge
    ("mask", [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9], [0.5, 0.1], [0.2, 0.9]], "crosses_itself"),  # touches its edge
    ("mask", [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]], "crosses_itself"),  # all on one line
    ("mask", [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.1]], "repeated"),
    ("mask", [[0.1, 0.1], [0.9, 0.1], [0.5, 0.1001]], "too_small"),
]


@pytest.mark.parametrize(("kind", "points", "code"), BAD_SHAPES)
def test_a_shape_that_is_none_is_refused_by_its_points(kind: str, points: list[list[float]], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_zone(kind, points, "in" if kind == "line" else None)
    assert [(detail.field, detail.code) for detail in refused.value.details] == [("points", code)]


def test_a_line_needs_a_direction_and_only_what_counts_may_have_one() -> None:
    for kind, points, direction, code in (
        ("line", UPWARDS, None, "missing"),
        ("ignore", LEFT_HALF, "in", "not_allowed"),
        ("mask", LEFT_HALF, "out", "not_allowed"),
    ):
        with pytest.raises(Invalid) as refused:
            check_zone(kind, points, direction)
        assert [(detail.field, detail.code) for detail in refused.value.details] == [("direction", code)]
    check_zone("count", LEFT_HALF, "in")
    check_zone("line", UPWARDS, "out")


def test_areas_are_equal_when_their_zones_are() -> None:
    rows = [Row("mask", MIDDLE), Row("count", LEFT_HALF, "in"), Row("line", UPWARDS, "in")]
    assert areas_of(rows) == areas_of(rows)
    assert areas_of(rows) != areas_of(rows[1:])
    assert areas_of(rows) != Areas()


def test_a_picture_without_masks_is_not_copied() -> None:
    """With some it is a copy of its own: others read the same frame."""
    image = np.full((40, 60, 3), 200, np.uint8)
    assert Areas(ignored=(SQUARE,)).painted(image) is image
    painted = Areas(masks=(SQUARE,)).painted(image)
    assert (image == 200).all()
    assert (painted[20, 30] == PAINT).all()


def test_what_moves_where_no_face_counts_is_still() -> None:
    """In a grey thumbnail of any size: under a mask, and where faces are ignored."""
    luma = np.random.default_rng(1).integers(1, 255, (36, 64), np.uint8)
    still = Areas(masks=(SQUARE,), ignored=(((0.0, 0.0), (0.1, 0.0), (0.0, 0.1)),)).stilled(luma)
    assert still[18, 32] == still[0, 0] == 0
    assert still[35, 63] == luma[35, 63] > 0
