"""Durable topics: offsets without gaps, recovery that is whole or refused, filters, snapshots; the same over HTTP."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conformance.site import Json, Site, place_of, said

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

DURABLE = ("sightings", "attendance", "cameras", "alerts", "jobs")
WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def names(messages: list[Json]) -> list[Any]:
    return said(messages, "event", "data", "name")


def test_where_a_topic_stands(site: Site) -> None:
    """Every durable topic says its epoch and its head; all of one server are of one epoch."""
    with site.let_in() as client:
        answers = [client.subscribe(number, topic) for number, topic in enumerate(DURABLE)]
    assert [one["topic"] for one in answers] == list(DURABLE)
    assert len(set(said(answers, "epoch"))) == 1
    assert all(one["offset"] >= 0 and one["recovered"] is True for one in answers)


def test_an_event(site: Site) -> None:
    """Its place, the place before it, and what happened to what, when."""
    with site.let_in() as client:
        head = client.subscribe(1, "cameras")["offset"]
        camera = site.add_camera()
        [message] = client.events(1)
    assert (message["id"], message["offset"], message["previous"]) == (1, head + 1, head)
    event = message["event"]
    assert event["type"] == "camera.added"
    assert event["source"] == f"cameras/{camera['id']}"
    assert event["id"]
    assert WHEN.fullmatch(event["time"])
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["data"]["id"] == camera["id"]


def test_offsets_go_up_by_one(site: Site) -> None:
    """For all who listen, and the events are the same."""
    with site.let_in() as one, site.let_in() as other:
        one.subscribe(1, "cameras")
        other.subscribe(1, "cameras")
        made = [site.add_camera()["name"] for _ in range(5)]
        heard = one.events(5)
        assert heard == other.events(5)
    assert names(heard) == made
    first = heard[0]["offset"]
    assert said(heard, "offset") == list(range(first, first + 5))
    assert said(heard, "previous") == list(range(first - 1, first + 4))


def test_what_was_missed_follows_and_then_what_happens(site: Site) -> None:
    """Each once and in order, after an answer that says that all of it is there."""
    with site.let_in() as client:
        since = place_of(client.subscribe(1, "cameras"))
    made = [site.add_camera()["name"] for _ in range(3)]
    with site.let_in() as client:
        answer = client.subscribe(1, "cameras", since=since)
        assert answer["recovered"] is True
        assert answer["offset"] == since["offset"] + 3
        made.append(site.add_camera()["name"])
        heard = client.events(4)
        assert names(heard) == made
        assert heard[0]["previous"] == since["offset"]
        assert client.quiet()


@pytest.mark.parametrize("wrong", ["another epoch", "ahead"])
def test_a_history_that_cannot_be_had_is_refused(site: Site, wrong: str) -> None:
    """Nothing of it is sent: it goes on at the head that the answer names."""
    with site.let_in() as client:
        place = place_of(client.subscribe(1, "cameras"))
        site.add_camera()
        client.events(1)
        since = place | ({"epoch": "another"} if wrong == "another epoch" else {"offset": place["offset"] + 999})
        answer = client.subscribe(2, "cameras", since=since)
        assert answer["recovered"] is False
        assert place_of(answer) == place | {"offset": place["offset"] + 1}
        assert client.quiet()
        camera = site.add_camera()
        assert {one["event"]["data"]["id"] for one in client.events(2)} == {camera["id"]}


def test_a_filter_keeps_its_chain(site: Site) -> None:
    """`previous` is the event before it in this subscription, so that a reader sees that nothing is missing."""
    first, second = site.add_camera(), site.add_camera()
    with site.let_in() as client:
        head = client.subscribe(1, "cameras", filter={"cameraId": second["id"]})["offset"]
        client.subscribe(2, "cameras", filter={"type": "camera.removed"})
        for camera in (first, second):
            edited = site.http.put(f"/api/v1/cameras/{camera['id']}", json=form(camera) | {"role": "in"})
            assert edited.status_code == 200, edited.text
        [changed] = client.events(1)
        site.remove(f"cameras/{second['id']}")
        removed = client.events(2)
    assert (changed["event"]["type"], changed["previous"]) == ("camera.changed", head)
    mine, by_type = sorted(removed, key=lambda one: int(one["id"]))
    assert said([mine, by_type], "event", "type") == ["camera.removed"] * 2
    assert mine["previous"] == changed["offset"]
    assert by_type["previous"] == head


def test_a_filter_by_department(site: Site) -> None:
    """Of what happens to people, what happens to those of one department, with a chain of its own; by HTTP too."""
    mark = uuid4().hex
    night, day = (site.make("departments", name=f"{name} {mark}") for name in ("Night", "Day"))
    people = [
        site.make("people", fullName=f"Conformance {name}", departmentId=department)
        for name, department in (("Ada", night["id"]), ("Bob", day["id"]), ("Cleo", None))
    ]
    own = {"departmentId": night["id"]}
    with site.let_in() as client:
        since = place_of(client.subscribe(1, "attendance", filter=own))
        for direction in ("in", "out"):
            for person in people:
                at = datetime.now(UTC).isoformat()
                entry = {"personId": person["id"], "at": at, "direction": direction, "reason": "Conformance"}
                assert site.http.post("/api/v1/attendance/entries", json=entry).status_code == 201
        heard = client.events(2)
        assert client.quiet()
    assert said(heard, "event", "data", "person", "id") == [people[0]["id"]] * 2
    assert said(heard, "previous") == [since["offset"], heard[0]["offset"]]
    query = {"topic": "attendance", "after": f"{since['epoch']}:{since['offset']}", **own}
    polled = site.http.get("/api/v1/events", params=query)
    assert polled.json()["data"] == [{"offset": one["offset"], "event": one["event"]} for one in heard]
    with site.http.stream("GET", "/api/v1/events/stream", params=query) as response:
        assert said(streamed(response, 2), "event") == said(heard, "event")


def test_a_filter_by_person(site: Site) -> None:
    """What happens to one, and nothing of another."""
    ada, bob = (site.make("people", fullName=f"Conformance {name}") for name in ("Ada", "Bob"))
    with site.let_in() as client:
        client.subscribe(1, "attendance", filter={"personId": ada["id"]})
        for person in (bob, ada):
            at = datetime.now(UTC).isoformat()
            entry = {"personId": person["id"], "at": at, "direction": "in", "reason": "Conformance"}
            assert site.http.post("/api/v1/attendance/entries", json=entry).status_code == 201
        [heard] = client.events(1)
        assert client.quiet()
    assert heard["event"]["data"]["person"]["id"] == ada["id"]


def test_limits_of_a_user(site: Site) -> None:
    """Whoever is limited to a camera hears of that one, in a snapshot and in events, and may not ask for another's."""
    mine, other = site.add_camera(), site.add_camera()
    user = site.add_user(cameraIds=[mine["id"]])
    with site.signed_in_as(user) as limited, limited.let_in() as client:
        answer = client.subscribe(1, "cameras", snapshot=True)
        assert said(answer["snapshot"]["cameras"], "id") == [mine["id"]]
        refused = client.error(type="subscribe", id=2, topic="cameras", filter={"cameraId": other["id"]})
        assert refused["code"] == "forbidden"
        assert client.error(type="subscribe", id=2, topic=f"cameras/{other['id']}/tracks")["code"] == "forbidden"
        site.remove(f"cameras/{other['id']}")
        site.remove(f"cameras/{mine['id']}")
        [heard] = client.events(1)
        assert heard["event"]["data"]["id"] == mine["id"]
        assert client.quiet()


