"""Faces a second from picture to identity, and embeddings a second, against the face_recognition/dlib pipeline.

    python bench/recognition.py [--rounds 3] [--peer-python PYTHON]

Both get the same decoded pictures, in turns in the same run, each with the defaults of its own documentation:
ours detects at 640 pixels, measures quality, aligns, embeds and searches; theirs does face_locations (HOG),
face_encodings and compare_faces. Both galleries are filled up to 200 people with random strangers.
The peer compiles for minutes, so it is no dependency: name an interpreter that has it, here or in
ROLLCALL_BENCH_PEER. One line a figure; medians of the rounds.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bench.parts.pictures import PictureSet, picture_sets
from bench.parts.report import figure, median, note
from server.identity.gallery import Gallery, Thresholds
from server.loading import Models
from server.settings import Settings
from server.vision.quality import QualityLimits, assess, refusal

PEOPLE = 200
BATCHES = (1, 2, 4, 8, 16)
EMBED_S = 0.6
PEER = "face_recognition"


@dataclass(frozen=True, slots=True)
class Identified:
    """All pictures of a set once: faces a second, faces found, and how many got the right name."""

    per_second: float
    found: int
    right: int


class Ours:
    """Picture to identity as the camera loop does it, without its waiting."""

    def __init__(self, models: Models, sets: list[PictureSet]) -> None:
        self.models = models
        self.limits = QualityLimits()
        self.thresholds = Thresholds(models.embedder.pack.thresholds)
        self.galleries = {pictures.title: self._gallery(pictures) for pictures in sets}
        picture = sets[0].probes[2].pixels
        [faces] = models.detector.detect([picture])
        self.face = picture, faces.boxes[0], faces.landmarks[0]

    def identify(self, pictures: PictureSet) -> Identified:
        gallery = self.galleries[pictures.title]
        threshold, margin = self.thresholds.at(gallery.people), self.models.embedder.pack.margin
        found = right = 0
        started = perf_counter()
        for probe in pictures.probes:
            [faces] = self.models.detector.detect([probe.pixels])
            chips = [
                self.models.embedder.align(probe.pixels, landmarks)
                for box, landmarks, confidence in faces
                if refusal(assess(probe.pixels, box, landmarks, confidence), self.limits) is None
            ]
            if not chips:
                continue
            for match in gallery.search(self.models.embedder.embed(np.stack(chips))):
                found += 1
                sure = match is not None and match.similarity >= threshold and match.margin >= margin
                right += match is not None and sure and match.person_id == probe.name
        return Identified(found / (perf_counter() - started), found, right)

    def embed(self, count: int) -> float:
        """Faces a second, aligned and embedded `count` at a time from known landmarks."""
        picture, _, landmarks = self.face
        done, started = 0, perf_counter()
        while perf_counter() - started < EMBED_S:
            chips = np.stack([self.models.embedder.align(picture, landmarks) for _ in range(count)])
            done += len(self.models.embedder.embed(chips))
        return done / (perf_counter() - started)

    def _gallery(self, pictures: PictureSet) -> Gallery:
        gallery = Gallery(self.models.embedder.dimension)
        for number, picture in enumerate(pictures.enrolled):
            [faces] = self.models.detector.detect([picture.pixels])
            largest = int(np.argmax(faces.boxes[:, 2] - faces.boxes[:, 0]))
            chip = self.models.embedder.align(picture.pixels, faces.landmarks[largest])
            gallery.add(f"photo {number}", picture.name, self.models.embedder.embed(chip[None])[0])
        for number, vector in enumerate(strangers(self.models.embedder.dimension, PEOPLE - gallery.people)):
            gallery.add(f"stranger {number}", f"stranger {number}", vector)
        return gallery


class Peer:
    """The other pipeline, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def identify(self, pictures: PictureSet) -> Identified:
        answer = self._ask(f"identify {pictures.title}")
        return Identified(answer["found"] / answer["seconds"], int(answer["found"]), int(answer["right"]))

    def embed(self, count: int) -> float:
        answer = self._ask(f"embed {count} {EMBED_S}")
        return answer["done"] / answer["seconds"]

    def _ask(self, line: str) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


def strangers(dimension: int, count: int) -> NDArray[np.float32]:
    """Unit vectors of people who are nobody."""
    vectors = np.random.default_rng(7).normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def write_pictures(path: Path, sets: list[PictureSet], ours: Ours) -> None:
    """What the peer works on: the same pixels in RGB, and where the face of the embedding figures is."""
    content: dict[str, NDArray[np.generic]] = {}
    for pictures in sets:
        content[f"{pictures.title}/enrolled"] = np.array([picture.name for picture in pictures.enrolled])
        content[f"{pictures.title}/probes"] = np.array([picture.name for picture in pictures.probes])
        for kind, list_of in (("enrol", pictures.enrolled), ("probe", pictures.probes)):
            for number, picture in enumerate(list_of):
                content[f"{pictures.title}/{kind}/{number}"] = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    picture_of_face, box, _ = ours.face
    left, top, right, bottom = (round(float(v)) for v in box)
    content["embed/picture"] = np.ascontiguousarray(picture_of_face[:, :, ::-1])
    content["embed/place"] = np.array([top, right, bottom, left])
    content["strangers"] = strangers(128, PEOPLE - len({picture.name for picture in sets[0].enrolled}))
    np.savez(path, **content)  # type: ignore[arg-type]  # numpy's stub takes the names for its own flags


@contextmanager
def running_peer(python: str | None, sets: list[PictureSet], ours: Ours) -> Iterator[Peer | None]:
    """The peer, ready; None where there is none, and the reason is printed."""
    if python is None:
        note(f"peer not installed: pip install {PEER}")
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.npz"
        write_pictures(pictures, sets, ours)
        program = Path(__file__).parent / "parts" / "peer.py"
        with subprocess.Popen(
            [python, str(program), str(pictures)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                note(f"the peer does not start with {python}")
                yield None
                return
            yield Peer(process)


def peer_python(named: str | None) -> str | None:
    """The interpreter that has the peer: the one named, or this one."""
    if named:
        return named
    return sys.executable if importlib.util.find_spec(PEER) else None


def compare(ours: Ours, peer: Peer | None, sets: list[PictureSet], rounds: int) -> None:
    for pictures in sets:
        ours.identify(pictures)  # warms up
        mine, theirs = [], []
        for _ in range(rounds):
            mine.append(ours.identify(pictures))
            if peer is not None:
                theirs.append(peer.identify(pictures))
        name = f"faces_per_second, {pictures.title}"
        other = median([one.per_second for one in theirs]) if theirs else None
        figure(name, median([one.per_second for one in mine]), (PEER, other))
        figure(
            f"named_right_of_{len(pictures.probes)}, {pictures.title}",
            mine[0].right,
            (PEER, theirs[0].right if theirs else None),
        )
    for count in BATCHES:
        mine_s, theirs_s = [], []
        for _ in range(rounds):
            mine_s.append(ours.embed(count))
            if peer is not None:
                theirs_s.append(peer.embed(count))
        figure(f"embeddings_per_second, batch {count}", median(mine_s), (PEER, median(theirs_s) if theirs_s else None))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python", default=os.environ.get("ROLLCALL_BENCH_PEER"))
    asked = parser.parse_args()
    sets = list(picture_sets())
    if len(sets) == 1:
        note("../shared/data/people10 is not here: the demo's pictures only")
    ours = Ours(Models.load(Settings()), sets)
    with running_peer(peer_python(asked.peer_python), sets, ours) as peer:
        compare(ours, peer, sets, asked.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
