"""How good a face is for recognition: its size, sharpness, light and pose, and why one is refused."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from server.vision.detections import Floats, Pixels
from server.vision.image import ARCFACE, ARCFACE_SIZE, align

Refusal = Literal["face_too_small", "turned_away", "too_dark", "too_blurred"]

# A general head in millimetres, the tip of the nose in the middle: right, down, towards the camera.
# Its front view has the proportions of the landmarks' template; the depths are those of an adult.
HEAD = np.array(
    [[-32.0, -36.0, -30.0], [32.0, -36.0, -30.0], [0.0, 4.0, 0.0], [-26.5, 38.0, -24.0], [26.5, 38.0, -24.0]]
)
SOLVE = np.linalg.pinv(np.column_stack([HEAD, np.ones(5)]))


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """What was measured of one face.

    size_px is the shorter side of its box. sharpness is the variance of the aligned face's Laplacian in relation to
    its contrast, so that dim light does not read as blur. Degrees: yaw is positive when the nose points to the right
    of the picture, pitch when it points down, roll when the head leans to the right. brightness is in 0...1.
    """

    size_px: float
    sharpness: float
    yaw: float
    pitch: float
    roll: float
    brightness: float
    confidence: float


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """The least that a face must have. The defaults suit a camera; an enrolment asks for more.

    Chosen by what a face still has in common with its own sharp, large, frontal picture (MobileFaceNet's cosine):
    0.93 at 31 pixels and 0.77 at 23; 0.94 at a sharpness of 0.010, 0.8 at 0.005 and 0.6 at 0.003; 0.85 at a yaw of 25
    degrees and 0.75 at 50; 0.88 at a brightness of 0.07. Ordinary press photographs have a sharpness of 0.012 to 0.11.
    """

    min_size_px: float = 28.0
    min_sharpness: float = 0.005
    max_yaw: float = 40.0
    max_pitch: float = 35.0
    min_brightness: float = 0.06

    @classmethod
    def enrolment(cls) -> "QualityLimits":
        """A template is compared with for years."""
        return cls(min_size_px=60.0, min_sharpness=0.01, max_yaw=40.0, max_pitch=30.0, min_brightness=0.1)


def pose(landmarks: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from five landmarks, as a far camera would see a general head.

    The nose stands before the plane of eyes and mouth, so where it falls between them tells how the head is turned.
    Good to about ten degrees; a person's own nose is most of what is left.
    """
    points = np.asarray(landmarks, np.float64)
    eyes, mouth = points[1] - points[0], points[4] - points[3]
    across = eyes + mouth
    roll = math.atan2(across[1], across[0])
    upright = points @ np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    right, down = (SOLVE @ upright)[:3].T
    yaw = math.atan2(right[2], math.hypot(right[0], right[1]))
    pitch = math.atan2(down[2], math.hypot(down[0], down[1]))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def sharpness_of(chip: Pixels) -> tuple[float, float]:
    """Sharpness and brightness of an aligned chip, both measured on its middle, without hair and background."""
    grey = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY)
    edge = chip.shape[0] // 7
    middle = np.asarray(grey, np.float32)[edge:-edge, edge:-edge]
    # The Laplacian of sensor noise is large too: a light blur takes out what is no edge.
    smooth = cv2.GaussianBlur(middle, (3, 3), 0)
    contrast = float(smooth.var())
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var()) / max(contrast, 25.0), float(middle.mean()) / 255


def assess(image: Pixels, box: Floats, landmarks: Floats, confidence: float) -> FaceQuality:
    """Measure one face of a BGR picture."""
    yaw, pitch, roll = pose(landmarks)
    sharpness, brightness = sharpness_of(align(image, landmarks, ARCFACE, ARCFACE_SIZE))
    size = float(min(box[2] - box[0], box[3] - box[1]))
    return FaceQuality(size, sharpness, yaw, pitch, roll, brightness, float(confidence))


def refusal(quality: FaceQuality, limits: QualityLimits) -> Refusal | None:
    """Why a face is not good enough, the plainest reason first; None if it is."""
    if quality.size_px < limits.min_size_px:
        return "face_too_small"
    if abs(quality.yaw) > limits.max_yaw or abs(quality.pitch) > limits.max_pitch:
        return "turned_away"
    if quality.brightness < limits.min_brightness:
        return "too_dark"
    if quality.sharpness < limits.min_sharpness:
        return "too_blurred"
    return None
