"""Whether something covers a face: a guess from its colours, for a warning and never for a refusal.

Sunglasses are eyes that are far darker than the bridge of the nose between them, a mask is a mouth of another colour
than that. Beards and deep shadows read as something in between.
"""

import cv2
import numpy as np

from server.vision.detections import Floats, Pixels
from server.vision.image import ARCFACE, ARCFACE_SIZE, align

# Left, top, right, bottom in the aligned chip of 112 pixels.
BRIDGE = (50, 44, 62, 60)
EYES = ((31, 47, 46, 57), (66, 47, 81, 57))
MOUTH = (38, 82, 74, 104)
# Where nothing is thought to cover, and where something surely does: lightness of the eyes as a share of the bridge's,
# and distance of the mouth's colour in Lab.
EYES_BETWEEN = (0.45, 0.2)
MOUTH_BETWEEN = (22.0, 45.0)
COVERED = 0.5


def occlusion(image: Pixels, landmarks: Floats) -> float:
    """0 (nothing) to 1 of one face of a BGR picture."""
    return covered(align(image, landmarks, ARCFACE, ARCFACE_SIZE))


def covered(chip: Pixels) -> float:
    """The same of an aligned chip."""
    lab = cv2.cvtColor(np.asarray(chip, np.float32) / 255, cv2.COLOR_BGR2LAB)
    bridge = _median(lab, BRIDGE)
    eyes = min(float(_median(lab, box)[0]) for box in EYES) / max(float(bridge[0]), 1.0)
    mouth = float(np.linalg.norm(_median(lab, MOUTH) - bridge))
    return max(_between(eyes, *EYES_BETWEEN), _between(mouth, *MOUTH_BETWEEN))


def _median(lab: Floats, box: tuple[int, int, int, int]) -> Floats:
    left, top, right, bottom = box
    return np.asarray(np.median(lab[top:bottom, left:right].reshape(-1, 3), axis=0), np.float32)


def _between(value: float, none: float, full: float) -> float:
    return float(np.clip((value - none) / (full - none), 0.0, 1.0))
