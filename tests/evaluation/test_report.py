"""What an evaluation comes to, from embeddings that were made up so that the answer is known."""

import numpy as np
import pytest

from server.assets import asset
from server.errors import Invalid
from server.evaluation.photos import Look, Measured, gathered
from server.evaluation.report import Evaluation, compared, drawn, lines, report
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.packs import find_pack

PEOPLE, PHOTOS, DIMENSION = 12, 4, 192


@pytest.fixture(scope="module")
def opened() -> tuple[FaceDetector, FaceEmbedder]:
    packs = asset("models")
    return open_detector(find_pack("centerface", packs), threads=1), open_embedder(
        find_pack("mobilefacenet", packs), threads=1
    )


def faces(people: int, photos: int) -> Measured:
    """Each person is a direction of their own, with a little noise; one photo shows nobody."""
    random = np.random.default_rng(3)
    owners: list[str] = []
    looks: list[Look | None] = []
    for person in range(people):
        for _ in range(photos):
            vector = np.eye(DIMENSION, dtype=np.float32)[person] + random.normal(0, 0.01, DIMENSION)
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            owners.append(f"person {person}")
            looks.append(Look(vector, vector, 2.0))
    looks[0] = None
    return gathered(owners, looks, DIMENSION)


@pytest.fixture(scope="module")
def found(opened: tuple[FaceDetector, FaceEmbedder]) -> Evaluation:
    return compared(*opened, faces(PEOPLE, PHOTOS), 2)


def test_for_programs(found: Evaluation) -> None:
    """People who are nothing alike are told apart; the photo without a face counts against it."""
    told = report(found)
    assert (told["people"], told["photos"]) == (PEOPLE, PEOPLE * PHOTOS)
    assert told["failureToEnrol"] == pytest.approx(1 / (PEOPLE * PHOTOS))
    assert told["pairs"] == {
        "same": PEOPLE * PHOTOS * (PHOTOS - 1) // 2,
        "different": PHOTOS**2 * PEOPLE * (PEOPLE - 1) // 2,
    }
    assert told["fpir"] == {"5": 0.0, "10": 0.0}
    fnir = told["fnir"]
    assert isinstance(fnir, dict)
    assert 0 < fnir["10"] < 0.1  # the photo without a face
    assert told["msPerFace"] == 2.0
    assert told["detector"] == "centerface@1"


def test_for_people(found: Evaluation) -> None:
    """The same in lines."""
    text = "\n".join(lines(found))
    assert f"{PEOPLE} people, {PEOPLE * PHOTOS} photos" in text
    assert "10 enrolled, 2 photos each" in text
    assert "2.0 ms a face" in text


def test_the_curve(found: Evaluation) -> None:
    """From strict to lax: more strangers accepted, never more true pairs refused; both are shares."""
    line = drawn(found, points=10)
    assert 2 <= len(line) <= 10
    assert [far for far, _ in line] == sorted(far for far, _ in line)
    assert [frr for _, frr in line] == sorted((frr for _, frr in line), reverse=True)
    assert all(0 <= value <= 1 for point in line for value in point)


def test_nothing_to_compare(opened: tuple[FaceDetector, FaceEmbedder]) -> None:
    """One person alone is like nobody."""
    with pytest.raises(Invalid, match="nothing to compare"):
        compared(*opened, faces(1, 3), 1)
