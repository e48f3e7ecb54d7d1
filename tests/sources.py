"""The demo's films and portraits, made once for a whole run."""

import fcntl
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.demo.clips import enrolment_photo, make_clips
from server.demo.pictures import astronaut, grace_hopper
from server.errors import Unavailable


@dataclass(frozen=True, slots=True)
class DemoSources:
    """Two films and the two people in them: Collins at the entrance, Hopper and then Collins in the workshop."""

    folder: Path
    entrance: Path
    workshop: Path
    collins: bytes
    hopper: bytes


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> DemoSources:
    base = tmp_path_factory.getbasetemp()
    # Workers of one run have a folder each, and one above them in common.
    folder = (base if worker_id == "master" else base.parent) / "films"
    folder.mkdir(exist_ok=True)
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            clips = {clip.name: clip.path for clip in make_clips(folder)}
        portrait = grace_hopper().read_bytes()
    except Unavailable as missing:
        pytest.skip(missing.message)
    return DemoSources(folder, clips["Entrance"], clips["Workshop"], enrolment_photo(), portrait)


@pytest.fixture(scope="session")
def portraits() -> None:
    """Skips where the two portraits are not installed."""
    try:
        astronaut(), grace_hopper()
    except Unavailable as missing:
        pytest.skip(missing.message)


@pytest.fixture(scope="session")
def two_people(portraits: None) -> dict[str, bytes]:
    """Two people with a photo each, by name."""
    return {"Collins": astronaut().read_bytes(), "Hopper": grace_hopper().read_bytes()}
