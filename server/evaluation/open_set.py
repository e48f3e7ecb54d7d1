"""Who is named, and who is taken for somebody, when some people are enrolled and others are strangers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.evaluation.scores import accepted, threshold_at
from server.identity.gallery import Thresholds
from server.vision.detections import Floats

SIZES = (5, 10, 50, 200, 600, 1000, 2000, 5000)
DRAWS = 10
STRANGERS = 0.01

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The photos of a set: as a camera embeds them, as an enrolment does, whose they are, and which show a face."""

    vectors: Floats
    templates: Floats
    people: Indices
    usable: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Identification:
    """What happens at a gallery of that many people, by the pack's own threshold and margin.

    fpir: strangers who are named. fnir: enrolled people who are not, or wrongly. `fnir_at_1_percent` is that of the
    cosine at which one stranger in a hundred is named, None where there are too few strangers to tell.
    """

    people: int
    photos: int
    threshold: float
    fpir: float
    fnir: float
    fnir_at_1_percent: float | None
    threshold_at_1_percent: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """The outcome of every look-up: the best cosine, its lead over the next person, and whether it is the right one."""

    best: Floats
    lead: Floats
    right: NDArray[np.bool_]


def sizes_for(faces: Faces, photos: int, wanted: Sequence[int] = SIZES) -> list[int]:
    """The sizes that leave at least as many strangers as there is one in six of them; half of the people otherwise."""
    enrollable, people = len(_enrollable(faces, photos)), len(np.unique(faces.people))
    fitting = [size for size in wanted if size <= enrollable and people - size >= max(1, size // 6)]
    half = min(enrollable, people // 2)
    return fitting or ([half] if half else [])


def identify(
    faces: Faces, size: int, photos: int, thresholds: Thresholds, margin: float, *, draws: int = DRAWS, seed: int = 0
) -> Identification:
    """Means over several draws of who is enrolled (always the same draws)."""
    chance = np.random.default_rng(seed)
    candidates = _enrollable(faces, photos)
    if size > len(candidates) or size >= len(np.unique(faces.people)):
        raise ValueError(f"a gallery of {size} needs as many people with more than {photos} photos, and a stranger")
    known, strange = [], []
    for _ in range(draws):
        mated, others = _draw(faces, chance.permutation(candidates)[:size], photos, chance)
        known.append(mated)
        strange.append(others)
    mine, theirs = _joined(known), _joined(strange)
    threshold = thresholds.at(size)
    named = (theirs.best >= threshold) & (theirs.lead >= margin)
    right = (mine.best >= threshold) & (mine.lead >= margin) & mine.right
    strict = threshold_at(theirs.best, STRANGERS)
    missed = None if strict is None else 1 - (accepted(np.where(mine.right, mine.best, -1), strict) or 0.0)
    return Identification(size, photos, threshold, float(named.mean()), float(1 - right.mean()), missed, strict)


def _enrollable(faces: Faces, photos: int) -> Indices:
    """People of whom that many photos can be enrolled and another one is left to look up."""
    known, good = np.unique(faces.people[faces.usable], return_counts=True)
    return np.asarray(known[good > photos], np.intp)


def _draw(faces: Faces, enrolled: Indices, photos: int, chance: np.random.Generator) -> tuple[_Looked, _Looked]:
    """One gallery: some photos of these people are their templates, the rest of all photos are looked up."""
    gallery = np.concatenate(
        [chance.permutation(np.flatnonzero((faces.people == one) & faces.usable))[:photos] for one in np.sort(enrolled)]
    )
    belongs = np.isin(faces.people, enrolled)
    probes = np.setdiff1d(np.flatnonzero(belongs), gallery)
    return _look_up(faces, probes, gallery), _look_up(faces, np.flatnonzero(~belongs), gallery)


def _look_up(faces: Faces, probes: Indices, gallery: Indices) -> _Looked:
    owners, starts = np.unique(faces.people[gallery], return_index=True)  # the gallery is sorted by person
    cosines = np.maximum.reduceat(faces.vectors[probes] @ faces.templates[gallery].T, starts, axis=1)
    cosines[~faces.usable[probes]] = -1
    ordered = np.sort(cosines, axis=1)
    lead = ordered[:, -1] - ordered[:, -2] if len(owners) > 1 else np.ones(len(probes), np.float32)
    right = owners[cosines.argmax(axis=1)] == faces.people[probes]
    return _Looked(ordered[:, -1], np.asarray(lead, np.float32), right)


def _joined(parts: Sequence[_Looked]) -> _Looked:
    return _Looked(
        np.concatenate([part.best for part in parts]),
        np.concatenate([part.lead for part in parts]),
        np.concatenate([part.right for part in parts]),
    )
