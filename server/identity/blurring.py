"""Faces of others made unrecognisable in a picture that is handed out."""

import cv2
import numpy as np

from server.errors import PhotoRefused
from server.identity.enrolment import Finder
from server.identity.pictures import decode, encode_jpeg
from server.vision.boxes import at_place
from server.vision.detections import Floats, Pixels

MOSAIC = 5  # tiles across a face: nothing finer of it is left
ROOM = 0.25  # of a face's longer side, covered around it


class Blurring:
    """Finds the faces of a picture and covers all but one."""

    def __init__(self, detector: Finder) -> None:
        self._detector = detector

    def all_but(self, picture: bytes, box: list[float]) -> bytes | None:
        """The picture as JPEG in which only the face at `box` (x y w h in 0...1) is left, or the largest one without a
        box; None for what is no picture. Slow: call it on a thread."""
        try:
            image = decode(picture)
        except PhotoRefused:
            return None
        [found] = self._detector.detect([image])
        mine = at_place(found.boxes, image.shape[1], image.shape[0], box)
        for place, face in enumerate(found.boxes):
            if place != mine:
                cover(image, face)
        return encode_jpeg(image)


def cover(image: Pixels, face: Floats) -> None:
    """A mosaic over this box (x1 y1 x2 y2 in pixels) and a little around it, in place."""
    x1, y1, x2, y2 = (float(value) for value in face)
    room = ROOM * max(x2 - x1, y2 - y1)
    height, width = image.shape[:2]
    left, top = max(0, int(x1 - room)), max(0, int(y1 - room))
    right, bottom = min(width, int(np.ceil(x2 + room))), min(height, int(np.ceil(y2 + room)))
    if left >= right or top >= bottom:
        return
    part = image[top:bottom, left:right]
    tiles = cv2.resize(part, (MOSAIC, MOSAIC), interpolation=cv2.INTER_AREA)
    image[top:bottom, left:right] = cv2.resize(tiles, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
