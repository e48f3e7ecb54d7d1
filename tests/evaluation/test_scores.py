"""Rates and thresholds of pairs, checked against what can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.evaluation.scores import (
    NOTHING_ALIKE,
    Scores,
    accepted,
    accuracy,
    best_threshold,
    curve,
    every_pair,
    listed_pairs,
    tar_by_far,
    threshold_at,
)
from server.vision.detections import Floats


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


def scores_of(same: Floats, different: Floats) -> Scores:
    return Scores(same, different, np.arange(len(same)) % 10, np.arange(len(different)) % 10)


def test_the_threshold_lets_exactly_so_many_strangers_in() -> None:
    """Of a thousand strangers ten at one in a hundred, one at one in a thousand; fewer cannot be told."""
    strangers = np.linspace(0, 0.5, 1000, dtype=np.float32)
    for far, count in ((1e-2, 10), (1e-3, 1)):
        threshold = threshold_at(strangers, far)
        assert threshold is not None
        assert int((strangers >= threshold).sum()) == count
    assert threshold_at(strangers, 1e-4) is None
    assert threshold_at(strangers, 1.0) == 0


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60), st.floats(0.001, 1))
def test_never_more_strangers_than_allowed(strangers: list[float], far: float) -> None:
    """However many have the same cosine."""
    found = np.array(strangers, np.float32)
    threshold = threshold_at(found, far)
    assert threshold is None or (found >= threshold).mean() <= far + 1e-9 or far == 1


def test_true_pairs_at_a_share_of_strangers() -> None:
    """Three of four true pairs are above the best ten of a thousand strangers."""
    scores = scores_of(floats(0.9, 0.8, 0.7, 0.1), np.linspace(0, 0.5, 1000, dtype=np.float32))
    found = tar_by_far(scores)
    assert [tar for tar, _ in found.values()] == [0.75, 0.75, None]
    assert accepted(floats(), 0.5) is None


def test_the_best_threshold_lies_in_the_middle_of_the_gap() -> None:
    """Not at its edge, where the next photo would be judged wrongly."""
    assert best_threshold(floats(0.7, 0.8, 0.9), floats(0.0, 0.1, 0.3)) == pytest.approx(0.5)


def test_accuracy_weighs_both_kinds_of_pair_alike() -> None:
    """Twenty pairs of one person, two of them hopeless, among two thousand of two people: 95, not 99.9 percent."""
    same = np.full(20, 0.9, np.float32)
    same[[3, 14]] = -0.5
    found = accuracy(scores_of(same, np.linspace(0, 0.4, 2000, dtype=np.float32)))
    assert found is not None
    assert found.mean == pytest.approx(0.95)
    assert found.threshold == pytest.approx(0.65, abs=0.01)
    assert accuracy(scores_of(same[:1], floats(0.1))) is None


def test_every_pair_is_taken_once() -> None:
    """Four photos of two people are six pairs; a photo without a face is unlike anybody."""
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1], [0, 1]], np.float32)
    people = np.array([0, 0, 1, 1])
    found = every_pair(vectors, people, np.array([True, True, True, False]))
    assert sorted(found.same.tolist()) == pytest.approx([NOTHING_ALIKE, 0.6])
    assert sorted(found.different.tolist()) == pytest.approx([NOTHING_ALIKE, NOTHING_ALIKE, 0, 0.8])
    assert len(found.same_folds) == 2


def test_listed_pairs_keep_their_folds() -> None:
    """And nothing else is compared."""
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    found = listed_pairs(vectors, np.ones(3, bool), [(0, 1, True, 0), (1, 2, False, 1)])
    assert found.same.tolist() == pytest.approx([0.6])
    assert found.different.tolist() == pytest.approx([0.8])
    assert (found.same_folds.tolist(), found.different_folds.tolist()) == ([0], [1])


def test_the_curve_goes_from_strict_to_lax() -> None:
    """More strangers, fewer true pairs refused; it ends where all strangers are in."""
    chance = np.random.default_rng(1)
    found = curve(
        scores_of(chance.normal(0.6, 0.2, 500).astype(np.float32), chance.normal(0, 0.2, 5000).astype(np.float32))
    )
    assert (np.diff(found.far) > 0).all()
    assert (np.diff(found.frr) <= 0).all()
    assert found.far[-1] == 1
