"""Real photos and films of other people, where they lie beside the checkout."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.client import Api, about
from tests.journeys.films import frames_of, jpeg, pan, read, there_and_back, write_clip
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

FIVE = ("Donald_Rumsfeld", "Hugo_Chavez", "Vladimir_Putin", "Arnold_Schwarzenegger", "Colin_Powell")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """Films of others: a portrait that is carried past, and a head that turns."""
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "obama.mp4", pan(read(shared / "people" / "barack_obama" / "1.jpg"), seconds=12))
    man = shared / "video" / "head-pose-face-detection-male.gif"
    write_clip(folder / "man.mp4", there_and_back(man, scale=2, hold=2, rounds=2))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("shared"), roots=[clips]) as running:
        yield running


def test_a_person_is_recognised_by_another_photo(server: RollcallServer, api: Api, clips: Path, shared: Path) -> None:
    """Enrolled by one photo and shown by another; a second person who is enrolled is not taken for him."""
    obama = api.enrol("Barack Obama", (shared / "people" / "barack_obama" / "2.jpg").read_bytes())
    api.enrol("Joe Biden", (shared / "people" / "joe_biden" / "1.jpg").read_bytes())
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        hears.subscribe("attendance")
        api.add_camera("Lobby", clips / "obama.mp4", role="both")
        checked_in = hears.event("attendance.checked_in")["data"]
        time.sleep(10)
        sightings = hears.events("sighting.recognized", "sighting.unknown")
        entries = hears.events("attendance.checked_in", "attendance.checked_out")
    assert checked_in["person"]["fullName"] == "Barack Obama"
    assert {event["data"]["personId"] for event in sightings} == {obama}
    assert len(entries) == 1


def test_a_man_from_a_film_is_recognised_in_it(server: RollcallServer, api: Api, clips: Path, shared: Path) -> None:
    """Enrolled by one frame of a film from a real camera, recognised while he moves his head."""
    frame = next(frames_of(clips / "man.mp4"))
    person = api.enrol("The man in the film", jpeg(frame))
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        api.add_camera("Desk", clips / "man.mp4", role="monitor")
        recognized = hears.event("sighting.recognized")["data"]
        time.sleep(12)
        names = {event["data"]["personId"] for event in hears.events("sighting.recognized", "sighting.unknown")}
    assert recognized["personId"] == person
    assert names == {person}
    assert api.get("attendance/entries", personId=person) == []


def test_people_who_are_enrolled_but_not_there_are_never_named(
    server: RollcallServer, api: Api, clips: Path, shared: Path, tmp_path: Path
) -> None:
    """Five people imported by the command while the server runs; the cameras show others, and call them unknown."""
    folder = tmp_path / "faces"
    for name in FIVE:
        (folder / name).mkdir(parents=True)
        for photo in sorted((shared / "people10" / name).iterdir())[:4]:
            (folder / name / photo.name).write_bytes(photo.read_bytes())
    done = server.command("people", "import", str(folder))
    assert done.returncode == 0, done.stderr
    assert "5 people" in done.stdout
    assert {person["fullName"] for person in api.get("people")} == {name.replace("_", " ") for name in FIVE}
    time.sleep(6)
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        hears.subscribe("attendance")
        obama = api.add_camera("Lobby", clips / "obama.mp4")
        man = api.add_camera("Desk", clips / "man.mp4")
        for camera in (obama, man):
            hears.event("sighting.unknown", about(cameraId=camera))
        time.sleep(15)
        assert hears.events("sighting.recognized") == []
        assert hears.events("attendance.checked_in", "attendance.checked_out") == []


def test_who_was_imported_is_recognised_without_a_restart(
    server: RollcallServer, api: Api, clips: Path, shared: Path, tmp_path: Path
) -> None:
    """Another process enrols; the server that runs notices within seconds."""
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        camera = api.add_camera("Lobby", clips / "obama.mp4")
        hears.event("sighting.unknown", about(cameraId=camera))
        (tmp_path / "faces" / "Barack_Obama").mkdir(parents=True)
        photo = (shared / "people" / "barack_obama" / "2.jpg").read_bytes()
        (tmp_path / "faces" / "Barack_Obama" / "2.jpg").write_bytes(photo)
        done = server.command("people", "import", str(tmp_path / "faces"))
        assert done.returncode == 0, done.stderr
        known = hears.event("sighting.recognized", about(cameraId=camera))["data"]
    assert known["person"]["fullName"] == "Barack Obama"
