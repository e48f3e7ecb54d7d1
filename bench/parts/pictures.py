"""The pictures that recognition is measured on: faces with their names, decoded, the same ones each time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from server.demo.clips import FPS, SCENES, compose, enrolment_photo
from server.demo.pictures import grace_hopper, read_picture

Pixels = NDArray[np.uint8]

SHARED = Path(__file__).parents[3] / "shared" / "data"
ENROLLED, LOOKED_UP = 3, 3  # photos of each person


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """BGR, and who it shows: one person."""

    name: str
    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """Who is enrolled from which pictures, and the pictures in which they are looked for."""

    title: str
    enrolled: list[Picture]
    probes: list[Picture]


def picture_sets() -> Iterator[PictureSet]:
    """The demo's frames, and ten public persons' photos where they lie beside the checkout."""
    yield demo_frames()
    people = SHARED / "people10"
    if people.is_dir():
        yield ten_people(people)


def demo_frames() -> PictureSet:
    """Frames of 1280 x 720 with one face each, out of the demo's two clips."""
    probes = [Picture("collins", frame) for frame in frames_at(0, (3.4, 4.6, 5.6, 7.0))]
    probes += [Picture("hopper", frame) for frame in frames_at(1, (3.2, 4.6, 6.0, 7.6))]
    collins = _decoded(enrolment_photo())
    enrolled = [Picture("collins", collins), Picture("hopper", read_picture(grace_hopper()))]
    return PictureSet("1280x720", enrolled, probes)


def ten_people(folder: Path) -> PictureSet:
    """Photos of 250 x 250; three of each person are enrolled, three looked up."""
    enrolled, probes = [], []
    for person in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        photos = [Picture(person.name, read_picture(path)) for path in sorted(person.glob("*.jpg"))]
        enrolled += photos[:ENROLLED]
        probes += photos[ENROLLED : ENROLLED + LOOKED_UP]
    return PictureSet("250x250", enrolled, probes)


def frames_at(scene: int, seconds: tuple[float, ...]) -> list[Pixels]:
    """Frames of one of the demo's scenes."""
    wanted = {round(at * FPS) for at in seconds}
    frames = islice(compose(SCENES[scene]), max(wanted) + 1)
    return [frame for number, frame in enumerate(frames) if number in wanted]


def _decoded(encoded: bytes) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)
