"""How well cosines tell pairs of one person from pairs of two: accuracy, rates and the curves. Pure arithmetic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.vision.detections import Floats

FOLDS = 10
FARS = (1e-2, 1e-3, 1e-4)
# What a pair with a photo in which no face was found counts as: unlike anybody.
NOTHING_ALIKE = -1.0
_ROWS_AT_ONCE = 512

Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The cosines of pairs of one person and of pairs of two people, and the fold that each belongs to."""

    same: Floats
    different: Floats
    same_folds: Indices
    different_folds: Indices


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The mean share of right decisions, both kinds of pair weighing alike, its spread, and the mean threshold."""

    mean: float
    spread: float
    threshold: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """For thresholds from strict to lax: how many strangers are accepted, and how many of one person are refused."""

    far: Doubles
    frr: Doubles


def every_pair(vectors: Floats, people: Indices, usable: NDArray[np.bool_], seed: int = 0) -> Scores:
    """All pairs of photos, spread over ten folds at random (and always alike)."""
    same: list[Floats] = []
    different: list[Floats] = []
    columns = np.arange(len(vectors))
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = columns[start : start + _ROWS_AT_ONCE]
        cosines = vectors[rows] @ vectors.T
        cosines[~(usable[rows][:, None] & usable[None, :])] = NOTHING_ALIKE
        later = columns[None, :] > rows[:, None]
        alike = people[rows][:, None] == people[None, :]
        same.append(cosines[later & alike])
        different.append(cosines[later & ~alike])
    chance = np.random.default_rng(seed)
    one, two = np.concatenate(same), np.concatenate(different)
    return Scores(one, two, chance.permutation(len(one)) % FOLDS, chance.permutation(len(two)) % FOLDS)


def listed_pairs(vectors: Floats, usable: NDArray[np.bool_], pairs: Iterable[tuple[int, int, bool, int]]) -> Scores:
    """The pairs of a list: rows of both photos, whether they show one person, and the fold."""
    rows = list(pairs)
    first, second = (np.array([row[side] for row in rows], np.intp) for side in (0, 1))
    alike, folds = np.array([row[2] for row in rows], bool), np.array([row[3] for row in rows], np.intp)
    cosines = np.einsum("nd,nd->n", vectors[first], vectors[second]).astype(np.float32)
    cosines[~(usable[first] & usable[second])] = NOTHING_ALIKE
    return Scores(cosines[alike], cosines[~alike], folds[alike], folds[~alike])


def threshold_at(different: Floats, far: float) -> float | None:
    """The least cosine at which at most this share of strangers is accepted; None where there are too few to tell."""
    allowed = int(far * len(different) + 1e-9)
    if allowed < 1:
        return None
    if allowed >= len(different):
        return float(different.min())
    next_one = np.partition(different, len(different) - allowed - 1)[len(different) - allowed - 1]
    return float(np.nextafter(np.float32(next_one), np.float32(2)))


def accepted(scores: Floats, threshold: float) -> float | None:
    """The share of pairs that reach the threshold; None where there is no pair."""
    return float((scores >= np.float32(threshold)).mean()) if len(scores) else None


def accuracy(scores: Scores) -> Accuracy | None:
    """Over folds: the threshold is chosen on all others and judged on this one. None where there are too few pairs."""
    rights: list[float] = []
    thresholds: list[float] = []
    for fold in np.union1d(scores.same_folds, scores.different_folds):
        here, there = scores.same_folds == fold, scores.different_folds == fold
        seen = (scores.same[here], scores.different[there])
        rest = (scores.same[~here], scores.different[~there])
        if not all(len(part) for part in (*seen, *rest)):
            continue
        threshold = best_threshold(*rest)
        rights.append((float((seen[0] >= threshold).mean()) + float((seen[1] < threshold).mean())) / 2)
        thresholds.append(threshold)
    if not rights:
        return None
    return Accuracy(float(np.mean(rights)), float(np.std(rights)), float(np.mean(thresholds)))


def best_threshold(same: Floats, different: Floats) -> float:
    """Where most decisions are right, both kinds of pair weighing alike; in the middle where several are as good."""
    one, two = np.sort(same), np.sort(different)
    known = np.unique(np.concatenate([one, two])).astype(np.float64)
    between = np.concatenate([known[:1] - 1e-3, (known[1:] + known[:-1]) / 2, known[-1:] + 1e-3])
    right = 1 - np.searchsorted(one, between) / len(one) + np.searchsorted(two, between) / len(two)
    best = between[right >= right.max() - 1e-12]
    return float((best[0] + best[-1]) / 2)


def curve(scores: Scores, points: int = 400) -> Curve:
    """What ROC and DET are drawn from: rates at this many thresholds, closer together where strangers are rare."""
    two = np.sort(scores.different)[::-1]
    places = np.unique(np.geomspace(1, len(two), points).astype(np.intp)) - 1
    thresholds = two[places]
    one = np.sort(scores.same)
    refused = np.searchsorted(one, thresholds) / len(one)
    return Curve((places + 1) / len(two), refused)


def tar_by_far(scores: Scores, fars: Sequence[float] = FARS) -> dict[float, tuple[float | None, float | None]]:
    """For each share of strangers: the share of true pairs that are accepted, and the cosine at which."""
    found: dict[float, tuple[float | None, float | None]] = {}
    for far in fars:
        threshold = threshold_at(scores.different, far)
        found[far] = (None, None) if threshold is None else (accepted(scores.same, threshold), threshold)
    return found
