"""Faces that are small, dark, blurred or turned away are told from good ones, with the reason."""

import math
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from server.vision.detections import Pixels
from server.vision.detector import FaceDetector
from server.vision.image import ARCFACE
from server.vision.quality import HEAD, FaceQuality, QualityLimits, assess, pose, refusal

CAMERA, ENROLMENT = QualityLimits(), QualityLimits.enrolment()


def quality(detector: FaceDetector, image: Pixels) -> FaceQuality:
    (found,) = detector.detect([image])
    return assess(image, found.boxes[0], found.landmarks[0], float(found.confidence[0]))


@pytest.mark.parametrize("yaw", [-55, -30, 0, 20, 45])
@pytest.mark.parametrize("roll", [-25, 0, 15])
def test_the_pose_of_a_turned_head_is_found(yaw: float, roll: float) -> None:
    """A general head, turned and seen from afar, is measured to a few degrees."""
    turn, lean = math.radians(yaw), math.radians(roll)
    around = np.array([[math.cos(turn), 0, math.sin(turn)], [0, 1, 0], [-math.sin(turn), 0, math.cos(turn)]])
    tilt = np.array([[math.cos(lean), -math.sin(lean)], [math.sin(lean), math.cos(lean)]])
    points = (HEAD @ around.T)[:, :2] @ tilt.T * 1.7 + 200
    found = pose(points.astype(np.float32))
    assert found[0] == pytest.approx(yaw, abs=1)
    assert found[1] == pytest.approx(0, abs=8)
    assert found[2] == pytest.approx(roll, abs=6)


def test_a_head_that_looks_down_has_a_positive_pitch() -> None:
    """The nose moves towards the mouth."""
    down = np.array(ARCFACE, np.float32)
    down[2, 1] += 12
    assert pose(down)[1] > 15


def test_good_faces_pass_everywhere(detector: FaceDetector, collins: Pixels, hopper: Pixels) -> None:
    """Both portraits are frontal, sharp and light enough, for an enrolment too."""
    for image in (collins, hopper):
        found = quality(detector, image)
        assert refusal(found, CAMERA) is None
        assert refusal(found, ENROLMENT) is None
        assert abs(found.yaw) < 10
        assert abs(found.pitch) < 15


def test_a_blurred_face_is_refused(detector: FaceDetector, collins: Pixels, hopper: Pixels) -> None:
    """Strongly blurred at a camera; for an enrolment already when somewhat blurred."""
    for image, width in ((collins, 88), (hopper, 182)):
        strongly = cv2.GaussianBlur(image, (0, 0), 0.045 * width).astype(np.uint8)
        somewhat = cv2.GaussianBlur(image, (0, 0), 0.03 * width).astype(np.uint8)
        slightly = cv2.GaussianBlur(image, (0, 0), 0.008 * width).astype(np.uint8)
        assert refusal(quality(detector, strongly), CAMERA) == "too_blurred"
        assert refusal(quality(detector, somewhat), ENROLMENT) == "too_blurred"
        assert refusal(quality(detector, slightly), ENROLMENT) is None


def test_dim_light_is_not_taken_for_blur(detector: FaceDetector, collins: Pixels) -> None:
    """Half the light passes with the same sharpness; hardly any is too dark."""
    half = (collins * 0.5).astype(np.uint8)
    assert quality(detector, half).sharpness == pytest.approx(quality(detector, collins).sharpness, rel=0.2)
    assert refusal(quality(detector, half), ENROLMENT) is None
    assert refusal(quality(detector, (collins * 0.08).astype(np.uint8)), CAMERA) == "too_dark"


def test_a_small_face_is_refused_sooner_at_an_enrolment(detector: FaceDetector, collins: Pixels) -> None:
    """46 pixels do for a camera, 20 for nothing."""
    half = cv2.resize(collins, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    fifth = cv2.resize(collins, None, fx=0.22, fy=0.22, interpolation=cv2.INTER_AREA).astype(np.uint8)
    assert refusal(quality(detector, half), CAMERA) is None
    assert refusal(quality(detector, half), ENROLMENT) == "face_too_small"
    assert refusal(quality(detector, fifth), CAMERA) == "face_too_small"


def test_the_plainest_reason_comes_first(detector: FaceDetector, collins: Pixels) -> None:
    """Who is far away is asked to come nearer before anything else."""
    good = quality(detector, collins)
    bad = replace(good, size_px=10, yaw=80, brightness=0, sharpness=0)
    assert refusal(bad, CAMERA) == "face_too_small"
    assert refusal(replace(bad, size_px=100), CAMERA) == "turned_away"
    assert refusal(replace(good, pitch=-50), CAMERA) == "turned_away"


def test_a_head_that_turns_is_refused_while_it_is_turned(detector: FaceDetector, shared: Path) -> None:
    """A real clip: first turned by some 50 degrees, then frontal, never more than 40 to the other side."""
    with av.open(str(shared / "data/video/head-pose-face-detection-female.gif")) as clip:
        frames = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in clip.decode(video=0)]
    reasons = [refusal(quality(detector, frame), CAMERA) for frame in frames]
    assert set(reasons[:6]) == {"turned_away"}
    assert set(reasons[7:]) == {None}
