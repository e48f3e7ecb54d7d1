"""Groups of unknown faces: who belongs where, and what never happens whatever comes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.identity.gallery import Thresholds
from server.identity.visitors import GroupingRules, Groups, mean_with

Floats = NDArray[np.float32]
RULES = GroupingRules(Thresholds([(1, 0.5), (50, 0.545), (600, 0.605)]))
DIMENSION = 32


def unit(*coordinates: float) -> Floats:
    vector = np.zeros(DIMENSION, np.float32)
    vector[: len(coordinates)] = coordinates
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def at_cosine(similarity: float) -> Floats:
    """A face so like the one along the first axis."""
    return unit(similarity, float(np.sqrt(1 - similarity**2)))


def test_a_face_joins_the_group_that_it_is_like() -> None:
    """At the threshold or above; a little below, it is somebody else."""
    groups = Groups(RULES)
    groups.put("a", unit(1.0))
    least = RULES.threshold(1)
    assert groups.of(at_cosine(least + 0.01)) == "a"
    assert groups.of(at_cosine(least - 0.01)) is None


def test_a_face_between_two_groups_joins_neither() -> None:
    """The lead over the next group has to be clear: a wrong member would drag the group's mean after it."""
    groups = Groups(RULES)
    groups.put("a", unit(1.0, 0.6))
    groups.put("b", unit(1.0, -0.6))
    assert groups.of(unit(1.0)) is None
    assert groups.of(unit(1.0, 0.55)) == "a"


def test_two_groups_that_turn_out_to_be_one_are_told() -> None:
    """Their means have come so near that no threshold would tell them apart."""
    groups = Groups(RULES)
    groups.put("a", unit(1.0))
    groups.put("b", at_cosine(RULES.same_threshold(2) - 0.02))
    assert groups.twin("b") is None
    groups.put("b", at_cosine(RULES.same_threshold(2) + 0.02))
    assert (groups.twin("b"), groups.twin("a"), groups.twin("c")) == ("a", "b", None)


def test_the_one_seen_longest_ago_makes_room() -> None:
    """Memory is bounded: beyond the most, the first goes, and what was seen again is not the first."""
    groups = Groups(RULES, most=2)
    for name, axis in (("a", 0), ("b", 1)):
        groups.put(name, np.eye(DIMENSION, dtype=np.float32)[axis])
    groups.put("a", unit(1.0))
    groups.put("c", np.eye(DIMENSION, dtype=np.float32)[2])
    assert [name in groups for name in "abc"] == [True, False, True]
    groups.replace({"x": unit(1.0), "y": unit(0.0, 1.0), "z": unit(0.0, 0.0, 1.0)})
    assert [name in groups for name in "axyz"] == [False, False, True, True]


def test_an_empty_one_finds_nobody() -> None:
    """No group yet, or none any more."""
    groups = Groups(RULES)
    assert (groups.of(unit(1.0)), groups.found(unit(1.0)), groups.like(unit(1.0), 3)) == (None, [], [])
    groups.put("a", unit(1.0))
    groups.drop("a")
    groups.drop("a")
    assert (len(groups), groups.of(unit(1.0))) == (0, None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 12))
def test_whatever_comes_the_answers_hold_together(seed: int, faces: int, most: int) -> None:
    """Never more groups than the most, means are unit vectors, and the group chosen is the most similar one."""
    random = np.random.default_rng(seed)
    groups = Groups(RULES, most)
    members: dict[str, int] = {}
    means: dict[str, Floats] = {}
    for number in range(faces):
        face = np.asarray(random.normal(size=DIMENSION), np.float32)
        if means and random.random() < 0.6:
            face = face * np.float32(0.1) + list(means.values())[int(random.integers(len(means)))]
        face = np.asarray(face / np.linalg.norm(face), np.float32)
        chosen = groups.of(face)
        if chosen is not None:
            ranked = groups.found(face)
            assert ranked[0][0] == chosen
            assert ranked == sorted(ranked, key=lambda one: -one[1])
            means[chosen] = mean_with(means[chosen], members[chosen], face)
            members[chosen] += 1
        else:
            chosen = str(number)
            means[chosen], members[chosen] = face, 1
        groups.put(chosen, means[chosen])
        assert len(groups) <= most
        assert abs(float(np.linalg.norm(means[chosen])) - 1) < 1e-4
        assert groups.twin(chosen) != chosen