def form(camera: Json) -> Json:
    known = ("name", "source", "kind", "role", "enabled")
    return {name: camera[name] for name in known}


def test_a_snapshot_and_then_every_change(site: Site) -> None:
    """The state of the topic in the answer; what happens after it follows, and nothing between is lost."""
    camera = site.add_camera()
    with site.let_in() as client:
        answer = client.subscribe(1, "cameras", snapshot=True)
        assert camera["id"] in said(answer["snapshot"]["cameras"], "id")
        second = site.add_camera()
        assert client.events(1)[0]["event"]["data"]["id"] == second["id"]
        assert "snapshot" not in client.subscribe(2, "cameras")


def test_every_stored_topic_has_a_snapshot(site: Site) -> None:
    """As the server describes it, with how many there are; those that are not stored have none."""
    kiosk, camera = site.make("kiosks", name=f"Conformance {uuid4().hex}"), site.add_camera()
    for kind in (*DURABLE, "kiosks/{id}"):
        with site.let_in() as client:
            answer = client.subscribe(1, kind.replace("{id}", kiosk["id"]), snapshot=True)
        assert site.snapshot_problems(kind, answer["snapshot"]) == []
        assert answer["snapshot"]["total"] >= 0
    for topic in ("system/stats", f"cameras/{camera['id']}/tracks"):
        with site.let_in() as client:
            assert "snapshot" not in client.subscribe(1, topic, snapshot=True)


