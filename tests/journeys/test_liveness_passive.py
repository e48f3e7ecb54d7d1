"""A passive liveness pack, chosen by a setting, in a server: what it says of a real face is in the sighting."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from server.vision.liveness import open_liveness
from server.vision.packs import read_manifest
from tests.antispoof_pack import NAME, SHARED_FILE, make_antispoof
from tests.journeys.client import Api
from tests.journeys.films import frames_of, jpeg, there_and_back, write_clip
from tests.journeys.server import RollcallServer
from tests.opened import models

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Iterator[RollcallServer]:
    if not SHARED_FILE.is_file():
        pytest.skip("the shared liveness network is not here")
    folder = tmp_path_factory.mktemp("passive")
    make_antispoof(folder / "data" / "models")
    settings = {"ROLLCALL_INFERENCE__LIVENESS": NAME, "ROLLCALL_LIVENESS__POLICY": "warn"}
    with RollcallServer(folder, roots=[clips], settings=settings) as running:
        yield running


def shares_of(pack: Path, clip: Path) -> list[float]:
    """What the network itself says of the face in the clip's pictures."""
    check, detector = open_liveness(read_manifest(pack), threads=1), models().detector
    found = []
    for picture in frames_of(clip, every=6):
        [faces] = detector.detect([picture])
        found += [float(share) for share in check.live(picture, faces.boxes[:1])]
    return found


def judged(api: Api, sighting_id: str) -> None:
    """Waits until the sighting says something of its liveness."""
    until = time.monotonic() + 60
    while api.get(f"sightings/{sighting_id}")["liveness"] is None:
        assert time.monotonic() < until, "nothing was said of its liveness"
        time.sleep(0.3)


def test_its_number_is_in_the_sighting(server: RollcallServer, api: Api, clips: Path, shared: Path) -> None:
    """A woman who turns her head, filmed by a real camera: the mean of what the network said, and what that means."""
    film = shared / "video" / "head-pose-face-detection-female.gif"
    clip = write_clip(clips / "woman.mp4", there_and_back(film, scale=2, hold=2, rounds=3))
    pictures = list(there_and_back(film, scale=2, hold=1))
    person = api.enrol("The woman in the film", jpeg(pictures[9]))
    with server.subscriber(api.token) as hears:
        for topic in ("sightings", "attendance", "alerts"):
            hears.subscribe(topic)
        camera = api.add_camera("Door", clip)
        checked_in = hears.event("attendance.checked_in")["data"]
        judged(api, checked_in["sightingId"])
        api.post(f"cameras/{camera}/stop", status=200)
        seen = hears.event("sighting.closed")["data"]
    assert checked_in["person"]["id"] == person
    shares = shares_of(server.folder / "data" / "models" / NAME, clip)
    assert min(shares) - 0.02 <= seen["liveness"] <= max(shares) + 0.02
    assert seen["liveness"] == pytest.approx(float(np.mean(shares)), abs=0.25)
    assert seen["livenessVerdict"] == ("live" if seen["liveness"] >= 0.5 else "spoof")
    assert api.get(f"sightings/{seen['id']}")["liveness"] == seen["liveness"]
