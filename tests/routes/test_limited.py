"""Users who are limited to cameras and departments, over HTTP: what is outside is not there."""

from typing import Any

import httpx
import pytest

from server.demo.clips import enrolment_photo
from server.parts import Parts
from server.routes.gate import SocketGate
from tests.opened import client_of
from tests.routes.limited import House, build, got, limited_client, principal_of, refused

CAMERA = {"name": "New", "source": "rtsp://10.0.0.5/live", "kind": "rtsp", "enabled": False}


@pytest.fixture
async def house(parts: Parts) -> House:
    return await build(parts)


def name_of(item: dict[str, Any]) -> str:
    return f"{item['cameraName']}/{item['person']['fullName'] if item['person'] else '-'}"


async def test_cameras_outside_are_not_there(parts: Parts, house: House) -> None:
    """Neither in the list and its total, nor by any of their addresses; none can be added."""
    async with limited_client(parts, cameras=[house.door]) as client:
        items, total = await got(client, "cameras")
        assert ([item["id"] for item in items], total) == ([house.door.id], 1)
        assert (await got(client, "cameras", search="Yard"))[1] == 0
        own, other = (f"/api/v1/cameras/{camera.id}" for camera in (house.door, house.yard))
        for method, path in (
            ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/restart"),
            ("GET", "/status"), ("GET", "/stats"), ("GET", "/snapshot.jpg"), ("GET", "/mjpeg"), ("POST", "/whep"),
            ("POST", "/whip"),
        ):  # fmt: skip
            answer = await client.request(method, other + path, json={} if method == "PUT" else None)
            assert await refused(answer) == (404, "camera_not_found"), (method, path)
        assert (await client.get(own)).status_code == 200
        assert (await client.post(f"{own}/start")).status_code == 200
        assert await refused(await client.post("/api/v1/cameras", json=CAMERA)) == (403, "limited")
    async with limited_client(parts, departments=[house.night]) as client:
        assert (await got(client, "cameras"))[1] == 2
        assert (await client.post("/api/v1/cameras", json=CAMERA)).status_code == 201


async def test_people_outside_are_not_there(parts: Parts, house: House) -> None:
    """Nor those without a department; departments neither."""
    async with limited_client(parts, departments=[house.night]) as client:
        items, total = await got(client, "people")
        assert ([item["fullName"] for item in items], total) == (["Ada"], 1)
        assert (await got(client, "people", departmentId=house.day.id))[1] == 0
        assert [item["name"] for item in (await got(client, "departments"))[0]] == ["Night"]
        assert await refused(await client.post("/api/v1/departments", json={"name": "X"})) == (403, "limited")
        for person in (house.bob, house.cleo):
            url = f"/api/v1/people/{person.id}"
            photo = {"file": ("a.jpg", b"x", "image/jpeg")}
            for method, path, more in (
                ("GET", "", {}), ("PUT", "", {"json": {}}), ("DELETE", "", {}), ("GET", "/photos", {}),
                ("POST", "/photos", {"files": photo}),
            ):  # fmt: skip
                answer = await client.request(method, url + path, **more)
                assert await refused(answer) == (404, "person_not_found"), (method, path)
    async with limited_client(parts, cameras=[house.door]) as client:
        assert (await got(client, "people"))[1] == 3


async def test_people_are_made_and_moved_within(parts: Parts, house: House) -> None:
    """The department must be one of theirs; the field is named."""
    async with limited_client(parts, departments=[house.night]) as client:
        for form in ({}, {"departmentId": house.day.id}, {"departmentId": None}):
            answer = await client.post("/api/v1/people", json={"fullName": "Dora"} | form)
            assert answer.status_code == 422
            assert answer.json()["error"]["details"][0]["field"] == "departmentId"
        made = await client.post("/api/v1/people", json={"fullName": "Dora", "departmentId": house.night.id})
        assert made.status_code == 201
        url = f"/api/v1/people/{made.json()['data']['id']}"
        for elsewhere in (house.day.id, None):
            assert (await client.put(url, json={"departmentId": elsewhere})).status_code == 422
        assert (await client.put(url, json={"fullName": "Dora B."})).json()["data"]["departmentId"] == house.night.id


