"""Index: the likeliest of very many templates without a look at each, by usearch, a graph of neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.errors import Unavailable
from server.vision.detections import Floats

# Neighbours of a node, and how many candidates are looked at while adding and while searching.
NEIGHBOURS = 16
LOOKED_AT_ADDING = 64
LOOKED_AT_SEARCHING = 96
# Of all that were added: beyond it an index that is made anew is better, and forgets what was removed.
MOST_REMOVED = 0.1
_FEW = 1000


class Index:
    """Keys and unit vectors; keys only ever grow. Neither locks nor copies: used by one thread at a time."""

    def __init__(self, dimension: int) -> None:
        """Raises Unavailable where usearch is not installed."""
        self._graph = _open_graph(dimension)
        self.highest = -1  # the greatest key that was added
        self._added = 0
        self._removed = 0

    def __len__(self) -> int:
        return len(self._graph)

    @property
    def is_worn(self) -> bool:
        """So much was removed that it should be made anew. Removed vectors stay in memory until then."""
        return self._removed > _FEW and self._removed > MOST_REMOVED * self._added

    def add(self, keys: NDArray[np.int64], vectors: Floats) -> None:
        """All of them greater than any key before. Of thousands, on a thread: each takes part of a millisecond."""
        if len(keys):
            self._graph.add(keys.astype(np.uint64), vectors, threads=1)
            self.highest, self._added = int(keys.max()), self._added + len(keys)

    def remove(self, key: int) -> None:
        """Unknown keys are ignored."""
        self._removed += int(self._graph.remove(key) or 0)

    def keep(self, keys: NDArray[np.int64]) -> None:
        """Remove all but these."""
        for key in np.setdiff1d(np.asarray(self._graph.keys).astype(np.int64), keys).tolist():
            self.remove(key)

    def search(self, probe: Floats, count: int) -> NDArray[np.int64]:
        """The keys of the `count` most similar, or nearly so, best first."""
        found = self._graph.search(probe, count, threads=1)
        return np.asarray(found.keys).astype(np.int64)


def usearch_is_there() -> bool:
    try:
        import usearch.index  # noqa: F401
    except ImportError:
        return False
    return True


def _open_graph(dimension: int) -> Any:
    try:
        from usearch.index import Index as Graph
    except ImportError:
        message = "An index of the gallery needs the extra index: pip install '.[index]' in the checkout."
        raise Unavailable(message, code="index_not_installed") from None
    return Graph(
        ndim=dimension, metric="ip", dtype="f16", connectivity=NEIGHBOURS, expansion_add=LOOKED_AT_ADDING,
        expansion_search=LOOKED_AT_SEARCHING,
    )  # fmt: skip
