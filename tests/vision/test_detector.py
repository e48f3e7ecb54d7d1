"""Faces are found, with their landmarks, in pictures of any size."""

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from server.errors import Invalid, PackRefused
from server.vision.boxes import overlap
from server.vision.detections import Detections, Pixels
from server.vision.detector import FaceDetector, open_detector, scaled_back
from server.vision.packs import Pack, find_pack, read_manifest


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


def test_faces_in_the_black_border_are_dropped() -> None:
    """The canvas is larger than the picture; what is found beside it is nothing."""
    landmarks = np.full((1, 5, 2), 50, np.float32)
    found = Detections(np.array([[30, 30, 70, 110]], np.float32), landmarks, np.array([0.9], np.float32))
    assert len(scaled_back(found, 1.0, 25, 25)) == 0
    assert scaled_back(found, 0.5, 100, 300).boxes.tolist() == [pytest.approx([60, 60, 100, 220], abs=1e-3)]


def test_yunet_finds_what_centerface_finds(
    detector: FaceDetector, shared: Path, tmp_path: Path, collins: Pixels, hopper: Pixels
) -> None:
    """Another network and another head, on the two portraits: the same face, its landmarks within a tenth of it."""
    yunet = open_detector(yunet_pack(shared, tmp_path), threads=2)
    for picture in (collins, hopper):
        [ours], [theirs] = detector.detect([picture]), yunet.detect([picture])
        assert len(ours) == len(theirs) == 1
        assert overlap(ours.boxes, theirs.boxes)[0, 0] > 0.6
        width = float(ours.boxes[0, 2] - ours.boxes[0, 0])
        assert np.abs(ours.landmarks - theirs.landmarks).max() < 0.1 * width


def test_a_network_with_another_heads_outputs_is_refused(models: Path, shared: Path, tmp_path: Path) -> None:
    """When it is opened, not at the first picture."""
    yunet = yunet_pack(shared, tmp_path)
    manifest = yunet.folder / "model.toml"
    manifest.write_text(manifest.read_text().replace('head = "yunet"', 'head = "scrfd"'))
    with pytest.raises(PackRefused, match="12 outputs do not have the shapes of the head scrfd"):
        open_detector(read_manifest(yunet.folder))


def yunet_pack(shared: Path, folder: Path) -> Pack:
    """A pack of one's own around the shared file."""
    file = shared / "models/yunet_n_dynamic.onnx"
    if not file.is_file():
        pytest.skip("the shared YuNet is not here")
    pack = folder / "my-yunet"
    pack.mkdir()
    shutil.copy(file, pack)
    (pack / "model.toml").write_text(
        f'''
name = "my-yunet"
version = "1"
title = "YuNet"
task = "detection"
licence = "BSD-3-Clause"
[result]
file = "{file.name}"
sha256 = "{hashlib.sha256(file.read_bytes()).hexdigest()}"
[input]
colour = "bgr"
multiple_of = 32
[detection]
head = "yunet"
confidence = 0.6
overlap = 0.3
'''
    )
    return read_manifest(pack)


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