def test_a_job_is_followed_from_its_beginning_to_its_end(site: Site) -> None:
    """It waits, runs and is over: every state is told, and it is in no snapshot any more."""
    with site.let_in() as client:
        client.subscribe(1, "jobs", snapshot=True)
        asked = site.http.post("/api/v1/audit/export", json={"format": "csv"})
        assert asked.status_code == 202, asked.text
        job, states = asked.json()["data"]["id"], list[str]()
        while not states or states[-1] in ("queued", "running"):
            [message] = client.events(1)
            states += [one["state"] for one in [message["event"]["data"]] if one["id"] == job]
    assert (states[0], states[-1], set(states)) == ("queued", "done", {"queued", "running", "done"})
    with site.let_in() as client:
        assert job not in said(client.subscribe(1, "jobs", snapshot=True)["snapshot"]["jobs"], "id")
    assert site.http.delete(f"/api/v1/jobs/{job}").status_code == 204


def test_an_offset_survives_another_connection(site: Site) -> None:
    """The head of a new subscription is where the last event was."""
    with site.let_in() as client:
        client.subscribe(1, "cameras")
        site.add_camera()
        [event] = client.events(1)
    with site.let_in() as client:
        assert client.subscribe(1, "cameras")["offset"] == event["offset"]


def test_the_same_by_polling(site: Site) -> None:
    """The same places and the same events."""
    with site.let_in() as client:
        since = place_of(client.subscribe(1, "cameras"))
        for _ in range(3):
            site.add_camera()
        heard = client.events(3)
    after = f"{since['epoch']}:{since['offset']}"
    found: list[Json] = []
    for _ in range(2):
        answer = site.http.get("/api/v1/events", params={"topic": "cameras", "after": after, "limit": 2})
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        assert answer.json()["meta"]["recovered"] is True
        after = answer.json()["meta"]["next"]
    assert found == [{"offset": one["offset"], "event": one["event"]} for one in heard]
    lost = site.http.get("/api/v1/events", params={"topic": "cameras", "after": "another:1"}).json()
    assert (lost["data"], lost["meta"]) == ([], {"next": after, "recovered": False})


def test_the_same_as_a_stream(site: Site) -> None:
    """Server-Sent Events with the same places: `Last-Event-ID` is a cursor."""
    with site.let_in() as client:
        since = place_of(client.subscribe(1, "cameras"))
        for _ in range(3):
            site.add_camera()
        heard = client.events(3)
    headers = {"Last-Event-ID": f"{since['epoch']}:{since['offset']}"}
    with site.http.stream("GET", "/api/v1/events/stream", params={"topic": "cameras"}, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        told = streamed(response, 3)
    assert said(told, "event") == said(heard, "event")
    assert said(told, "id") == [f"{since['epoch']}:{one['offset']}" for one in heard]


def streamed(response: httpx.Response, count: int) -> list[Json]:
    """The first plain messages of a stream, with their ids."""
    found: list[Json] = []
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
            continue
        if "data" in fields and "event" not in fields:
            found.append({"id": fields["id"], "event": httpx.Response(200, text=fields["data"]).json()})
            if len(found) == count:
                break
        fields = {}
    return found
