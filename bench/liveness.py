"""How often a photo that is moved is taken for a head, or called flat; and the same of heads in films.

    python bench/liveness.py [--photos DIR] [--films DIR]

Photos are folders of people, named here or in ROLLCALL_BENCH_PEOPLE, of which the first of each person counts: each is
panned, zoomed, rolled, tilted, nodded, held in a hand and kept still for 7 s, with noise and JPEG, before the real
detector at 5 frames a second. Films show people, and are played there and back. Every face that is followed for at
least 12 frames counts. One line a figure.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from bench.parts.report import figure, note
from server.chosen import chosen_pack
from server.settings import Settings
from server.vision.detections import Pixels
from server.vision.detector import FaceDetector, open_detector
from server.vision.flatness import Flatness, Shape
from server.vision.tracker import Tracker
from tests.journeys.films import enlarged, frames_of

EVERY_S = 0.2
SECONDS = 7.0
SIZE = (1280, 720)
LEAST = 12
WAYS = ("pan", "zoom", "roll", "tilt", "nod", "hand", "still")
FILMS = (".gif", ".mp4", ".mkv", ".webm")
Judged = list[tuple[set[Shape], float]]  # whatever a track was called, and how far its nose moved


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--photos", type=Path, default=os.environ.get("ROLLCALL_BENCH_PEOPLE"))
    options.add_argument("--films", type=Path)
    chosen = options.parse_args()
    if chosen.photos is None or not Path(chosen.photos).is_dir():
        note("skipped: --photos or ROLLCALL_BENCH_PEOPLE names a folder of people with photos in them")
        return
    settings = Settings()
    detector = open_detector(chosen_pack(settings, "detector"), input_width=settings.inference.input_width_px)
    chance = np.random.default_rng(7)
    found: dict[str, Judged] = defaultdict(list)
    for person in sorted(path for path in Path(chosen.photos).iterdir() if path.is_dir()):
        photo = cv2.imread(str(sorted(person.iterdir())[0]))
        if photo is None:
            continue
        photo = enlarged(np.asarray(photo, np.uint8), 750 / photo.shape[1])
        for way in WAYS:
            found[way] += judged(detector, moved(photo, way, chance))
    for way in WAYS:
        told(f"photos, {way}", found[way])
    told("photos, all", [one for way in WAYS for one in found[way]])
    for film in sorted(chosen.films.iterdir()) if chosen.films else ():
        if film.suffix in FILMS:
            told(film.stem, judged(detector, there_and_back(film)))


def told(name: str, tracks: Judged) -> None:
    """Nothing where no face was large enough."""
    if tracks:
        note(f"{name}: {len(tracks)} faces, nose moved by {max(relief for _, relief in tracks):.2f} at most")
        for shape in (Shape.SOLID, Shape.FLAT):
            figure(f"{name}: {shape.value}, %", 100 * float(np.mean([shape in shapes for shapes, _ in tracks])))


def judged(detector: FaceDetector, frames: Iterable[Pixels]) -> Judged:
    """Each face that was followed for long enough."""
    tracker, faces = Tracker(), defaultdict[int, Flatness](Flatness)
    called: dict[int, set[Shape]] = defaultdict(set)
    for number, frame in enumerate(frames):
        at_s = number * EVERY_S
        for track in tracker.update(detector.detect([frame])[0], at_s).tracks:
            if track.seen_s == at_s:
                faces[track.id].saw(track.landmarks, at_s)
                called[track.id].add(faces[track.id].shape())
    views = {number: face.views() for number, face in faces.items()}
    return [(called[number], view.relief) for number, view in views.items() if view and view.count >= LEAST]


def moved(photo: Pixels, way: str, chance: np.random.Generator) -> Iterator[Pixels]:
    """A flat picture before a wall, by a pinhole camera, with noise, changing light and JPEG."""
    tall, wide = photo.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    sides = np.array([[-wide, -tall], [wide, -tall], [wide, tall], [-wide, tall]]) / (2 * wide)
    px, pace, phase = chance.choice([180, 300, 450]), chance.uniform(0.8, 1.9), chance.uniform(0, 6.28)
    hand = 0.6 if way == "hand" else 0.0
    for number in range(int(SECONDS / EVERY_S)):
        s, c = (float(f(pace * number * EVERY_S + phase)) for f in (np.sin, np.cos))
        yaw, nod = (0.6 * s if way == "tilt" else hand * 0.6 * s), (0.5 * s if way == "nod" else hand * 0.4 * c)
        roll = 0.3 * s if way == "roll" else hand * 0.25 * c
        near = 1 + (0.4 * s if way == "zoom" else hand * 0.4 * c)
        x, y = (280 * s, 60 * c) if way == "pan" else (hand * 250 * c, hand * 60 * s)
        flat = sides @ np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        depth = 1100 / (px * near) + flat[:, 0] * np.sin(yaw) + flat[:, 1] * np.sin(nod)
        seen = np.column_stack([flat[:, 0] * np.cos(yaw), flat[:, 1] * np.cos(nod)]) / depth[:, None] * 1100
        matrix = cv2.getPerspectiveTransform(corners, (seen + np.array([640 + x, 360 + y])).astype(np.float32))
        frame = cv2.warpPerspective(photo, matrix, SIZE, flags=cv2.INTER_AREA, borderValue=(160, 165, 170))
        noisy = frame * chance.uniform(0.93, 1.05) + chance.normal(0, 3, (*frame.shape[:2], 1))
        done, kept = cv2.imencode(
            ".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(60, 90))]
        )
        if done:
            yield np.asarray(cv2.imdecode(kept, cv2.IMREAD_COLOR), np.uint8)


def there_and_back(film: Path) -> Iterator[Pixels]:
    """Twice as large, at about five frames a second of a film with 12."""
    frames = [enlarged(frame, 2) for frame in frames_of(film, every=3)][:60]
    yield from chain(frames, reversed(frames))


if __name__ == "__main__":
    main()
