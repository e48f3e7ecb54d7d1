"""Photos of people turned into embeddings the way that cameras and enrolments do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from server.errors import Invalid, PhotoRefused
from server.evaluation.open_set import Faces
from server.identity.enrolment import Embedder, Finder
from server.identity.pictures import decode
from server.vision.detections import Floats, Pixels

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Photo:
    """One file and whose it is: the name of its folder."""

    person: str
    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One face: embedded as a camera does it, as an enrolment does it, and the milliseconds that the first one took."""

    vector: Floats
    template: Floats
    ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Every photo's embedding, in their order, and the milliseconds that each face took."""

    names: tuple[str, ...]
    faces: Faces
    ms: tuple[float, ...]

    @property
    def failure_to_enrol(self) -> float:
        """The share of photos that cannot be read or show no face."""
        return float(1 - self.faces.usable.mean())


def photos_in(folder: Path) -> list[Photo]:
    """name/photo.jpg, ordered by name. Raises Invalid where there is none."""
    if not folder.is_dir():
        raise Invalid(f"{folder} is not a folder.", code="not_a_folder")
    found = [
        Photo(person.name, path)
        for person in sorted(folder.iterdir())
        if person.is_dir()
        for path in sorted(person.iterdir())
        if path.suffix.lower() in PICTURES
    ]
    if not found:
        raise Invalid(f"{folder} has no folders of people with photos in them.", code="no_photos")
    return found


def look(content: bytes, detector: Finder, embedder: Embedder) -> Look | None:
    """Find the face nearest to the middle of a photo, align it and embed it, as it is and mirrored."""
    try:
        image = decode(content)
    except PhotoRefused:
        return None
    started = perf_counter()
    landmarks = nearest_to_the_middle(image, detector)
    if landmarks is None:
        return None
    chip = embedder.align(image, landmarks)
    vector = embedder.embed(chip[None])[0]
    ms = (perf_counter() - started) * 1000
    both = vector + embedder.embed(chip[None, :, ::-1])[0]
    return Look(vector, np.asarray(both / max(float(np.linalg.norm(both)), 1e-9), np.float32), ms)


def gathered(people: Sequence[str], looks: Sequence[Look | None], dimension: int) -> Measured:
    """What was seen on each photo, and whose it is; None where nothing was."""
    names = tuple(sorted(set(people)))
    numbers = {name: number for number, name in enumerate(names)}
    vectors, templates = (np.zeros((len(looks), dimension), np.float32) for _ in range(2))
    for row, found in enumerate(looks):
        if found is not None:
            vectors[row], templates[row] = found.vector, found.template
    usable = np.array([found is not None for found in looks], bool)
    owners = np.array([numbers[name] for name in people], np.intp)
    return Measured(names, Faces(vectors, templates, owners, usable), tuple(found.ms for found in looks if found))


def measure(photos: Sequence[Photo], detector: Finder, embedder: Embedder, dimension: int) -> Measured:
    """Every photo of a folder."""
    looks = [look(photo.path.read_bytes(), detector, embedder) for photo in photos]
    return gathered([photo.person for photo in photos], looks, dimension)


def nearest_to_the_middle(image: Pixels, detector: Finder) -> Floats | None:
    """The landmarks of that face: photos of such sets show their person there, and others around."""
    [found] = detector.detect([image])
    if not len(found):
        return None
    middle = np.array(image.shape[1::-1], np.float32) / 2
    away = np.linalg.norm((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - middle, axis=1)
    return np.asarray(found.landmarks[int(away.argmin())], np.float32)
