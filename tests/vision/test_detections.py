"""Detections as a struct of arrays."""

import numpy as np
import pytest

from server.vision.detections import Detections


def three() -> Detections:
    return Detections(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.zeros((3, 5, 2), np.float32),
        np.array([0.9, 0.6, 0.4], np.float32),
    )


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    """A length that differs is a bug of the caller's."""
    with pytest.raises(ValueError, match="do not fit"):
        Detections(np.zeros((2, 4), np.float32), np.zeros((3, 5, 2), np.float32), np.zeros(3, np.float32))


def test_selecting_keeps_the_arrays_together() -> None:
    """By mask, slice or list; iterating gives one face at a time."""
    found = three()
    assert found[found.confidence > 0.5].confidence.tolist() == pytest.approx([0.9, 0.6])
    assert found[[2]].boxes.tolist() == [[8, 9, 10, 11]]
    assert len(found[1:]) == 2
    assert [confidence for _, _, confidence in found] == pytest.approx([0.9, 0.6, 0.4])
    assert len(Detections.none()) == 0
