"""Pictures as evidence: bounded, decodable, and the face where it is."""

import cv2
import numpy as np

from server.demo.pictures import astronaut, read_picture
from server.pipeline.evidence import FACE_PX, MAX_WIDTH_PX, scaled, take_evidence


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))


def test_frame_and_face_are_jpegs_of_bounded_size() -> None:
    """A large frame is scaled down; the crop holds the face with room around; the box is in 0...1."""
    image = cv2.resize(read_picture(astronaut()), (2048, 2048))
    taken = take_evidence(np.asarray(image, np.uint8), np.array([680, 280, 1120, 840], np.float32), 80)
    assert decoded(taken.frame).shape == (MAX_WIDTH_PX, MAX_WIDTH_PX, 3)
    assert max(decoded(taken.face).shape) <= FACE_PX + 1
    assert taken.box == [0.332, 0.1367, 0.2148, 0.2734]


def test_a_box_at_the_edge_or_outside_is_no_crash() -> None:
    """A face half out of the picture, and one that is out of it."""
    image = np.full((100, 160, 3), 90, np.uint8)
    for box in ([-20, -20, 30, 30], [150, 90, 200, 140], [500, 500, 600, 600]):
        taken = take_evidence(image, np.array(box, np.float32), 80)
        assert decoded(taken.face).size > 0


def test_small_pictures_are_not_blown_up() -> None:
    """Scaling only makes smaller."""
    image = np.zeros((50, 80, 3), np.uint8)
    assert scaled(image, 640) is image
    assert scaled(image, 40).shape == (25, 40, 3)
