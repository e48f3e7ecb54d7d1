"""Enrolment: a picture of one person becomes a template, or is refused with a reason that helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from server.errors import PhotoRefused
from server.identity.gallery import Gallery, Match
from server.identity.pictures import bounded, decode, encode_jpeg, square
from server.vision.detections import Detections, Floats, Pixels
from server.vision.occlusion import occlusion
from server.vision.quality import FaceQuality, QualityLimits, assess, refusal

LONGEST_PX = 1600
PORTRAIT_PX = 256
# A second face of this share of the largest one's size may be the person that was meant.
SECOND_FACE = 0.4

REFUSALS = {
    "no_face": "No face was found. Take a picture from the front in which the whole face shows.",
    "several_faces": "There is more than one face. Take a picture of this person alone, or cut the others away.",
    "face_too_small": "The face is too small. Come closer, or send the picture in its full size.",
    "too_blurred": "The face is blurred. Hold the camera still, wipe its lens, and have more light.",
    "turned_away": "The face is turned too far away. Look towards the camera.",
    "too_dark": "The face is too dark. Turn towards a window or a lamp.",
}


class Finder(Protocol):
    """Finds faces: `vision.detector.FaceDetector`."""

    def detect(self, images: Sequence[Pixels]) -> list[Detections]: ...


class Embedder(Protocol):
    """Aligns and embeds faces: `vision.embedder.FaceEmbedder`."""

    def align(self, image: Pixels, landmarks: Floats) -> Pixels: ...

    def embed(self, chips: Pixels) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """A picture that was accepted. `box` is x, y, width, height in 0...1 of the upright picture."""

    embedding: Floats
    quality: FaceQuality
    face_count: int  # in the picture, those in the background too
    occlusion: float  # 0...1, a guess
    box: tuple[float, float, float, float]
    width: int
    height: int
    photo: bytes  # JPEG, upright, at most 1600 pixels long; width and height are its own
    portrait: bytes  # JPEG of 256 x 256 pixels around the face


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    box: Floats
    landmarks: Floats
    confidence: float

    @property
    def size(self) -> float:
        return float(min(self.box[2] - self.box[0], self.box[3] - self.box[1]))


class Enroller:
    """Examines pictures one at a time. Holds no state of people."""

    def __init__(self, detector: Finder, embedder: Embedder, limits: QualityLimits | None = None) -> None:
        self._detector = detector
        self._embedder = embedder
        self._limits = limits or QualityLimits.enrolment()

    def with_embedder(self, embedder: Embedder) -> "Enroller":
        """One that differs in nothing else."""
        return Enroller(self._detector, embedder, self._limits)

    def examine(self, picture: bytes) -> Accepted:
        """Accept or raise PhotoRefused with one of the codes of REFUSALS or `unreadable`. Slow: call it on a thread."""
        image = decode(picture)
        face, count = self._only_face(image)
        quality = assess(image, face.box, face.landmarks, face.confidence)
        code = refusal(quality, self._limits)
        if code is not None:
            raise refused(code)
        photo = bounded(image, LONGEST_PX)
        middle = (face.box[:2] + face.box[2:]) / 2
        reach = 0.9 * float(max(face.box[2:] - face.box[:2]))
        return Accepted(
            embedding=self.embedding(image, face.landmarks),
            quality=quality,
            face_count=count,
            occlusion=occlusion(image, face.landmarks),
            box=_relative(face.box, image),
            width=photo.shape[1],
            height=photo.shape[0],
            photo=encode_jpeg(photo),
            portrait=encode_jpeg(square(image, (float(middle[0]), float(middle[1])), reach, PORTRAIT_PX)),
        )

    def again(self, picture: bytes, box: Sequence[float]) -> Floats:
        """The embedding of a stored photo that was accepted before, with its face at `box` (x, y, width, height in
        0...1). Raises PhotoRefused `no_face` or `unreadable`. Slow: call it on a thread."""
        image = decode(picture)
        height, width = image.shape[:2]
        centre = np.array([(box[0] + box[2] / 2) * width, (box[1] + box[3] / 2) * height])
        faces = self._find(image) or self._find_with_border(image)
        if not faces:
            raise refused("no_face")
        face = min(faces, key=lambda one: float(np.linalg.norm((one.box[:2] + one.box[2:]) / 2 - centre)))
        return self.embedding(image, face.landmarks)

    def embedding(self, image: Pixels, landmarks: Floats) -> Floats:
        """The face as it is and mirrored, averaged: a template is made once and compared with for years."""
        chip = self._embedder.align(image, landmarks)
        both = self._embedder.embed(np.stack([chip, chip[:, ::-1]]))
        mean = both.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def _only_face(self, image: Pixels) -> tuple[_Face, int]:
        """The face, and how many there are."""
        faces = self._find(image) or self._find_with_border(image)
        if not faces:
            raise refused("no_face")
        faces.sort(key=lambda face: face.size, reverse=True)
        if len(faces) > 1 and faces[1].size >= SECOND_FACE * faces[0].size:
            raise refused("several_faces")
        return faces[0], len(faces)

    def _find(self, image: Pixels) -> list[_Face]:
        [found] = self._detector.detect([image])
        return [_Face(box, landmarks, confidence) for box, landmarks, confidence in found]

    def _find_with_border(self, image: Pixels) -> list[_Face]:
        """A face that fills the picture has no outline to be found by: give it some room around."""
        small = bounded(image, LONGEST_PX)
        room, factor = max(small.shape[:2]) // 2, np.float32(image.shape[1] / small.shape[1])
        framed = cv2.copyMakeBorder(small, room, room, room, room, cv2.BORDER_CONSTANT, value=(128, 128, 128))
        shift = np.float32(room)
        return [
            _Face((face.box - shift) * factor, (face.landmarks - shift) * factor, face.confidence)
            for face in self._find(np.asarray(framed, np.uint8))
        ]


def refused(code: str) -> PhotoRefused:
    """The refusal of that code with its sentence."""
    return PhotoRefused(REFUSALS[code], code=code)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a face is to the person's own templates, and the nearest of anybody else's; None where there is none."""

    own: float | None
    other: Match | None

    @classmethod
    def of(cls, gallery: Gallery, embedding: Floats, person_id: str) -> "Likeness":
        return cls(gallery.similarity_to(embedding, person_id), gallery.similarity_to_others(embedding, person_id))

    def resembles(self, threshold: float) -> Match | None:
        """Somebody else whom the cameras could take for this person: the warning `resembles_other_person`."""
        return self.other if self.other is not None and self.other.similarity >= threshold else None


def _relative(box: Floats, image: Pixels) -> tuple[float, float, float, float]:
    height, width = image.shape[:2]
    left, right = (min(max(float(x) / width, 0.0), 1.0) for x in (box[0], box[2]))
    top, bottom = (min(max(float(y) / height, 0.0), 1.0) for y in (box[1], box[3]))
    return left, top, right - left, bottom - top
