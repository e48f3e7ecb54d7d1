"""A photo before the camera is refused, a head that turns gets in, and everybody who should hears of both."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from server.demo.pictures import astronaut, grace_hopper, read_picture
from tests.journeys.client import Api, Subscriber
from tests.journeys.films import decoded, handled, jpeg, there_and_back, turning, write_clip
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

NOSE, EYES_PX = (223, 125), 44  # of the portrait of Collins


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, portraits: None) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "photo.mp4", handled(read_picture(grace_hopper()), seconds=14))
    write_clip(folder / "head.mp4", turning(read_picture(astronaut()), NOSE, EYES_PX, seconds=14))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("liveness"), roots=[clips]) as running:
        yield running


def watch(api: Api, hears: Subscriber, clip: Path, *, kiosk: bool = False, **more: object) -> str:
    """A camera, with or without a kiosk, and all that is told of both. Returns its id."""
    form = {"name": clip.stem, "source": str(clip), "kind": "file", "role": "in", "enabled": False, **more}
    camera = api.post("cameras", form)["id"]
    for topic in ("sightings", "attendance", "alerts", f"cameras/{camera}/tracks"):
        hears.subscribe(topic)
    if kiosk:
        hears.subscribe(f"kiosks/{api.add_kiosk(f'Before {camera}', camera)}")
    api.post(f"cameras/{camera}/start", status=200)
    return str(camera)


def test_a_photo_is_refused_with_its_evidence(server: RollcallServer, api: Api, clips: Path) -> None:
    """Panned, zoomed, rolled and tilted before a camera that refuses: no entry, one refusal, one alert."""
    person = api.enrol("Grace Hopper", grace_hopper().read_bytes())
    with server.subscriber(api.token) as hears:
        camera = watch(api, hears, clips / "photo.mp4", kiosk=True, liveness="refuse")
        recognized = hears.event("sighting.recognized")["data"]
        assert hears.event("kiosk.challenge")["data"]["hint"] == "turn_head"
        refused = hears.event("attendance.refused")["data"]
        alert = hears.event("alert.raised")["data"]
        assert hears.event("kiosk.unknown")["data"]["hint"] == "not_live"
        hears.event("tracks.updated", lambda data: any(track["state"] == "spoof" for track in data["tracks"]))
        time.sleep(10)
        assert len(hears.events("attendance.refused")) == len(hears.events("alert.raised")) == 1
        assert hears.events("attendance.checked_in", "kiosk.greeting") == []
    assert recognized["personId"] == refused["person"]["id"] == person
    assert refused["reason"] == "flat"
    assert (refused["cameraId"], refused["sightingId"]) == (camera, recognized["id"])
    assert decoded(api.picture(refused["snapshotUrl"])).shape == (720, 1280, 3)
    assert (alert["kind"], alert["subject"]) == ("liveness_refused", f"cameras/{camera}")
    assert decoded(api.picture(alert["snapshotUrl"])).shape == (720, 1280, 3)
    seen = api.get(f"sightings/{recognized['id']}")
    assert (seen["liveness"], seen["livenessVerdict"], seen["refusal"]) == (0.0, "flat", "flat")
    assert api.get("attendance/entries", personId=person) == []


def test_a_photo_is_warned_of_where_the_camera_only_warns(server: RollcallServer, api: Api, clips: Path) -> None:
    """The entry is made, and the alert names it as doubtful."""
    api.enrol("Grace Hopper", grace_hopper().read_bytes())
    with server.subscriber(api.token) as hears:
        camera = watch(api, hears, clips / "photo.mp4", liveness="warn")
        hears.event("attendance.checked_in")
        alert = hears.event("alert.raised", lambda data: data["kind"] == "liveness_doubtful")["data"]
        assert hears.events("attendance.refused") == []
    assert alert["subject"] == f"cameras/{camera}"
    assert alert["sightingId"] == api.get("attendance/entries")[0]["sightingId"]


def test_a_head_that_turns_gets_in(server: RollcallServer, api: Api, clips: Path) -> None:
    """One entry, and a sighting that says that it lives."""
    person = api.enrol("Eileen Collins", astronaut().read_bytes())
    with server.subscriber(api.token) as hears:
        watch(api, hears, clips / "head.mp4", liveness="refuse")
        checked_in = hears.event("attendance.checked_in")["data"]
        time.sleep(6)
        assert len(hears.events("attendance.checked_in")) == 1
        assert hears.events("attendance.refused", "alert.raised") == []
    assert checked_in["person"]["id"] == person
    seen = api.get(f"sightings/{checked_in['sightingId']}")
    assert (seen["liveness"], seen["livenessVerdict"], seen["refusal"]) == (1.0, "live", None)


def test_a_film_of_a_turning_head_does_not_pass_a_kiosk(server: RollcallServer, api: Api, clips: Path) -> None:
    """It turns, but not as it is asked: three tries, no entry, and the reason once it is over."""
    api.enrol("Eileen Collins", astronaut().read_bytes())
    with server.subscriber(api.token) as hears:
        camera = watch(api, hears, clips / "head.mp4", kiosk=True, liveness="refuse")
        asked = hears.event("kiosk.challenge", lambda data: "step" in data)["data"]
        hears.event("kiosk.challenge", lambda data: data["hint"] == "try_again")
        hears.event("kiosk.challenge", lambda data: data["hint"] == "ask_at_desk")
        api.post(f"cameras/{camera}/stop", status=200)
        refused = hears.event("attendance.refused")["data"]
        assert hears.events("attendance.checked_in", "kiosk.greeting") == []
    assert asked["hint"] in ("turn_left", "turn_right", "come_closer")
    assert (asked["step"], asked["of"]) == (1, 3)
    assert asked["deadline"] > asked["at"]
    assert refused["reason"] == "not_shown_live"


def test_a_real_head_from_a_film_gets_in(
    server: RollcallServer, api: Api, clips: Path, shared: Path, tmp_path: Path
) -> None:
    """A woman who turns her head to both sides, filmed by a real camera."""
    film = shared / "video" / "head-pose-face-detection-female.gif"
    clip = write_clip(clips / "woman.mp4", there_and_back(film, scale=2, hold=2, rounds=3))
    ahead = next(islice(there_and_back(film, scale=2, hold=1), 9, None))  # where she looks into the camera
    person = api.enrol("The woman in the film", jpeg(ahead))
    with server.subscriber(api.token) as hears:
        watch(api, hears, clip, liveness="refuse")
        checked_in = hears.event("attendance.checked_in")["data"]
    assert checked_in["person"]["id"] == person
