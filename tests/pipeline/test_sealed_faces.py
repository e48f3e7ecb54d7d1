"""Faces that come back as figures: only what a key opens, and only of the length that is wanted."""

import numpy as np

from server.access.keyring import Keyring
from server.access.template_seals import TemplateSeals
from server.pipeline.sealed_faces import faces, opened, sealed

SEALS, OTHER = TemplateSeals(Keyring(("s" * 64,))), TemplateSeals(Keyring(("t" * 64,)))
FACE = np.linspace(-1, 1, 8, dtype=np.float32)


def test_there_and_back() -> None:
    """The same figures, with the row that they are of; nothing of another length, key or owner."""
    row, short = sealed(SEALS, "a", "p", FACE), sealed(SEALS, "b", "p", FACE[:4])
    stranger = sealed(OTHER, "c", "p", FACE)
    [(found, face)] = faces(SEALS, [row, short, stranger], 8)
    assert found is row
    assert face.dtype == np.float32
    assert np.array_equal(face, FACE)
    assert [len(face) for _, face in faces(SEALS, [row, short, stranger], None)] == [8, 4]
    assert [len(plain) for _, plain in opened(SEALS, [row, short, stranger], None)] == [32, 16]
    face += 1  # it is the caller's own
