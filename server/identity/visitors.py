"""Unknown faces in groups: which one a face belongs to, by the mean of each group's faces. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.identity.gallery import Thresholds
from server.vision.detections import Floats

MOST_GROUPS = 10_000  # in memory; the one that was seen longest ago makes room


@dataclass(frozen=True, slots=True)
class GroupingRules:
    """When two unknown sightings are one visitor. Stricter than a name: nobody looks at a group before it is used."""

    thresholds: Thresholds  # the pack's, by how many there are to be confused with
    raised: float = 0.05  # over the pack's threshold
    margin: float = 0.04  # the least lead over the next group
    same: float = 0.12  # over the pack's threshold: two groups so alike are one
    fewest: int = 50  # a site has more strangers than it has seen yet

    def threshold(self, groups: int) -> float:
        """The least similarity to a group's mean that counts."""
        return min(self.thresholds.at(max(groups, self.fewest)) + self.raised, 0.95)

    def same_threshold(self, groups: int) -> float:
        """The least similarity of two groups' means that makes them one."""
        return min(self.thresholds.at(max(groups, self.fewest)) + self.same, 0.95)


def mean_with(mean: Floats, faces: int, face: Floats, more: int = 1) -> NDArray[np.float32]:
    """The mean direction of so many faces and some more; a unit vector, for both are."""
    both = mean * np.float32(faces) + face * np.float32(more)
    return np.asarray(both / max(float(np.linalg.norm(both)), 1e-6), np.float32)


class Groups:
    """The means of the groups, newest last. Neither locks nor copies: one thread at a time."""

    def __init__(self, rules: GroupingRules, most: int = MOST_GROUPS) -> None:
        self._rules = rules
        self._most = most
        self._means: dict[str, Floats] = {}
        self._matrix: Floats | None = None

    def __len__(self) -> int:
        return len(self._means)

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._means

    def put(self, group_id: str, mean: Floats) -> None:
        """A group's mean, new or changed: it was seen last. Beyond the most, the first one goes."""
        self._means.pop(group_id, None)
        self._means[group_id] = mean
        while len(self._means) > self._most:
            del self._means[next(iter(self._means))]
        self._matrix = None

    def drop(self, group_id: str) -> None:
        if self._means.pop(group_id, None) is not None:
            self._matrix = None

    def replace(self, means: Mapping[str, Floats]) -> None:
        """All of them anew, newest last."""
        kept = list(means.items())[-self._most :]
        self._means, self._matrix = dict(kept), None

    def of(self, face: Floats) -> str | None:
        """The group to which a face belongs; None where it is like none, or like two."""
        ranked = self.like(face, 2)
        if not ranked or ranked[0][1] < self._rules.threshold(len(self)):
            return None
        alone = len(ranked) < 2 or ranked[0][1] - ranked[1][1] >= self._rules.margin
        return ranked[0][0] if alone else None

    def twin(self, group_id: str) -> str | None:
        """Another group that turns out to be the same."""
        mean = self._means.get(group_id)
        if mean is None:
            return None
        others = [one for one in self.like(mean, 2) if one[0] != group_id]
        return others[0][0] if others and others[0][1] >= self._rules.same_threshold(len(self)) else None

    def found(self, face: Floats) -> list[tuple[str, float]]:
        """All groups that the face may be of, with their similarity, best first."""
        least = self._rules.threshold(len(self))
        return [one for one in self.like(face, len(self)) if one[1] >= least]

    def like(self, face: Floats, most: int) -> list[tuple[str, float]]:
        """The most similar groups, best first."""
        if not self._means or most < 1:
            return []
        if self._matrix is None:
            self._matrix = np.stack(list(self._means.values())).astype(np.float32)
        similarities = self._matrix @ np.asarray(face, np.float32)
        ids = list(self._means)
        return [(ids[n], float(similarities[n])) for n in np.argsort(-similarities, kind="stable")[:most]]
