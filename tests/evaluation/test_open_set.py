"""Who is named and who is taken for somebody, in galleries whose outcome is known."""

import numpy as np
import pytest

from server.evaluation.open_set import Faces, identify, sizes_for
from server.identity.gallery import Thresholds

THRESHOLDS = Thresholds([(1, 0.5), (100, 0.6)])


def faces_of(people: int, photos: int, noise: float) -> Faces:
    """People in directions of their own, photos that differ by noise."""
    chance = np.random.default_rng(3)
    directions = np.repeat(np.eye(people, 64, dtype=np.float32), photos, axis=0)
    vectors = directions + chance.normal(0, noise, directions.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Faces(vectors, vectors, np.repeat(np.arange(people), photos), np.ones(people * photos, bool))


def test_people_far_apart_are_all_named_and_no_stranger_is() -> None:
    """The threshold is the pack's for that many people."""
    found = identify(faces_of(12, 5, 0.01), 6, 3, THRESHOLDS, 0.05)
    assert (found.fpir, found.fnir) == (0, 0)
    assert found.threshold == THRESHOLDS.at(6)
    assert found.fnir_at_1_percent == 0
    assert identify(faces_of(12, 5, 0.01), 6, 3, THRESHOLDS, 0.05) == found


def test_a_twin_among_the_strangers_is_named_wrongly() -> None:
    """Everybody has a double with another name: strangers are named, and the enrolled lose their lead."""
    faces = faces_of(8, 5, 0.01)
    doubles = Faces(
        faces.vectors, faces.templates, np.where(np.arange(40) % 5 < 3, faces.people, faces.people + 8), faces.usable
    )
    found = identify(doubles, 4, 1, THRESHOLDS, 0.05)
    assert found.fpir > 0.2


def test_a_photo_without_a_face_is_a_miss() -> None:
    """It is not left out of the count: the camera did not name somebody who is enrolled."""
    faces = faces_of(4, 4, 0.01)
    usable = faces.usable.copy()
    usable[::4] = False
    found = identify(Faces(faces.vectors, faces.templates, faces.people, usable), 2, 2, THRESHOLDS, 0.05)
    assert found.fnir == pytest.approx(0.5)
    assert found.fpir == 0


def test_sizes_that_the_photos_allow() -> None:
    """Strangers must be left; where no usual size fits, half of the people; without enough photos none."""
    assert sizes_for(faces_of(60, 4, 0.1), 3) == [5, 10, 50]
    assert sizes_for(faces_of(4, 4, 0.1), 3) == [2]
    assert sizes_for(faces_of(4, 3, 0.1), 3) == []
    with pytest.raises(ValueError, match="a gallery of 4"):
        identify(faces_of(4, 4, 0.1), 4, 3, THRESHOLDS, 0.05)
