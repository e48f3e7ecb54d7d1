"""How well a liveness check tells real faces from pictures of faces: APCER by kind of attack, BPCER, ACER."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from server.errors import Invalid, PhotoRefused
from server.evaluation.photos import PICTURES
from server.identity.enrolment import Finder
from server.identity.pictures import decode
from server.vision.detections import Floats, Pixels

LIVE = "live"


class Check(Protocol):
    """Says how live faces look: `vision.liveness.LivenessCheck`."""

    def live(self, image: Pixels, boxes: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Attacks:
    """By ISO/IEC 30107-3. apcer: the share of each kind of attack that passes for live; bpcer: of real faces that fail.

    acer is the mean of bpcer and the worst apcer. `without_face` counts pictures in which nothing was to be judged.
    """

    threshold: float
    apcer: dict[str, float]
    bpcer: float
    judged: dict[str, int]
    without_face: dict[str, int]

    @property
    def acer(self) -> float:
        return (self.bpcer + max(self.apcer.values())) / 2


def attack_rates(shares: Mapping[str, Sequence[float]], threshold: float) -> tuple[dict[str, float], float]:
    """APCER of each kind and BPCER, from the shares of live of real faces (`live`) and of each kind of attack."""
    apcer = {
        kind: float(np.mean(np.array(found) >= threshold)) for kind, found in sorted(shares.items()) if kind != LIVE
    }
    return apcer, float(np.mean(np.array(shares[LIVE]) < threshold))


def judge(folder: Path, detector: Finder, check: Check, threshold: float) -> Attacks:
    """A folder of folders: live/ with real faces, and one for each kind of attack. The largest face of each counts."""
    kinds = sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    if LIVE not in {one.name for one in kinds} or len(kinds) < 2:
        raise Invalid(f"{folder} needs the folder live/ and one for each kind of attack.", code="no_photos")
    shares: dict[str, list[float]] = {}
    without: dict[str, int] = {}
    for kind in kinds:
        found = [_share(path, detector, check) for path in sorted(kind.iterdir()) if path.suffix.lower() in PICTURES]
        shares[kind.name] = [one for one in found if one is not None]
        without[kind.name] = len(found) - len(shares[kind.name])
        if not shares[kind.name]:
            raise Invalid(f"{kind} has no picture with a face.", code="no_photos")
    apcer, bpcer = attack_rates(shares, threshold)
    return Attacks(threshold, apcer, bpcer, {kind: len(found) for kind, found in shares.items()}, without)


def _share(path: Path, detector: Finder, check: Check) -> float | None:
    try:
        image = decode(path.read_bytes())
    except PhotoRefused:
        return None
    [found] = detector.detect([image])
    if not len(found):
        return None
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    largest = int((sides[:, 0] * sides[:, 1]).argmax())
    return float(check.live(image, found.boxes[largest : largest + 1])[0])
