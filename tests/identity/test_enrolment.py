"""A picture of one person becomes a template, or is refused with a reason; with the real models."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.errors import PhotoRefused
from server.identity.enrolment import REFUSALS, Enroller, Likeness
from server.identity.gallery import Gallery, Thresholds
from server.identity.pictures import decode, encode_jpeg
from server.vision.detections import Detections, Floats, Pixels
from server.vision.detector import FaceDetector
from server.vision.embedder import FaceEmbedder

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def reason(enroller: Enroller, image: Pixels) -> str:
    """The code with which a picture is refused; an accepted one fails the test."""
    with pytest.raises(PhotoRefused) as refused:
        enroller.examine(encode_jpeg(image, 95))
    assert refused.value.message == REFUSALS[refused.value.code]
    return refused.value.code


def scaled(image: Pixels, factor: float) -> Pixels:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def beside(left: Pixels, right: Pixels) -> Pixels:
    """Two pictures in one."""
    height = max(left.shape[0], right.shape[0])
    canvas = np.full((height, left.shape[1] + right.shape[1], 3), 128, np.uint8)
    canvas[: left.shape[0], : left.shape[1]] = left
    canvas[: right.shape[0], left.shape[1] :] = right
    return canvas


def test_a_good_picture_is_accepted_with_everything_that_is_kept(enroller: Enroller, eileen: Pixels) -> None:
    """A unit embedding, the quality, the box, the upright photo and a portrait of the face."""
    accepted = enroller.examine(encode_jpeg(eileen, 95))
    assert accepted.embedding.shape == (192,)
    assert np.linalg.norm(accepted.embedding) == pytest.approx(1.0, abs=1e-5)
    assert accepted.quality.size_px == pytest.approx(88, abs=5)
    assert (accepted.width, accepted.height) == (512, 512)
    x, y, width, height = accepted.box
    assert (x, y, width, height) == pytest.approx((0.35, 0.11, 0.17, 0.23), abs=0.03)
    assert decode(accepted.photo).shape == (512, 512, 3)
    assert decode(accepted.portrait).shape == (256, 256, 3)
    again = enroller.examine(accepted.portrait)
    assert float(again.embedding @ accepted.embedding) > 0.8


def test_a_large_picture_is_kept_smaller(enroller: Enroller, grace: Pixels) -> None:
    """The photo that is kept is bounded; the face is measured in the picture as it was sent."""
    large = np.asarray(cv2.resize(grace, (2048, 2400)), np.uint8)
    accepted = enroller.examine(encode_jpeg(large))
    assert (accepted.width, accepted.height) == (1365, 1600) == decode(accepted.photo).shape[1::-1]
    assert accepted.quality.size_px > 600


def test_a_mirrored_face_is_the_same_template(enroller: Enroller, eileen: Pixels) -> None:
    """The template averages the face and its mirror image, so a selfie camera's mirroring does not matter."""
    plain = enroller.examine(encode_jpeg(eileen, 95))
    mirrored = enroller.examine(encode_jpeg(np.ascontiguousarray(eileen[:, ::-1]), 95))
    assert float(plain.embedding @ mirrored.embedding) > 0.95


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_a_face_that_fills_the_picture_is_found(enroller: Enroller, grace: Pixels, margin: float) -> None:
    """A tight crop is looked at again with room around it, and boxes and pixels still fit together."""
    left, top, width, height = enroller.examine(encode_jpeg(grace, 95)).box
    rows = slice(int((top - margin * height) * 600), int((top + height * (1 + margin)) * 600))
    columns = slice(int((left - margin * width) * 512), int((left + width * (1 + margin)) * 512))
    tight = enroller.examine(encode_jpeg(grace[rows, columns], 95))
    whole = enroller.examine(encode_jpeg(grace, 95))
    assert tight.box[2] > 0.7
    assert all(0 <= value <= 1 for value in tight.box)
    assert float(tight.embedding @ whole.embedding) > 0.7


class Blinkered:
    """A detector that misses every face in a picture of one shape."""

    def __init__(self, detector: FaceDetector, shape: tuple[int, ...]) -> None:
        self.detector = detector
        self.shape = shape

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        return [Detections.none() if one.shape == self.shape else self.detector.detect([one])[0] for one in images]


def test_what_is_found_with_a_border_lies_where_it_lies_without(
    detector: FaceDetector, embedder: FaceEmbedder, enroller: Enroller, eileen: Pixels
) -> None:
    """The second look measures in the same pixels as the first, also where it looks at a smaller copy."""
    for factor in (1, 5):
        image = np.asarray(cv2.resize(eileen, None, fx=factor, fy=factor), np.uint8)
        plain = enroller.examine(encode_jpeg(image, 95))
        second = Enroller(Blinkered(detector, image.shape), embedder).examine(encode_jpeg(image, 95))
        assert second.box == pytest.approx(plain.box, abs=0.02)
        assert second.quality.size_px == pytest.approx(plain.quality.size_px, rel=0.1)
        assert float(second.embedding @ plain.embedding) > 0.9


