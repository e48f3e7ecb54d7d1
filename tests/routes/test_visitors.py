"""Visitors over HTTP: the list, who they turn out to be, two that are one, and when a face was seen."""

from dataclasses import replace

import httpx
import numpy as np
import pytest

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.demo.pictures import grace_hopper, read_picture
from server.identity.sightings import Face
from server.parts import Parts
from server.pipeline.evidence import take_evidence
from server.store.tables import Camera, Person
from tests.opened import models
from tests.pipeline.conftest import add_camera, change
from tests.pipeline.test_visitors import face_of, pass_by
from tests.routes.limited import limited_client
from tests.routes.test_queries import counting

UNKNOWN = "/api/v1/sightings/unknown"


@pytest.fixture
async def camera(parts: Parts) -> Camera:
    return await add_camera(parts, "Entrance", "in")


async def hopper_passes(parts: Parts, camera: Camera, clock: ManualClock) -> str:
    """Grace Hopper, whom nobody knows, with pictures and her real face."""
    image = read_picture(grace_hopper())
    [faces] = models().detector.detect([image])
    face = await parts.enrolment.embedding_of(grace_hopper().read_bytes())
    clock.advance(310)
    opened = change(camera, "unknown", clock.now())
    closed = replace(change(camera, "closed", clock.now(), like=opened), face=Face(np.asarray(face), 0.9))
    await parts.recorder.record(camera.id, [opened], {opened.sighting.id: take_evidence(image, faces.boxes[0], 90)})
    await parts.recorder.record(camera.id, [closed], {})
    return opened.sighting.id


async def test_the_list_and_one_of_it(parts: Parts, admin: httpx.AsyncClient, camera: Camera, portraits: None) -> None:
    """From when to when, how often, where, and the best face with its picture."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    first = await hopper_passes(parts, camera, clock)
    await hopper_passes(parts, camera, clock)
    await pass_by(parts, camera, clock, face_of(parts, 3))
    answer = (await admin.get(UNKNOWN)).json()
    assert answer["meta"]["total"] == 2
    other, hopper = answer["data"]
    assert (hopper["count"], hopper["cameras"]) == (2, [{"id": camera.id, "name": "Entrance"}])
    assert (hopper["sightingId"], other["faceUrl"]) == (first, None)
    assert (await admin.get(hopper["faceUrl"])).status_code == 200
    assert (await admin.get(f"{UNKNOWN}/{hopper['id']}")).json()["data"] == hopper
    assert (await admin.get(f"{UNKNOWN}/nobody")).json()["error"]["code"] == "visitor_not_found"
    assert [one["count"] for one in (await admin.get(f"{UNKNOWN}?sort=-count&pageSize=1")).json()["data"]] == [2]
    assert (await admin.get(f"{UNKNOWN}?sort=name")).status_code == 400


async def test_one_click_names_and_enrols(
    parts: Parts, admin: httpx.AsyncClient, camera: Camera, portraits: None
) -> None:
    """Somebody new with all the sightings, the attendance, and the best face as a photo; the audit says who did it."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    for _ in range(2):
        await hopper_passes(parts, camera, clock)
    [group] = (await admin.get(UNKNOWN)).json()["data"]
    body = {"fullName": "Grace Hopper", "enrol": True}
    named = (await admin.post(f"{UNKNOWN}/{group['id']}/assign", json=body)).json()["data"]
    assert (named["person"]["fullName"], named["sightings"], named["refused"]) == ("Grace Hopper", 2, None)
    assert named["photo"]["quality"]["sizePx"] > 60
    assert (await admin.get(UNKNOWN)).json()["data"] == []
    person_id = named["person"]["id"]
    assert (await admin.get(f"/api/v1/sightings?personId={person_id}")).json()["meta"]["total"] == 2
    assert (await admin.get("/api/v1/attendance/entries")).json()["meta"]["total"] == 2
    found = (await admin.get("/api/v1/audit?action=visitor.assigned")).json()["data"]
    assert [one["after"]["personId"] for one in found] == [person_id]
    assert [event.type for event in await parts.hub.log.read("sightings", 0, 50)][-2:] == ["sighting.corrected"] * 2
    assert (await admin.post(f"{UNKNOWN}/{group['id']}/assign", json=body)).status_code == 404


