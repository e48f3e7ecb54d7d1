"""Faces are found, with their landmarks, in pictures of any size."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from server.errors import Invalid, PackRefused
from server.vision.boxes import overlap
from server.vision.detections import Floats, Pixels
from server.vision.detector import FaceDetector, decode, open_detector, scaled_back
from server.vision.packs import find_pack


def test_finds_the_face_and_its_landmarks(detector: FaceDetector, collins: Pixels) -> None:
    """One face; the eyes above the nose above the mouth, left before right."""
    (found,) = detector.detect([collins])
    assert len(found) == 1
    assert found.confidence[0] > 0.8
    (left_eye, right_eye, nose, left_mouth, right_mouth) = found.landmarks[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    x1, y1, x2, y2 = found.boxes[0]
    assert ((found.landmarks[0] > (x1, y1)) & (found.landmarks[0] < (x2, y2))).all()


def test_pictures_of_different_sizes_in_one_call(detector: FaceDetector, collins: Pixels, hopper: Pixels) -> None:
    """Each keeps its place and its own pixels, and finds what it would find alone."""
    large = cv2.resize(collins, None, fx=3, fy=3).astype(np.uint8)
    empty = np.full((90, 160, 3), 127, np.uint8)
    found = detector.detect([hopper, large, empty, collins, hopper])
    assert [len(each) for each in found] == [1, 1, 0, 1, 1]
    assert overlap(found[1].boxes / np.float32(3), found[3].boxes)[0, 0] > 0.8
    np.testing.assert_allclose(found[0].boxes, detector.detect([hopper])[0].boxes, atol=0.1)
    np.testing.assert_allclose(found[0].boxes, found[4].boxes, atol=0.1)


def test_no_picture_no_run(detector: FaceDetector) -> None:
    """An empty call is answered with an empty list."""
    assert detector.detect([]) == []


def test_a_wide_picture_is_found_in_at_the_limit_of_its_width(detector: FaceDetector, collins: Pixels) -> None:
    """A full camera picture is scaled down and the box scaled back."""
    scene = np.full((1080, 1920, 3), 90, np.uint8)
    scene[300:812, 1000:1512] = collins
    (found,) = detector.detect([scene])
    alone = detector.detect([collins])[0].boxes + np.array([1000, 300, 1000, 300], np.float32)
    assert overlap(found.boxes[:1], alone)[0, 0] > 0.75


def test_what_is_no_bgr_picture_is_refused(detector: FaceDetector) -> None:
    """Grey pictures and empty ones never reach the network."""
    with pytest.raises(Invalid):
        detector.detect([np.zeros((20, 20), np.uint8)])
    with pytest.raises(Invalid):
        detector.detect([np.zeros((0, 20, 3), np.uint8)])


def fields(confidence: float) -> tuple[Floats, Floats, Floats, Floats]:
    """A network's answer that shows one face of 40 x 80 pixels (wide, high) centred at (50, 70)."""
    heat = np.zeros((32, 32), np.float32)
    heat[17, 12] = confidence
    heat[17, 13] = confidence / 2
    sizes = np.empty((2, 32, 32), np.float32)
    sizes[0], sizes[1] = np.log(20), np.log(10)
    points = np.full((10, 32, 32), 0.5, np.float32)
    return heat, sizes, np.zeros((2, 32, 32), np.float32), points


def test_decoding_follows_the_recipe(detector: FaceDetector) -> None:
    """Middle from the cell, size by the exponential, landmarks as parts of the box; weaker neighbours go."""
    found = decode(*fields(0.9), detector.settings)
    assert found.boxes.tolist() == [pytest.approx([30, 30, 70, 110], abs=1e-3)]
    assert found.landmarks[0].tolist() == [pytest.approx([50, 70], abs=1e-3)] * 5
    assert len(decode(*fields(0.3), detector.settings)) == 0


def test_a_heat_map_that_is_not_a_number_is_refused(detector: FaceDetector) -> None:
    """A device that computes nonsense must not look like an empty room."""
    with pytest.raises(PackRefused):
        decode(*fields(np.nan), detector.settings)


def test_faces_in_the_black_border_are_dropped(detector: FaceDetector) -> None:
    """The canvas is larger than the picture; what is found beside it is nothing."""
    found = decode(*fields(0.9), detector.settings)
    assert len(scaled_back(found, 1.0, 25, 25)) == 0
    assert scaled_back(found, 0.5, 100, 300).boxes.tolist() == [pytest.approx([60, 60, 100, 220], abs=1e-3)]


def test_an_embedder_is_not_opened_as_a_detector(models: Path) -> None:
    """The manifest says what a pack is for."""
    with pytest.raises(PackRefused, match="does not detect"):
        open_detector(find_pack("mobilefacenet", models))


def test_agrees_with_an_independent_conversion(detector: FaceDetector, shared: Path) -> None:
    """The same faces, to a thousandth of a pixel, as another program found with another file of the network."""
    with np.load(shared / "models/reference/centerface.npz") as kept:
        image = np.ascontiguousarray(kept["image"][0].transpose(1, 2, 0)[..., ::-1])
        expected = kept["detections"]
    (found,) = detector.detect([image])
    np.testing.assert_allclose(found.boxes, expected[:, :4], atol=1e-3)
    np.testing.assert_allclose(found.confidence, expected[:, 4], atol=1e-4)
    np.testing.assert_allclose(found.landmarks.reshape(-1, 10), expected[:, 5:], atol=1e-3)
