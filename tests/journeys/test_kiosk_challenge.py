"""A challenge at a kiosk, end to end: a head that does what the screen asks gets in, one that does nothing does not."""

from collections.abc import Iterator
from functools import partial

import pytest

from server.demo.pictures import astronaut, read_picture
from tests.journeys.client import Api, Json, Subscriber
from tests.journeys.films import decoded
from tests.journeys.obedient_head import ObedientHead
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

NOSE, EYES_PX = (223, 125), 44  # of the portrait of Collins
NEWS = ("kiosk.challenge", "attendance.checked_in")
STEPS = ("turn_left", "turn_right", "come_closer")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("challenge")) as running:
        yield running


@pytest.fixture
def head(portraits: None) -> Iterator[ObedientHead]:
    with ObedientHead(read_picture(astronaut()), NOSE, EYES_PX) as camera:
        yield camera


def watch(api: Api, hears: Subscriber, head: ObedientHead) -> tuple[str, str]:
    """A camera that refuses, with a kiosk. The ids of both."""
    camera = api.add_camera("Door", head.url, kind="http", liveness="refuse", enabled=False)
    kiosk = api.add_kiosk(f"Before {camera}", camera)
    for topic in ("sightings", "attendance", "alerts", f"kiosks/{kiosk}"):
        hears.subscribe(topic)
    api.post(f"cameras/{camera}/start", status=200)
    return camera, kiosk


def asked(hears: Subscriber) -> list[Json]:
    """The steps that the screen has been told to show."""
    return [event["data"] for event in hears.events("kiosk.challenge") if event["data"]["hint"] in STEPS]


def has_more(hears: Subscriber, than: int, _message: Json) -> bool:
    """Whether the screen was told more."""
    return len(hears.events(*NEWS)) > than


def test_who_does_what_is_asked_gets_in(server: RollcallServer, api: Api, head: ObedientHead) -> None:
    """Left, right and closer in an order of chance, as the screen says; then the check-in and the greeting."""
    person = api.enrol("Eileen Collins", astronaut().read_bytes())
    with server.subscriber(api.token) as hears:
        watch(api, hears, head)
        while not hears.events("attendance.checked_in"):
            hears.message(partial(has_more, hears, len(hears.events(*NEWS))), 120)
            if steps := asked(hears):
                head.do(steps[-1]["hint"])
        checked_in = hears.events("attendance.checked_in")[0]["data"]
        greeting = hears.event("kiosk.greeting")["data"]
        assert hears.events("attendance.refused", "alert.raised") == []
    assert checked_in["person"]["id"] == person
    assert greeting["name"] == "Eileen Collins"
    last = asked(hears)[-3:]
    assert {step["hint"] for step in last} == set(STEPS)
    assert [(step["step"], step["of"]) for step in last] == [(1, 3), (2, 3), (3, 3)]
    seen = api.get(f"sightings/{checked_in['sightingId']}")
    assert (seen["liveness"], seen["livenessVerdict"], seen["refusal"]) == (1.0, "live", None)
    [entry] = api.get("attendance/entries")
    assert (entry["personId"], entry["direction"], entry["sightingId"]) == (person, "in", seen["id"])


def test_who_does_nothing_is_refused(server: RollcallServer, api: Api, head: ObedientHead) -> None:
    """Each step runs out; after the third try there is no entry, but an event and an alert with the picture."""
    person = api.enrol("Eileen Collins", astronaut().read_bytes())
    with server.subscriber(api.token) as hears:
        camera, _ = watch(api, hears, head)
        refused = hears.event("attendance.refused", within_s=150)["data"]
        alert = hears.event("alert.raised", lambda data: data["kind"] == "liveness_refused")["data"]
        hints = [event["data"]["hint"] for event in hears.events("kiosk.challenge")]
        assert hears.events("attendance.checked_in", "kiosk.greeting") == []
    steps = asked(hears)
    assert hints[-1] == "ask_at_desk"
    assert hints.count("try_again") == 2
    assert [step["step"] for step in steps] == [1, 1, 1]
    assert all(step["deadline"] > step["at"] for step in steps)
    assert (refused["person"]["id"], refused["reason"], refused["cameraId"]) == (person, "not_shown_live", camera)
    assert decoded(api.picture(refused["snapshotUrl"])).shape == (480, 640, 3)
    assert (alert["subject"], alert["sightingId"]) == (f"cameras/{camera}", refused["sightingId"])
    assert decoded(api.picture(alert["snapshotUrl"])).shape == (480, 640, 3)
    seen = api.get(f"sightings/{refused['sightingId']}")
    assert (seen["livenessVerdict"], seen["refusal"]) == ("failed", "not_shown_live")
    assert api.get("attendance/entries", personId=person) == []
