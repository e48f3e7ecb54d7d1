"""Faces as they are stored become figures again: those that a key opens and that are of the length that is wanted."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server.store.templates import KeptTemplate

Floats = NDArray[np.float32]
STORED = "<f4"


class Opening(Protocol):
    """What opens faces."""

    def open(self, row: KeptTemplate) -> bytes | None: ...


class Seals(Opening, Protocol):
    """What seals them too."""

    def seal(self, template_id: str, person_id: str, embedding: bytes) -> KeptTemplate: ...


def opened(seals: Opening, rows: Sequence[KeptTemplate], dimension: int | None) -> list[tuple[KeptTemplate, bytes]]:
    """With what was sealed, as bytes; `dimension` None: of any length. Takes a while with many."""
    found = ((row, seals.open(row)) for row in rows)
    size = None if dimension is None else 4 * dimension
    return [(row, plain) for row, plain in found if plain is not None and size in (None, len(plain))]


def faces(seals: Opening, rows: Sequence[KeptTemplate], dimension: int | None) -> list[tuple[KeptTemplate, Floats]]:
    """With the figures, each on its own."""
    return [(row, np.frombuffer(plain, STORED).astype(np.float32)) for row, plain in opened(seals, rows, dimension)]


def sealed(seals: Seals, row_id: str, owner: str, face: Floats) -> KeptTemplate:
    """As it is stored."""
    return seals.seal(row_id, owner, face.astype(STORED).tobytes())
