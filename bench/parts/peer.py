"""The face_recognition/dlib pipeline, run by whatever interpreter has it installed; imports nothing of Rollcall.

    python peer.py PICTURES.npz

Obeys lines on standard input and answers each with a line of JSON: `identify SET`, `embed COUNT SECONDS`.
"""

import importlib
import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np


class Peer:
    """The steps of the library's own examples: HOG locations, encodings, compare_faces."""

    def __init__(self, pictures: Path) -> None:
        self.library = importlib.import_module("face_recognition")
        self.content = np.load(pictures, allow_pickle=False)
        self.strangers = list(self.content["strangers"])
        self.known: dict[str, tuple[list[str], list[object]]] = {}

    def identify(self, title: str) -> dict[str, float]:
        """Picture to identity, all probes of a set once."""
        names, encodings = self.known.get(title) or self._enrol(title)
        probes = [self.content[f"{title}/probe/{n}"] for n in range(len(self.content[f"{title}/probes"]))]
        found = right = 0
        started = perf_counter()
        for picture, name in zip(probes, self.content[f"{title}/probes"], strict=True):
            places = self.library.face_locations(picture, model="hog")
            for encoding in self.library.face_encodings(picture, places):
                found += 1
                matches = self.library.compare_faces(encodings, encoding)
                distances = self.library.face_distance(encodings, encoding)
                best = int(np.argmin(distances))
                right += bool(matches[best]) and names[best] == str(name)
        return {"seconds": perf_counter() - started, "found": found, "right": right}

    def embed(self, count: int, at_least_s: float) -> dict[str, float]:
        """Encodings at known locations, `count` a call."""
        picture = self.content["embed/picture"]
        place = tuple(int(v) for v in self.content["embed/place"])
        places = [place] * count
        done, started = 0, perf_counter()
        while perf_counter() - started < at_least_s:
            done += len(self.library.face_encodings(picture, places))
        return {"seconds": perf_counter() - started, "done": done}

    def _enrol(self, title: str) -> tuple[list[str], list[object]]:
        names, encodings = [], []
        for number, name in enumerate(self.content[f"{title}/enrolled"]):
            for encoding in self.library.face_encodings(self.content[f"{title}/enrol/{number}"])[:1]:
                names.append(str(name))
                encodings.append(encoding)
        names += [""] * len(self.strangers)
        encodings += self.strangers
        self.known[title] = names, encodings
        return names, encodings


def main() -> None:
    peer = Peer(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        answer = peer.identify(rest[0]) if what == "identify" else peer.embed(int(rest[0]), float(rest[1]))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