async def test_pictures_of_people_outside(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    """Portrait and photos are 404; of people within they are shown."""
    urls = {}
    for person in (house.ada, house.bob):
        url = f"/api/v1/people/{person.id}"
        made = await admin.post(f"{url}/photos", files={"file": ("a.jpg", enrolment_photo(), "image/jpeg")})
        assert made.status_code == 201
        urls[person.full_name] = (made.json()["data"]["url"], f"{url}/portrait.jpg", made.json()["data"]["id"])
    async with limited_client(parts, departments=[house.night]) as client:
        assert [(await client.get(url)).status_code for url in urls["Ada"][:2]] == [200, 200]
        assert [(await client.get(url)).status_code for url in urls["Bob"][:2]] == [404, 404]
        gone = await client.delete(f"/api/v1/people/{house.bob.id}/photos/{urls['Bob'][2]}")
        assert await refused(gone) == (404, "photo_not_found")


async def test_a_likeness_to_somebody_outside_has_no_name(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    """Neither in the answer to the photo nor in the list later; who may see both is told the name."""
    picture = {"file": ("a.jpg", enrolment_photo(), "image/jpeg")}
    await admin.post(f"/api/v1/people/{house.bob.id}/photos", files=picture)
    photos = f"/api/v1/people/{house.ada.id}/photos"
    async with limited_client(parts, departments=[house.night]) as client:
        answer = await client.post(photos, files=picture)
        assert answer.status_code == 201, answer.text
        [warning] = answer.json()["data"]["warnings"]
        assert warning["code"] == "resembles_other_person"
        for text in (answer.text, (await client.get(photos)).text):
            assert "Bob" not in text
            assert house.bob.id not in text
    async with limited_client(parts, departments=[house.night, house.day]) as client:
        assert "Bob" in (await client.get(photos)).text
    assert "Bob" in (await admin.get(photos)).text


async def test_sightings_outside_are_not_there(parts: Parts, house: House) -> None:
    """By the camera and by the person; their pictures neither."""
    expected = {
        "cameras": {"Door/Ada", "Door/Bob", "Door/Cleo", "Door/-"},
        "departments": {"Door/Ada", "Yard/Ada", "Door/-", "Yard/-"},
        "both": {"Door/Ada", "Door/-"},
    }
    for kind, due in expected.items():
        limits: dict[str, Any] = {}
        if kind != "departments":
            limits["cameras"] = [house.door]
        if kind != "cameras":
            limits["departments"] = [house.night]
        async with limited_client(parts, **limits) as client:
            items, total = await got(client, "sightings")
            assert ({name_of(item) for item in items}, total) == (due, len(due))
            assert (await got(client, "sightings", personId=house.bob.id))[1] == ("Door/Bob" in due)
            for name, sighting_id in house.seen.items():
                for path in ("", "/snapshot.jpg", "/face.jpg"):
                    answer = await client.get(f"/api/v1/sightings/{sighting_id}{path}")
                    assert answer.status_code == (200 if name in due else 404), (kind, name, path)


async def test_corrections_stay_within(parts: Parts, house: House) -> None:
    """Of a sighting within, and to a person within; somebody outside is as unknown as nobody."""
    async with limited_client(parts, cameras=[house.door], departments=[house.night]) as client:
        unknown = f"/api/v1/sightings/{house.seen['Door/-']}"
        for outside in (house.bob.id, "nobody"):
            answer = await client.patch(unknown, json={"personId": outside})
            assert answer.status_code == 422
            assert answer.json()["error"]["details"][0]["field"] == "personId"
        for name in ("Yard/-", "Door/Bob"):
            answer = await client.patch(f"/api/v1/sightings/{house.seen[name]}", json={"personId": None})
            assert await refused(answer) == (404, "sighting_not_found")
        named = await client.patch(unknown, json={"personId": house.ada.id})
        assert named.json()["data"]["person"]["fullName"] == "Ada"


async def test_attendance_outside_is_not_there(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    """Entries and who is in, by person and camera."""
    everything = (await got(admin, "attendance/entries"))[0]
    assert len(everything) == 6
    async with limited_client(parts, cameras=[house.door], departments=[house.night]) as client:
        items, total = await got(client, "attendance/entries")
        assert ([name_of(item) for item in items], total) == (["Door/Ada"], 1)
        for item in everything:
            answer = await client.get(f"/api/v1/attendance/entries/{item['id']}")
            assert answer.status_code == (200 if name_of(item) == "Door/Ada" else 404)
    async with limited_client(parts, departments=[house.day]) as client:
        items, total = await got(client, "attendance/present")
        assert total == 1
        assert items[0]["person"]["fullName"] == "Bob"  # type: ignore[index]


async def test_kiosks_outside_are_not_there(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    """Those all of whose cameras are within; on a socket the same."""
    made = {}
    for name, cameras in (("Own", [house.door.id]), ("Both", [house.door.id, house.yard.id])):
        answer = await admin.post("/api/v1/kiosks", json={"name": name, "cameraIds": cameras})
        made[name] = answer.json()["data"]["id"]
    async with limited_client(parts, cameras=[house.door]) as client:
        items, total = await got(client, "kiosks")
        assert ([item["name"] for item in items], total) == (["Own"], 1)
        both = f"/api/v1/kiosks/{made['Both']}"
        form = {"name": "X", "cameraIds": [house.yard.id]}
        for answer in (
            await client.get(both), await client.put(both, json=form), await client.delete(both),
            await client.post(f"{both}/pairing-code"), await client.get(f"{both}/portraits/{house.ada.id}.jpg"),
        ):  # fmt: skip
            assert await refused(answer) == (404, "kiosk_not_found")
        assert (await client.post("/api/v1/kiosks", json=form)).status_code == 422
        assert (await client.post(f"/api/v1/kiosks/{made['Own']}/pairing-code")).status_code == 201
        gate, principal = SocketGate(parts.access), await principal_of(parts, client)
        assert await gate.sees_kiosk(principal, made["Own"])
        assert not await gate.sees_kiosk(principal, made["Both"])
        assert not await gate.sees_kiosk(principal, "nowhere")
    async with limited_client(parts, departments=[house.night]) as client:
        # Its screen greets the people of all departments, and whoever pairs one reads along.
        assert await refused(await client.post(f"/api/v1/kiosks/{made['Own']}/pairing-code")) == (403, "limited")


async def test_the_audit_is_for_those_without_limits(parts: Parts, house: House) -> None:
    """It tells of everything: neither the list, nor a file, nor the result of somebody's export."""
    async with client_of(parts) as admin:
        job = (await admin.post("/api/v1/audit/export", json={})).json()["data"]["id"]
    for cameras, departments in (([house.door], None), (None, [house.night])):
        async with limited_client(parts, cameras=cameras, departments=departments) as client:
            for method, path in (("GET", "audit"), ("GET", "audit/export"), ("POST", "audit/export")):
                answer = await client.request(method, f"/api/v1/{path}", json={} if method == "POST" else None)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "limited"), path
            shown = (await client.get(f"/api/v1/jobs/{job}")).json()["data"]
            assert (shown["result"], shown["resultUrl"]) == (None, None)


async def test_limited_to_nothing(parts: Parts, house: House) -> None:
    """An empty limit is nothing, not everything."""
    async with limited_client(parts, cameras=[], departments=[]) as client:
        for path in ("cameras", "people", "departments", "sightings", "attendance/entries", "attendance/present"):
            assert await got(client, path) == ([], 0), path