def test_each_refusal_has_its_reason(enroller: Enroller, eileen: Pixels, grace: Pixels) -> None:
    """No face, more than one, too small, blurred, dark: the code says which, the sentence what to do."""
    assert reason(enroller, np.full((300, 300, 3), 90, np.uint8)) == "no_face"
    assert reason(enroller, np.asarray(eileen[300:], np.uint8)) == "no_face"
    assert reason(enroller, beside(eileen, scaled(grace, 0.5))) == "several_faces"
    assert reason(enroller, scaled(eileen, 0.5)) == "face_too_small"
    assert reason(enroller, np.asarray(cv2.GaussianBlur(grace, (0, 0), 9), np.uint8)) == "too_blurred"
    assert reason(enroller, np.asarray(grace * 0.13, np.uint8)) == "too_dark"


def test_a_much_smaller_face_behind_is_let_pass(enroller: Enroller, eileen: Pixels, grace: Pixels) -> None:
    """Somebody far behind does not spoil the picture of the person before the camera."""
    together = enroller.examine(encode_jpeg(beside(grace, scaled(eileen, 0.5)), 95))
    alone = enroller.examine(encode_jpeg(grace, 95))
    assert float(together.embedding @ alone.embedding) > 0.9


class Turned:
    """A detector that sees every nose far to the side."""

    def __init__(self, detector: FaceDetector) -> None:
        self.detector = detector

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        [found] = self.detector.detect(images)
        landmarks = found.landmarks.copy()
        landmarks[:, 2, 0] += 0.35 * (found.boxes[:, 2] - found.boxes[:, 0])
        return [Detections(found.boxes, landmarks, found.confidence)]


def test_a_face_that_looks_away_is_refused(detector: FaceDetector, embedder: FaceEmbedder, eileen: Pixels) -> None:
    """Landmarks of a head that is turned do not make a template."""
    assert reason(Enroller(Turned(detector), embedder), eileen) == "turned_away"


def test_one_person_is_recognised_in_another_crop_and_another_person_is_not(
    enroller: Enroller, embedder: FaceEmbedder, eileen: Pixels, grace: Pixels
) -> None:
    """Enrolled from one crop, found in another of other size and light; the other person stays far away."""
    gallery, thresholds = Gallery(embedder.dimension), Thresholds(embedder.pack.thresholds)
    gallery.add("photo", "eileen", enroller.examine(encode_jpeg(eileen[20:400, 60:420], 90)).embedding)
    other_light = np.asarray(cv2.convertScaleAbs(eileen, alpha=0.8, beta=25), np.uint8)
    crop = np.asarray(cv2.resize(other_light[:300, 100:400], None, fx=1.4, fy=1.4), np.uint8)
    probes = np.stack([enroller.examine(encode_jpeg(image, 80)).embedding for image in (crop, grace)])
    same, other = gallery.search(probes)
    assert same is not None
    assert other is not None
    assert same.similarity > thresholds.at(1) + 0.2
    assert other.similarity < thresholds.at(1) - 0.2


def test_a_look_alike_is_noticed(enroller: Enroller, embedder: FaceEmbedder, eileen: Pixels, grace: Pixels) -> None:
    """The same face under two names is the warning; the person's own photos and strangers are not."""
    gallery, thresholds = Gallery(embedder.dimension), Thresholds(embedder.pack.thresholds)
    found = enroller.examine(encode_jpeg(eileen, 95)).embedding
    assert Likeness.of(gallery, found, "eileen").resembles(thresholds.at(gallery.people)) is None
    gallery.add("photo", "eileen", found)
    assert Likeness.of(gallery, found, "eileen").resembles(thresholds.at(gallery.people)) is None
    hers = enroller.examine(encode_jpeg(grace, 95)).embedding
    assert Likeness.of(gallery, hers, "grace").resembles(thresholds.at(gallery.people)) is None
    other = Likeness.of(gallery, found, "somebody").resembles(thresholds.at(gallery.people))
    assert other is not None
    assert (other.person_id, other.template_id) == ("eileen", "photo")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared pictures")
def test_ten_people_are_told_apart(enroller: Enroller, embedder: FaceEmbedder) -> None:
    """Three photos each enrol; of the rest nobody is taken for another, and nearly all are recognised."""
    gallery, thresholds = Gallery(embedder.dimension), Thresholds(embedder.pack.thresholds)
    probes: list[tuple[str, Floats]] = []
    for folder in sorted((SHARED / "people10").iterdir()):
        kept = [one for one in (_embedded(enroller, path) for path in sorted(folder.glob("*.jpg"))) if one is not None]
        for number, embedding in enumerate(kept[:3]):
            gallery.add(f"{folder.name}-{number}", folder.name, embedding)
        probes += [(folder.name, embedding) for embedding in kept[3:]]
    assert gallery.people == 10
    named = dict.fromkeys(("right", "wrong", "none"), 0)
    for name, embedding in probes:
        [match] = gallery.search(embedding[None])
        assert match is not None
        sure = match.similarity >= thresholds.at(10) and match.margin >= embedder.pack.margin
        named["none" if not sure else "right" if match.person_id == name else "wrong"] += 1
    assert named["wrong"] == 0
    assert named["right"] >= 0.9 * len(probes) > 40


def _embedded(enroller: Enroller, path: Path) -> Floats | None:
    try:
        return enroller.examine(path.read_bytes()).embedding
    except PhotoRefused:
        return None


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared pictures")
def test_two_people_in_one_picture_are_refused(enroller: Enroller) -> None:
    """Nobody can tell whose template it would be."""
    with pytest.raises(PhotoRefused) as refused:
        enroller.examine((SHARED / "people" / "obama_and_biden.jpg").read_bytes())
    assert refused.value.code == "several_faces"
