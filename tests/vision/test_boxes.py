"""Overlap, suppression and scaling of boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.vision.boxes import areas, centres, clip, fractions, overlap, suppress
from server.vision.detections import Floats

SIDES = st.floats(1, 500, width=32)
BOXES = st.lists(st.tuples(st.floats(-100, 900, width=32), st.floats(-100, 900, width=32), SIDES, SIDES), max_size=12)


def boxes_of(rows: list[tuple[float, float, float, float]]) -> Floats:
    return np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float32).reshape(-1, 4)


def test_overlap_of_known_boxes() -> None:
    """Two squares that share a third of their union; one that touches nothing."""
    first = np.array([[0, 0, 10, 10]], np.float32)
    second = np.array([[5, 0, 15, 10], [10, 10, 20, 20], [0, 0, 10, 10]], np.float32)
    assert overlap(first, second)[0].tolist() == pytest.approx([1 / 3, 0, 1])


def test_a_box_turned_inside_out_has_no_area() -> None:
    """Neither area nor overlap, and no division by nothing."""
    odd = np.array([[5, 5, 1, 1]], np.float32)
    assert areas(odd).tolist() == [0]
    assert overlap(odd, odd).tolist() == [[0]]


@given(BOXES, BOXES)
def test_overlap_is_a_symmetric_share(first: list[tuple[float, ...]], second: list[tuple[float, ...]]) -> None:
    """Always in 0...1, the same both ways, and 1 with itself."""
    one, two = boxes_of(first), boxes_of(second)  # type: ignore[arg-type]
    shares = overlap(one, two)
    assert shares.shape == (len(one), len(two))
    assert ((shares >= 0) & (shares <= 1 + 1e-4)).all()
    np.testing.assert_allclose(shares, overlap(two, one).T, atol=1e-5)
    np.testing.assert_allclose(np.diag(overlap(one, one)), 1, atol=1e-3)


@given(BOXES, st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_and_no_pair_that_overlaps(rows: list[tuple[float, ...]], most: float) -> None:
    """What is kept does not overlap; what is gone overlaps something that was kept and is at least as confident."""
    found = boxes_of(rows)  # type: ignore[arg-type]
    confidence = np.linspace(0.3, 0.9, len(found), dtype=np.float32)
    kept = suppress(found, confidence, most)
    assert confidence[kept].tolist() == sorted(confidence[kept].tolist(), reverse=True)
    among = overlap(found[kept], found[kept])
    assert (among[~np.eye(len(kept), dtype=bool)] <= most).all()
    for gone in set(range(len(found))) - set(kept.tolist()):
        better = [k for k in kept if confidence[k] >= confidence[gone]]
        assert (overlap(found[[gone]], found[better]) > most).any()


def test_boxes_are_cut_at_the_edge_and_become_fractions() -> None:
    """x y width height in 0...1 for the wire."""
    boxes = np.array([[-10, 20, 50, 200], [25, 25, 75, 50]], np.float32)
    assert clip(boxes, 100, 100).tolist() == [[0, 20, 50, 100], [25, 25, 75, 50]]
    assert fractions(boxes, 100, 100)[0].tolist() == pytest.approx([0, 0.2, 0.5, 0.8])
    assert centres(boxes)[1].tolist() == [50, 37.5]
