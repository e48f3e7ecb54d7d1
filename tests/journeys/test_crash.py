"""The server dies in the middle of its work and starts again: nothing is lost, told twice or left open."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.client import Json
from tests.journeys.server import ADMIN, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(500)]

TOPICS = ("sightings", "attendance", "cameras")


@pytest.fixture
def server(tmp_path: Path, demo: DemoSources) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path, roots=[demo.folder], settings={"ROLLCALL_SIGHTINGS__GAP_S": "1"}) as running:
        yield running


def offsets(messages: list[Json]) -> list[int]:
    return [message["offset"] for message in messages]


def test_after_kill_9_a_subscriber_gets_every_stored_event_once(server: RollcallServer, demo: DemoSources) -> None:
    """It comes back with its cursor; sightings left open have ended; nobody is checked in a second time."""
    heard: dict[str, list[Json]] = {}
    cursors: dict[str, Json] = {}
    with server.login() as api:
        collins = api.enrol("Eileen Collins", demo.collins)
        with server.subscriber(api.token) as hears:
            places = {topic: hears.subscribe(topic, since=None) for topic in TOPICS}
            api.add_camera("Entrance", demo.entrance)
            api.add_camera("Workshop", demo.workshop)
            hears.event("attendance.checked_in")
            left_open = hears.event("sighting.recognized")["data"]["id"]
            time.sleep(3)
            server.kill()
            hears.wait_closed()
            for topic, place in places.items():
                heard[topic] = hears.stored(place["id"])
                cursors[topic] = {"epoch": place["epoch"], "offset": len(heard[topic])}
    for topic, messages in heard.items():
        assert offsets(messages) == list(range(1, len(messages) + 1)), topic

    server.start()
    with server.login() as api, server.subscriber(api.token) as hears:
        places = {topic: hears.subscribe(topic, since=cursors[topic]) for topic in TOPICS}
        assert all(place["recovered"] for place in places.values())
        assert all(place["epoch"] == cursors[topic]["epoch"] for topic, place in places.items())
        closed = hears.event("sighting.closed", lambda data: data["id"] == left_open)["data"]
        assert closed["state"] == "closed"
        assert closed["endedAt"] is not None
        again = hears.event("sighting.recognized", lambda data: data["id"] != left_open and data["personId"] == collins)
        assert api.get("attendance/entries", personId=collins)[0]["sightingId"] == left_open
        told_before = [message["event"]["data"]["cameraName"] for message in heard["attendance"]]
        if "Workshop" not in told_before:
            hears.event("attendance.checked_in", lambda data: data["cameraName"] == "Workshop")
        time.sleep(10)  # in which each camera sees her again
        everything = {topic: heard[topic] + hears.stored(place["id"]) for topic, place in places.items()}
        old = api.get(f"sightings/{left_open}")
        entered = api.get("attendance/entries", personId=collins)
        with server.subscriber(api.token) as afterwards:
            for topic, told in everything.items():
                place = afterwards.subscribe(topic, since={"epoch": cursors[topic]["epoch"], "offset": 0})
                stored = [m["event"] for m in afterwards.caught_up(place)]
                assert offsets(told) == list(range(1, len(told) + 1)), topic
                assert [m["event"]["id"] for m in told] == [event["id"] for event in stored][: len(told)]
                assert len(stored) - len(told) <= 3, "told live, within moments"
    assert old["state"] == "closed"
    assert again["data"]["state"] == "open"
    check_ins = [m for m in everything["attendance"] if m["event"]["data"]["person"]["id"] == collins]
    assert len(check_ins) == len(entered) == 2, "once at each of the two cameras"
    assert {entry["cameraName"] for entry in entered} == {"Entrance", "Workshop"}


def test_a_reader_that_kept_an_older_cursor_gets_the_rest_again(server: RollcallServer) -> None:
    """A cursor of another life of the log, or from before its history, is said to be gone, never half answered."""
    with server.login() as api, server.subscriber(api.token) as hears:
        first = hears.subscribe("cameras")
        for number in range(5):
            api.add_camera(f"Camera {number}", "rtsp://127.0.0.1:9/live", kind="rtsp", enabled=False)
        hears.message(lambda m: m.get("offset") == 5 and m["type"] == "event")
        late = hears.subscribe("cameras", since={"epoch": first["epoch"], "offset": 2})
        assert (late["recovered"], late["offset"]) == (True, 5)
        missed = hears.caught_up(late)
        assert offsets(missed) == [3, 4, 5]
        assert [m["previous"] for m in missed] == [2, 3, 4]
        for since in ({"epoch": "another", "offset": 2}, {"epoch": first["epoch"], "offset": 900}):
            gone = hears.subscribe("cameras", since=since)
            assert (gone["recovered"], gone["offset"]) == (False, 5)
            assert hears.stored(gone["id"]) == []


def test_a_stop_tells_subscribers_to_come_back(server: RollcallServer, demo: DemoSources) -> None:
    """SIGTERM with cameras running and sockets open: 1012, everything closed in time, sightings ended in order."""
    with server.login() as api, server.subscriber(api.token) as hears:
        hears.subscribe("sightings")
        api.enrol("Eileen Collins", demo.collins)
        api.add_camera("Entrance", demo.entrance)
        seen = hears.event("sighting.recognized")["data"]["id"]
        server.stop()
        assert hears.wait_closed() == 1012
    server.start()
    with server.login(ADMIN) as api:
        sighting = api.get(f"sightings/{seen}")
    assert sighting["state"] == "closed"
    assert "sightings_closed_after_a_crash" not in server.log.read_text()
