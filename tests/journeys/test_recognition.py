"""From a photo and a running camera to one check-in that a subscriber and a kiosk hear of."""

import time
from collections.abc import Iterator

import pytest

from tests.journeys.client import Api, Json
from tests.journeys.films import decoded, least_difference
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

GREETING_FIELDS = {"kioskId", "name", "photoUrl", "direction", "at", "shift", "hint"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, demo: DemoSources) -> Iterator[RollcallServer]:
    """Sightings end a second after somebody has left, so that coming back is a new one: what the cool-down is for."""
    folder = tmp_path_factory.mktemp("recognition")
    with RollcallServer(folder, roots=[demo.folder], settings={"ROLLCALL_SIGHTINGS__GAP_S": "1"}) as running:
        yield running


def test_a_face_becomes_one_check_in_that_is_greeted(server: RollcallServer, api: Api, demo: DemoSources) -> None:
    """Enrolled by one photo, she is recognised each time she comes, and checked in once: with all its evidence."""
    collins = api.enrol("Eileen Collins", demo.collins)
    hopper = api.enrol("Grace Hopper", demo.hopper)
    camera = api.add_camera("Entrance", demo.entrance, enabled=False)
    kiosk = api.add_kiosk("Front door", camera)
    with server.subscriber(api.token) as hears:
        for topic in ("sightings", "attendance", "cameras", f"kiosks/{kiosk}", f"cameras/{camera}/tracks"):
            hears.subscribe(topic)
        api.post(f"cameras/{camera}/start", status=200)
        hears.event("camera.online", lambda data: data["id"] == camera)
        recognized = hears.event("sighting.recognized")
        checked_in = hears.event("attendance.checked_in")
        greeting = hears.event("kiosk.greeting")
        boxes = hears.event("tracks.updated", lambda data: any(track["name"] for track in data["tracks"]))
        # The film lasts 22 s and she comes twice in it: long enough for her to have come back several times.
        hears.event("sighting.recognized", lambda data: data["id"] != recognized["data"]["id"])
        time.sleep(25)
        sightings = [event["data"] for event in hears.events("sighting.recognized", "sighting.unknown")]
        entries = hears.events("attendance.checked_in", "attendance.checked_out")

    assert {sighting["personId"] for sighting in sightings} == {collins}
    assert hopper not in {sighting["personId"] for sighting in sightings}
    assert len({sighting["id"] for sighting in sightings}) >= 2
    assert [event["data"]["entryId"] for event in entries] == [checked_in["data"]["entryId"]]

    check_sighting(recognized["data"], collins, camera)
    check_greeting(api, greeting["data"], kiosk, checked_in["data"]["at"])
    check_boxes(boxes["data"], camera, collins)
    [entry] = api.get("attendance/entries", personId=collins)
    check_entry(entry, checked_in["data"], recognized["data"])
    snapshot = decoded(api.picture(entry["snapshotUrl"]))
    assert snapshot.shape == (720, 1280, 3)
    assert least_difference(snapshot, demo.entrance) < 6
    [present] = api.get("attendance/present")
    assert present["person"]["id"] == collins


def check_sighting(sighting: Json, person: str, camera: str) -> None:
    assert sighting["cameraId"] == camera
    assert sighting["person"]["id"] == sighting["personId"] == person
    assert sighting["person"]["fullName"] == "Eileen Collins"
    assert "employeeId" in sighting["person"]
    assert sighting["state"] == "open"
    assert sighting["endedAt"] is None
    assert sighting["similarity"] >= sighting["threshold"] > 0
    assert sighting["margin"] > 0
    assert sighting["votes"] >= 3
    assert sighting["liveness"] is None


def check_entry(entry: Json, event: Json, sighting: Json) -> None:
    """The entry of the API is the one of the event, and says what it rests on."""
    assert entry["id"] == event["entryId"]
    assert entry["sightingId"] == event["sightingId"] == sighting["id"]
    assert entry["direction"] == event["direction"] == "in"
    assert entry["cameraId"] == event["cameraId"] == sighting["cameraId"]
    assert entry["at"] == event["at"]
    assert entry["snapshotUrl"] == event["snapshotUrl"]
    assert event["person"]["fullName"] == "Eileen Collins"
    assert {"shift", "lateMinutes"} <= event.keys()
    assert 0.3 < entry["similarity"] <= 1
    assert entry["margin"] > 0
    assert "mobilefacenet" in entry["pack"]


def check_greeting(api: Api, greeting: Json, kiosk: str, at: str) -> None:
    assert greeting.keys() == GREETING_FIELDS
    assert greeting["kioskId"] == kiosk
    assert greeting["name"] == "Eileen Collins"
    assert greeting["direction"] == "in"
    assert greeting["at"] == at
    assert greeting["shift"] is None
    assert greeting["hint"] is None
    assert min(decoded(api.picture(greeting["photoUrl"])).shape[:2]) >= 100


def check_boxes(update: Json, camera: str, person: str) -> None:
    assert update["cameraId"] == camera
    assert {"pts", "rtpTimestamp", "capturedAt", "width", "height"} <= update["frame"].keys()
    [track] = update["tracks"]
    assert track["state"] == "recognized"
    assert track["personId"] == person
    x, y, width, height = track["box"]
    assert -0.3 < x < 1
    assert -0.3 < y < 1
    assert 0.03 < width < 0.6
    assert 0.03 < height < 0.9


def test_an_unknown_face_becomes_known_without_a_restart(server: RollcallServer, api: Api, demo: DemoSources) -> None:
    """Somebody says who the unknown was and keeps the face as a photo: from then on the camera knows her name."""
    camera = api.add_camera("Workshop", demo.workshop)
    with server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        hears.subscribe("attendance")
        unknown = hears.event("sighting.unknown", lambda data: data["cameraId"] == camera)["data"]
        assert unknown["personId"] is None
        assert unknown["person"] is None
        assert unknown["votes"] >= 3
        person = api.add_person("Grace Hopper")
        named = api.call("PATCH", f"sightings/{unknown['id']}", 200, json={"personId": person})
        assert named["personId"] == person
        corrected = hears.event("sighting.corrected")["data"]
        assert (corrected["id"], corrected["person"]["fullName"]) == (unknown["id"], "Grace Hopper")
        entered = hears.event("attendance.checked_in", lambda data: data["person"]["id"] == person)["data"]
        assert entered["sightingId"] == unknown["id"]
        face = api.picture(unknown["faceUrl"])
        photo = api.add_photo(person, face)
        assert photo["quality"]["sizePx"] > 60
        later = hears.event(
            "sighting.recognized", lambda data: data["personId"] == person and data["id"] != unknown["id"]
        )["data"]
        time.sleep(5)
        checked_in = [e for e in hears.events("attendance.checked_in") if e["data"]["person"]["id"] == person]
        names = {e["data"]["personId"] for e in hears.events("sighting.recognized")}
    assert later["similarity"] >= later["threshold"]
    assert len(checked_in) == 1
    assert names == {person}
    assert api.get(f"sightings/{later['id']}")["person"]["fullName"] == "Grace Hopper"
