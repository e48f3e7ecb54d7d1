"""The face of a stored picture, looked at again: what an operator's word needs, long after the frame is gone."""

from dataclasses import dataclass

import numpy as np

from server.errors import PhotoRefused
from server.identity.enrolment import Embedder, Finder
from server.identity.pictures import decode, encode_jpeg
from server.vision.boxes import at_place
from server.vision.detections import Floats, Pixels
from server.vision.quality import FaceQuality, assess

ROOM = 1.2  # of the face's longer side, around it on each side


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The face, and a picture of it with room around, as JPEG."""

    embedding: Floats
    quality: FaceQuality
    picture: bytes


class Looker:
    """Finds and embeds the face of a sighting's picture. Holds no state of people."""

    def __init__(self, detector: Finder, embedder: Embedder) -> None:
        self._detector = detector
        self._embedder = embedder

    def look(self, picture: bytes, box: list[float]) -> Look | None:
        """The face at `box` (x y w h in 0...1), or the largest one without a box. Slow: call it on a thread."""
        try:
            image = decode(picture)
        except PhotoRefused:
            return None
        [found] = self._detector.detect([image])
        place = at_place(found.boxes, image.shape[1], image.shape[0], box)
        if place is None:
            return None
        face, landmarks = found.boxes[place], found.landmarks[place]
        chip = self._embedder.align(image, landmarks)
        mean = self._embedder.embed(np.stack([chip, chip[:, ::-1]])).mean(axis=0)
        return Look(
            np.asarray(mean / np.linalg.norm(mean), np.float32),
            assess(image, face, landmarks, float(found.confidence[place])),
            encode_jpeg(_around(image, face), 95),
        )


def _around(image: Pixels, face: Floats) -> Pixels:
    x1, y1, x2, y2 = (float(v) for v in face)
    height, width = image.shape[:2]
    room = ROOM * max(x2 - x1, y2 - y1)
    left, top = max(0, round(x1 - room)), max(0, round(y1 - room))
    return image[top : min(height, round(y2 + room)), left : min(width, round(x2 + room))]
