"""Gallery: the templates of all people in one matrix, searched exactly, grown in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from server.vision.detections import Floats

_FIRST_CAPACITY = 64
_UNIT_TOLERANCE = 1e-3
_HIGHEST_THRESHOLD = 0.95


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest template of a person. `margin` is the lead over the best template of anybody else."""

    person_id: str
    template_id: str
    similarity: float
    margin: float  # similarity + 1 where there is nobody else: as if the next one were the opposite


class Thresholds:
    """The least similarity that counts, by how many people are enrolled: more people, more chances to be wrong."""

    def __init__(self, points: Sequence[tuple[int, float]]) -> None:
        """`points`: (people, cosine) as measured for a pack; made to rise where a measurement wobbles."""
        if not points:
            raise ValueError("a pack without thresholds cannot recognise anybody")
        ordered = sorted(points)
        if ordered[0][0] < 1 or any(a[0] == b[0] for a, b in pairwise(ordered)):
            raise ValueError(f"thresholds are by number of people, each once, from 1: {points}")
        self._logs = np.log([float(people) for people, _ in ordered])
        self._cosines = np.maximum.accumulate([cosine for _, cosine in ordered])
        span = float(self._logs[-1] - self._logs[0])
        # The whole table's slope: that of its last two points alone is mostly noise.
        self._slope = float(self._cosines[-1] - self._cosines[0]) / span if span else 0.0

    def at(self, people: int) -> float:
        """Interpolated on the logarithm of the number; flat below the first point, rising on beyond the last."""
        place = log(max(people, 1))
        beyond = max(place - float(self._logs[-1]), 0.0) * self._slope
        highest = max(_HIGHEST_THRESHOLD, float(self._cosines[-1]))
        return min(float(np.interp(place, self._logs, self._cosines)) + beyond, highest)


class Gallery:
    """Templates by person. Adding costs one row: the matrix doubles when it is full and is never rebuilt.

    Neither locks nor copies: it is read and changed on the event loop only. A search of one probe in ten thousand
    templates takes well under a millisecond.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.changes = 0  # goes up with every change, so that a reader can tell that it must look again
        self._matrix = np.zeros((_FIRST_CAPACITY, dimension), np.float32)
        self._owners = np.zeros(_FIRST_CAPACITY, np.int32)  # row -> slot of its person
        self._templates: list[str] = []  # row -> template id
        self._rows: dict[str, int] = {}  # template id -> row
        self._slots: dict[str, int] = {}  # person id -> slot
        self._people: list[str] = []  # slot -> person id; a free slot keeps its old name
        self._free_slots: list[int] = []
        self._templates_of: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """How many templates there are."""
        return len(self._templates)

    def __contains__(self, template_id: str) -> bool:
        return template_id in self._rows

    @property
    def people(self) -> int:
        """How many people have a template."""
        return len(self._slots)

    def templates_of(self, person_id: str) -> frozenset[str]:
        """The template ids of one person."""
        return frozenset(self._templates_of.get(person_id, ()))

    def add(self, template_id: str, person_id: str, embedding: Floats) -> None:
        """Add a template, a unit vector; one with that id is replaced."""
        vector = self._checked(embedding)
        self.remove_template(template_id)
        row = len(self._templates)
        if row == len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
            self._owners = np.concatenate([self._owners, np.zeros_like(self._owners)])
        self._matrix[row] = vector
        self._owners[row] = self._slot(person_id)
        self._templates.append(template_id)
        self._rows[template_id] = row
        self._templates_of.setdefault(person_id, set()).add(template_id)
        self.changes += 1

    def remove_template(self, template_id: str) -> None:
        """Forget one template; unknown ids are ignored."""
        row = self._rows.pop(template_id, None)
        if row is None:
            return
        person_id = self._people[self._owners[row]]
        last = len(self._templates) - 1
        if row != last:
            self._matrix[row] = self._matrix[last]
            self._owners[row] = self._owners[last]
            self._templates[row] = self._templates[last]
            self._rows[self._templates[row]] = row
        self._templates.pop()
        self._matrix[last] = 0.0  # what was erased does not linger in memory
        self._templates_of[person_id].discard(template_id)
        if not self._templates_of[person_id]:
            del self._templates_of[person_id]
            self._free_slots.append(self._slots.pop(person_id))
        self.changes += 1

    def remove_person(self, person_id: str) -> None:
        """Forget all templates of a person; unknown ids are ignored."""
        for template_id in self.templates_of(person_id):
            self.remove_template(template_id)

    def search(self, probes: Floats) -> list[Match | None]:
        """(N, dimension) unit vectors to the best match of each; None where the gallery is empty."""
        if probes.ndim != 2 or probes.shape[1] != self.dimension:
            raise ValueError(f"probes are (N, {self.dimension}), not {probes.shape}")
        if not self._templates:
            return [None] * len(probes)
        return [self._best(similarities) for similarities in self._similarities(probes)]

    def search_top(self, probe: Floats, k: int) -> list[Match]:
        """The k most similar people, best first; behind the first the margin is how far one lies behind it."""
        if not self._templates or k < 1:
            return []
        similarities = self._similarities(self._checked(probe)[None])[0]
        owners = self._owners[: len(self._templates)]
        best = np.full(len(self._people), -np.inf, np.float32)
        np.maximum.at(best, owners, similarities)
        ranked = np.argsort(-best, kind="stable")[: min(k, self.people)]
        matches = []
        for slot in ranked:
            row = int(np.argmax(np.where(owners == slot, similarities, -np.inf)))
            others = np.max(np.delete(best, slot), initial=-1.0)
            matches.append(self._match(row, float(similarities[row]), float(others)))
        return matches

    def similarity_to_others(self, embedding: Floats, person_id: str) -> Match | None:
        """The best match among all people but this one; None where there is nobody else."""
        slot = self._slots.get(person_id)
        if self.people - (slot is not None) < 1:
            return None
        similarities = self._similarities(self._checked(embedding)[None])[0]
        if slot is not None:
            similarities[self._owners[: len(self._templates)] == slot] = -np.inf
        return self._best(similarities)

    def _similarities(self, probes: Floats) -> Floats:
        similarities: Floats = probes @ self._matrix[: len(self._templates)].T
        return similarities

    def _best(self, similarities: Floats) -> Match:
        row = int(np.argmax(similarities))
        elsewhere = similarities[self._owners[: len(self._templates)] != self._owners[row]]
        return self._match(row, float(similarities[row]), float(np.max(elsewhere, initial=-1.0)))

    def _match(self, row: int, similarity: float, others: float) -> Match:
        return Match(self._people[self._owners[row]], self._templates[row], similarity, similarity - others)

    def _slot(self, person_id: str) -> int:
        slot = self._slots.get(person_id)
        if slot is None:
            if self._free_slots:
                slot = self._free_slots.pop()
                self._people[slot] = person_id
            else:
                slot = len(self._people)
                self._people.append(person_id)
            self._slots[person_id] = slot
        return slot

    def _checked(self, embedding: Floats) -> NDArray[np.float32]:
        if embedding.shape != (self.dimension,):
            raise ValueError(f"an embedding is ({self.dimension},), not {embedding.shape}")
        length = float(np.linalg.norm(embedding))
        if not abs(length - 1.0) <= _UNIT_TOLERANCE:
            raise ValueError(f"an embedding has unit length, not {length}")
        return np.asarray(embedding, np.float32)
