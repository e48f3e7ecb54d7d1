"""Gallery: the templates of all people in one matrix, searched exactly or by an index, grown in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from server.identity.index import Index
from server.vision.detections import Floats

Rows: TypeAlias = "NDArray[np.intp] | slice"

_FIRST_CAPACITY = 64
_UNIT_TOLERANCE = 1e-3
_HIGHEST_THRESHOLD = 0.95
_FIRST_NEAR = 16  # enough for two people with several photos each


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

    Neither locks nor copies: it is read and changed by one thread at a time. An index is made beside it
    (`indexed_next()`) and then attached; from then on it narrows a search down to the likeliest templates, whose
    similarities are those of the matrix. Without one a search is exact: one probe in ten thousand templates takes well
    under a millisecond.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.changes = 0  # goes up with every change, so that a reader can tell that it must look again
        self.index: Index | None = None
        self._matrix = np.zeros((_FIRST_CAPACITY, dimension), np.float32)
        self._owners = np.zeros(_FIRST_CAPACITY, np.int32)  # row -> slot of its person
        self._keys = np.zeros(_FIRST_CAPACITY, np.int64)  # row -> what the index calls it; never used twice
        self._next_key = 0
        self._row_of_key: dict[int, int] = {}
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

    @property
    def templates(self) -> frozenset[str]:
        """The ids of all."""
        return frozenset(self._rows)

    def templates_of(self, person_id: str) -> frozenset[str]:
        """The template ids of one person."""
        return frozenset(self._templates_of.get(person_id, ()))

    def owner_of(self, template_id: str) -> str | None:
        """Whose a template is; None where it is not here."""
        row = self._rows.get(template_id)
        return None if row is None else self._people[self._owners[row]]

    def add(self, template_id: str, person_id: str, embedding: Floats) -> None:
        """Add a template, a unit vector; one with that id is replaced."""
        self.add_many([(template_id, person_id)], self._checked(embedding)[None])

    def add_many(self, owned: Sequence[tuple[str, str]], embeddings: Floats) -> None:
        """Many at once: (template id, person id) and (N, dimension) unit vectors. All of them or, where one is no unit
        vector, none."""
        vectors = self._all_checked(embeddings, len(owned))
        if len(dict(owned)) < len(owned):
            raise ValueError("each template is added once")
        for template_id, _ in owned:
            self.remove_template(template_id)
        first, end = len(self._templates), len(self._templates) + len(owned)
        self._reserve(end)
        self._matrix[first:end] = vectors
        keys = range(self._next_key, self._next_key + len(owned))
        self._keys[first:end] = keys
        self._next_key = keys.stop
        for row, key, (template_id, person_id) in zip(range(first, end), keys, owned, strict=True):
            self._owners[row] = self._slot(person_id)
            self._templates.append(template_id)
            self._rows[template_id] = row
            self._row_of_key[key] = row
            self._templates_of.setdefault(person_id, set()).add(template_id)
        if self.index is not None:
            self.index.add(self._keys[first:end], vectors)
        self.changes += len(owned)

    def remove_template(self, template_id: str) -> None:
        """Forget one template; unknown ids are ignored."""
        row = self._rows.pop(template_id, None)
        if row is None:
            return
        person_id = self._people[self._owners[row]]
        key = int(self._keys[row])
        del self._row_of_key[key]
        if self.index is not None:
            self.index.remove(key)
        last = len(self._templates) - 1
        if row != last:
            for column in (self._matrix, self._owners, self._keys):
                column[row] = column[last]
            self._templates[row] = self._templates[last]
            self._rows[self._templates[row]] = row
            self._row_of_key[int(self._keys[row])] = row
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

    def indexed_next(self, index: Index, most: int) -> tuple[NDArray[np.int64], Floats]:
        """What an index that is being made lacks: keys and vectors, copied, at most so many. Empty: it has all."""
        keys = self._keys[: len(self._templates)]
        rows = np.flatnonzero(keys > index.highest)
        if len(rows) > most:
            rows = rows[np.argpartition(keys[rows], most)[:most]]
        rows = rows[np.argsort(keys[rows])]
        return keys[rows], self._matrix[rows]

    def attach(self, index: Index) -> None:
        """Search by this one from now on. It lacks nothing; what was removed while it was made is taken out of it."""
        index.keep(self._keys[: len(self._templates)])
        self.index = index

    def search(self, probes: Floats) -> list[Match | None]:
        """(N, dimension) unit vectors to the best match of each; None where the gallery is empty."""
        if probes.ndim != 2 or probes.shape[1] != self.dimension:
            raise ValueError(f"probes are (N, {self.dimension}), not {probes.shape}")
        if not self._templates:
            return [None] * len(probes)
        if self.index is None:
            everything = slice(0, len(self._templates))
            return [self._best(everything, similarities) for similarities in self._similarities(probes)]
        return [self._best(*self._near(probe, 2)) for probe in probes]

    def search_top(self, probe: Floats, k: int) -> list[Match]:
        """The k most similar people, best first; behind the first the margin is how far one lies behind it."""
        vector = self._checked(probe)
        if not self._templates or k < 1:
            return []
        rows, similarities = self._near(vector, max(k, 2))
        owners = self._owners[rows]
        best = np.full(len(self._people), -np.inf, np.float32)
        np.maximum.at(best, owners, similarities)
        ranked = np.argsort(-best, kind="stable")[: min(k, self.people)]
        matches = []
        for slot in ranked:
            place = int(np.argmax(np.where(owners == slot, similarities, -np.inf)))
            others = np.max(np.delete(best, slot), initial=-1.0)
            matches.append(self._match(rows, place, float(similarities[place]), float(others)))
        return matches

    def similarity_to(self, embedding: Floats, person_id: str) -> float | None:
        """The best similarity to this person's own templates; None where they have none."""
        rows = [self._rows[one] for one in self._templates_of.get(person_id, ())]
        return float(np.max(self._matrix[rows] @ self._checked(embedding))) if rows else None

    def similarity_to_others(self, embedding: Floats, person_id: str) -> Match | None:
        """The best match among all people but this one; None where there is nobody else."""
        slot = self._slots.get(person_id)
        if self.people - (slot is not None) < 1:
            return None
        rows, similarities = self._near(self._checked(embedding), 3)
        if slot is not None:
            similarities[self._owners[rows] == slot] = -np.inf
        return self._best(rows, similarities)

    def _near(self, probe: Floats, people: int) -> tuple[Rows, Floats]:
        """The likeliest templates, with so many people among them (or all there are), and their similarities."""
        if self.index is None:
            return slice(0, len(self._templates)), self._similarities(probe[None])[0]
        wanted, most = min(people, self.people), len(self._templates)
        count = min(_FIRST_NEAR, most)
        while True:
            keys = self.index.search(probe, count)
            rows = np.array([self._row_of_key[key] for key in keys.tolist()], np.intp)
            if len(np.unique(self._owners[rows])) >= wanted:
                return rows, self._matrix[rows] @ probe
            if count == most:  # the graph of the index has holes: nobody is overlooked for that
                return slice(0, most), self._similarities(probe[None])[0]
            count = min(count * 4, most)

    def _similarities(self, probes: Floats) -> Floats:
        similarities: Floats = probes @ self._matrix[: len(self._templates)].T
        return similarities

    def _best(self, rows: Rows, similarities: Floats) -> Match:
        place, owners = int(np.argmax(similarities)), self._owners[rows]
        elsewhere = similarities[owners != owners[place]]
        others = float(np.max(elsewhere, initial=-1.0))
        return self._match(rows, place, float(similarities[place]), others)

    def _match(self, rows: Rows, place: int, similarity: float, others: float) -> Match:
        row = place if isinstance(rows, slice) else int(rows[place])
        return Match(self._people[self._owners[row]], self._templates[row], similarity, similarity - others)

    def _reserve(self, rows: int) -> None:
        capacity = len(self._matrix)
        if rows <= capacity:
            return
        while capacity < rows:
            capacity *= 2
        matrix = np.zeros((capacity, self.dimension), np.float32)
        matrix[: len(self._templates)] = self._matrix[: len(self._templates)]
        self._matrix = matrix
        self._owners = np.resize(self._owners, capacity)
        self._keys = np.resize(self._keys, capacity)

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
        vector: NDArray[np.float32] = self._all_checked(embedding[None], 1)[0]
        return vector

    def _all_checked(self, embeddings: Floats, count: int) -> NDArray[np.float32]:
        if embeddings.shape != (count, self.dimension):
            raise ValueError(f"embeddings are ({count}, {self.dimension}), not {embeddings.shape}")
        lengths = np.linalg.norm(embeddings, axis=1)
        if not np.all(np.abs(lengths - 1.0) <= _UNIT_TOLERANCE):
            raise ValueError(f"an embedding has unit length, not {lengths[~(np.abs(lengths - 1) <= _UNIT_TOLERANCE)]}")
        return np.asarray(embeddings, np.float32)
