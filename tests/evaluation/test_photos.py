"""A folder of photos becomes embeddings; what shows no face is counted, not left out."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.assets import asset
from server.errors import Invalid
from server.evaluation.photos import measure, photos_in
from server.vision.detector import open_detector
from server.vision.embedder import open_embedder
from server.vision.packs import find_pack


@pytest.fixture
def folder(two_people: dict[str, bytes], tmp_path: Path) -> Path:
    """Two people with a real photo each, one that shows nobody and one that is no picture."""
    for name, photo in two_people.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}_0001.jpg").write_bytes(photo)
    some = tmp_path / sorted(two_people)[0]
    cv2.imwrite(str(some / "grey.png"), np.full((120, 160, 3), 90, np.uint8))
    (some / "letters.jpg").write_bytes(b"not a picture")
    (some / "notes.txt").write_text("not even named like one")
    return tmp_path


def test_faces_are_embedded_and_failures_counted(folder: Path, two_people: dict[str, bytes]) -> None:
    """Unit vectors for those with a face, in the order of the files; milliseconds for each of them."""
    photos = photos_in(folder)
    detector = open_detector(find_pack("centerface", asset("models")), threads=1)
    embedder = open_embedder(find_pack("mobilefacenet", asset("models")), threads=1)
    found = measure(photos, detector, embedder, embedder.dimension)
    assert len(photos) == len(two_people) + 2
    assert found.names == tuple(sorted(two_people))
    assert found.failure_to_enrol == pytest.approx(2 / len(photos))
    assert len(found.ms) == len(two_people)
    good = found.faces.usable
    np.testing.assert_allclose(np.linalg.norm(found.faces.vectors[good], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.faces.templates[good], axis=1), 1, atol=1e-5)
    assert not found.faces.vectors[~good].any()


def test_a_folder_without_people_is_refused(tmp_path: Path) -> None:
    """As is one that is not there."""
    with pytest.raises(Invalid, match="no folders of people"):
        photos_in(tmp_path)
    with pytest.raises(Invalid, match="not a folder"):
        photos_in(tmp_path / "nowhere")
