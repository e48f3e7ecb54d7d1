"""Faces of others are covered, and only theirs."""

import cv2
import numpy as np
import pytest

from server.assets import asset
from server.demo.pictures import astronaut, grace_hopper, read_picture
from server.identity.blurring import Blurring, cover
from server.identity.pictures import decode, encode_jpeg
from server.vision.detections import Pixels
from server.vision.detector import FaceDetector, open_detector
from server.vision.packs import find_pack


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return open_detector(find_pack("centerface", asset("models")), threads=1)


def together() -> Pixels:
    """Two people beside each other, each in a half of the same size."""
    halves = [cv2.resize(read_picture(path), (400, 400)) for path in (astronaut(), grace_hopper())]
    return np.asarray(np.hstack(halves), np.uint8)


def test_the_other_one_is_covered(detector: FaceDetector, portraits: None) -> None:
    """The half of the person stays as it was; in the other one nobody finds a face."""
    picture = together()
    [faces] = detector.detect([picture])
    assert len(faces) == 2
    left = faces.boxes[int(np.argmin(faces.boxes[:, 0]))]
    place = [float(left[0]) / 800, float(left[1]) / 400, float(left[2] - left[0]) / 800, float(left[3] - left[1]) / 400]
    covered = Blurring(detector).all_but(encode_jpeg(picture, 95), place)
    assert covered is not None
    image = decode(covered)
    [found] = detector.detect([image])
    assert len(found) == 1
    assert found.boxes[0][2] < 400
    difference = np.abs(image[:, :300].astype(int) - picture[:, :300].astype(int))
    assert difference.mean() < 4  # what JPEG does
    assert np.abs(image[:, 400:].astype(int) - picture[:, 400:].astype(int)).mean() > difference.mean()


def test_where_nobody_is_known_everybody_is_covered(detector: FaceDetector, portraits: None) -> None:
    """A place at which there is no face; and without a place the largest face is left."""
    content = encode_jpeg(together(), 95)
    nobody = Blurring(detector).all_but(content, [0.0, 0.9, 0.05, 0.05])
    assert nobody is not None
    assert len(detector.detect([decode(nobody)])[0]) == 0
    one = Blurring(detector).all_but(content, [])
    assert one is not None
    assert len(detector.detect([decode(one)])[0]) == 1


def test_what_is_no_picture(detector: FaceDetector) -> None:
    """None rather than an error."""
    assert Blurring(detector).all_but(b"no picture", []) is None


def test_a_box_at_the_edge_or_outside() -> None:
    """What lies in the picture is covered, the rest stays."""
    random = np.random.default_rng(1)
    image = random.integers(0, 255, (60, 80, 3), np.uint8)
    before = image.copy()
    cover(image, np.array([-10, -10, 20, 20], np.float32))
    assert len(np.unique(image[:20, :20].reshape(-1, 3), axis=0)) <= 25
    assert (image[40:] == before[40:]).all()
    cover(image, np.array([200, 200, 220, 220], np.float32))
    assert (image[40:] == before[40:]).all()