async def test_it_says_what_was_refused(parts: Parts, admin: httpx.AsyncClient, camera: Camera) -> None:
    """Named all the same: the face was only not good enough for a photo."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    await pass_by(parts, camera, clock, face_of(parts, 0))
    [group] = (await admin.get(UNKNOWN)).json()["data"]
    url = f"{UNKNOWN}/{group['id']}/assign"
    for body in ({}, {"personId": "x", "fullName": "y"}, {"personId": "nobody"}):
        wrong = await admin.post(url, json=body)
        assert (wrong.status_code, wrong.json()["error"]["details"][0]["field"]) == (422, "personId")
    named = (await admin.post(url, json={"fullName": "Ada", "enrol": True})).json()["data"]
    assert (named["photo"], named["refused"]["code"], named["sightings"]) == (None, "no_picture", 1)


async def test_only_what_is_within_reach_is_named(parts: Parts, admin: httpx.AsyncClient, camera: Camera) -> None:
    """A guard of one door sees and names what was there; the rest of the visitor stays unknown."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    yard = await add_camera(parts, "Yard", "in")
    person = Person(full_name="Ada")
    async with parts.store.transaction() as session:
        session.add(person)
    await pass_by(parts, camera, clock, face_of(parts, 0))
    await pass_by(parts, yard, clock, face_of(parts, 0))
    await pass_by(parts, camera, clock, face_of(parts, 1))
    async with limited_client(parts, cameras=[yard]) as guard:
        [group] = (await guard.get(UNKNOWN)).json()["data"]
        assert (group["count"], [one["name"] for one in group["cameras"]]) == (1, ["Yard"])
        hidden = next(one["id"] for one in (await admin.get(UNKNOWN)).json()["data"] if one["id"] != group["id"])
        assert (await guard.get(f"{UNKNOWN}/{hidden}")).status_code == 404
        assert (await guard.post(f"{UNKNOWN}/{group['id']}/merge", json={"otherId": hidden})).status_code == 404
        named = await guard.post(f"{UNKNOWN}/{group['id']}/assign", json={"personId": person.id})
        assert named.json()["data"]["sightings"] == 1
    left = {one["id"]: one["count"] for one in (await admin.get(UNKNOWN)).json()["data"]}
    assert left == {group["id"]: 1, hidden: 1}


async def test_two_that_are_one(
    parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient, camera: Camera
) -> None:
    """One group with the sightings of both; a Viewer may not."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    for who in range(2):
        await pass_by(parts, camera, clock, face_of(parts, who))
    keep, other = (one["id"] for one in (await admin.get(UNKNOWN)).json()["data"])
    url = f"{UNKNOWN}/{keep}/merge"
    assert (await viewer.post(url, json={"otherId": other})).status_code == 403
    assert (await admin.post(url, json={"otherId": keep})).status_code == 422
    assert (await admin.post(url, json={"otherId": other})).json()["data"]["count"] == 2
    assert (await admin.get(UNKNOWN)).json()["meta"]["total"] == 1


async def test_when_a_face_was_seen(parts: Parts, admin: httpx.AsyncClient, camera: Camera, portraits: None) -> None:
    """By its visitor while it has no name, by the person afterwards; somebody else's photo finds nothing."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    ids = [await hopper_passes(parts, camera, clock) for _ in range(2)]

    async def asked(photo: bytes) -> list[dict[str, object]]:
        answer = await admin.post("/api/v1/sightings/search", files={"file": ("a.jpg", photo, "image/jpeg")})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()["data"]
        return found

    found = await asked(grace_hopper().read_bytes())
    assert [one["sighting"]["id"] for one in found] == ids[::-1]  # type: ignore[index]
    group = (await admin.get(UNKNOWN)).json()["data"][0]["id"]
    assert {one["visitorId"] for one in found} == {group}
    assert await asked(enrolment_photo()) == []
    await admin.post(f"{UNKNOWN}/{group}/assign", json={"fullName": "Grace Hopper", "enrol": True})
    found = await asked(grace_hopper().read_bytes())
    assert [(one["visitorId"], one["sighting"]["person"]["fullName"]) for one in found] == [(None, "Grace Hopper")] * 2  # type: ignore[index]
    refused = await admin.post("/api/v1/sightings/search", files={"file": ("a.jpg", b"no picture", "image/jpeg")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unreadable")


async def test_many_sightings_of_a_face_take_one_query(
    parts: Parts, admin: httpx.AsyncClient, camera: Camera, portraits: None
) -> None:
    """As many statements for two sightings as for one, each with its camera's name."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)

    async def asked(rows: int) -> int:
        with counting(parts) as statements:
            photo = {"file": ("a.jpg", grace_hopper().read_bytes(), "image/jpeg")}
            found = (await admin.post("/api/v1/sightings/search", files=photo)).json()["data"]
        assert [one["sighting"]["cameraName"] for one in found] == ["Entrance"] * rows
        return len(statements)

    await hopper_passes(parts, camera, clock)
    await asked(1)  # the groups are read when they are needed first
    for_one = await asked(1)
    await hopper_passes(parts, camera, clock)
    await asked(2)
    assert await asked(2) == for_one


async def test_an_operator_keeps_a_view_and_refuses_one(
    parts: Parts, admin: httpx.AsyncClient, camera: Camera, portraits: None
) -> None:
    """PATCH: the correction always counts; the answer says whether the view was kept, and otherwise why not."""
    clock = parts.clock
    assert isinstance(clock, ManualClock)
    person = Person(full_name="Eileen Collins")
    async with parts.store.transaction() as session:
        session.add(person)
    url = f"/api/v1/sightings/{await hopper_passes(parts, camera, clock)}"
    wrong = await admin.patch(url, json={"personId": None, "keepView": True})
    assert wrong.json()["error"]["details"][0]["field"] == "keepView"
    named = (await admin.patch(url, json={"personId": person.id, "keepView": True})).json()["data"]
    assert (named["personId"], named["viewKept"]) == (person.id, False)
    assert named["viewRefused"]["code"] == "no_photo"
    taken_back = (await admin.patch(url, json={"personId": None})).json()["data"]
    assert (taken_back["personId"], taken_back["refusalRemembered"]) == (None, True)
    assert (await admin.get(UNKNOWN)).json()["meta"]["total"] == 1
