"""Sightings over HTTP: lists with filters, evidence pictures, and an operator's word."""

from datetime import timedelta

import httpx
import pytest

from server.parts import Parts
from server.pipeline.evidence import Evidence
from server.store.tables import Camera, Person
from tests.pipeline.conftest import add_camera, change

EVIDENCE = Evidence(b"frame", b"face", [0.1, 0.2, 0.3, 0.4])


@pytest.fixture
async def seen(parts: Parts) -> tuple[Camera, Person, list[str]]:
    """A known one, then an unknown one an hour later; with pictures."""
    camera = await add_camera(parts, "Entrance", "in")
    person = Person(full_name="Eileen Collins")
    async with parts.store.transaction() as session:
        session.add(person)
    now = parts.clock.now()
    changes = [
        change(camera, "recognized", now, person.id),
        change(camera, "unknown", now + timedelta(hours=1)),
    ]
    for one in changes:
        await parts.recorder.record(camera.id, [one], {one.sighting.id: EVIDENCE})
    return camera, person, [one.sighting.id for one in changes]


async def test_the_list_filters(parts: Parts, admin: httpx.AsyncClient, seen: tuple[Camera, Person, list[str]]) -> None:
    """By camera, person, unknown, state and time; newest first."""
    camera, person, (known, unknown) = seen

    async def ids(**query: str) -> list[str]:
        answer = await admin.get("/api/v1/sightings", params=query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["data"]]

    assert await ids() == [unknown, known]
    assert await ids(personId=person.id) == [known]
    assert await ids(unknown="true") == [unknown]
    assert await ids(cameraId=camera.id, sort="startedAt") == [known, unknown]
    assert await ids(state="closed") == []
    middle = (parts.clock.now() + timedelta(minutes=30)).isoformat()
    assert await ids(**{"from": middle}) == [unknown]
    assert await ids(to=middle) == [known]
    assert (await admin.get("/api/v1/sightings?from=yesterday")).status_code == 422


async def test_evidence_is_for_those_who_may_see_it(
    admin: httpx.AsyncClient, anyone: httpx.AsyncClient, seen: tuple[Camera, Person, list[str]]
) -> None:
    """The frame and the face; 401 without signing in; 404 for no such sighting."""
    known = seen[2][0]
    view = (await admin.get(f"/api/v1/sightings/{known}")).json()["data"]
    assert (await admin.get(view["snapshotUrl"])).content == b"frame"
    assert (await admin.get(view["faceUrl"])).content == b"face"
    assert (await anyone.get(view["snapshotUrl"])).status_code == 401
    assert (await admin.get("/api/v1/sightings/nothing/face.jpg")).status_code == 404


async def test_an_operator_says_who_it_was(
    parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient, seen: tuple[Camera, Person, list[str]]
) -> None:
    """The unknown gets a name and an entry; null takes it back; a Viewer may do neither."""
    _, person, (_, unknown) = seen
    url = f"/api/v1/sightings/{unknown}"
    assert (await viewer.patch(url, json={"personId": person.id})).status_code == 403
    named = await admin.patch(url, json={"personId": person.id})
    assert named.json()["data"]["person"]["fullName"] == "Eileen Collins"
    assert (await admin.get("/api/v1/attendance/entries")).json()["meta"]["total"] == 2
    again = await admin.patch(url, json={"personId": None})
    assert again.json()["data"]["person"] is None
    assert (await admin.get("/api/v1/attendance/entries")).json()["meta"]["total"] == 1
    wrong = await admin.patch(url, json={"personId": "nobody"})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["field"]) == (422, "personId")
    assert (await admin.patch(url, json={})).status_code == 422
