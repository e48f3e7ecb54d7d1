"""Kiosks over HTTP: pairing, and what a paired screen may see."""

from datetime import timedelta

import httpx

from server.ids import new_id
from server.parts import Parts
from server.store.tables import Camera, Person, Photo, Sighting


async def kiosk(admin: httpx.AsyncClient, **form: object) -> dict[str, object]:
    answer = await admin.post("/api/v1/kiosks", json={"name": "Door"} | form)
    assert answer.status_code == 201, answer.text
    data: dict[str, object] = answer.json()["data"]
    return data


async def test_a_kiosk_names_cameras_that_exist(admin: httpx.AsyncClient) -> None:
    """An unknown camera is a field error; names are taken once; an edit and a deletion work."""
    refused = await admin.post("/api/v1/kiosks", json={"name": "Door", "cameraIds": ["nowhere"]})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"][0]["field"].startswith("cameraIds")
    made = await kiosk(admin)
    assert (await admin.post("/api/v1/kiosks", json={"name": "Door"})).status_code == 409
    url = f"/api/v1/kiosks/{made['id']}"
    assert (await admin.put(url, json={"name": "Gate"})).json()["data"]["name"] == "Gate"
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(url)).json()["error"]["code"] == "kiosk_not_found"


async def test_its_own_language_and_time_zone(admin: httpx.AsyncClient) -> None:
    """None unless said; a zone that there is, and what can be a language; an edit says both anew."""
    made = await admin.post("/api/v1/kiosks", json={"name": "Tor", "language": "pt-BR", "timeZone": "Asia/Kathmandu"})
    kiosk = made.json()["data"]
    assert (made.status_code, kiosk["language"], kiosk["timeZone"]) == (201, "pt-BR", "Asia/Kathmandu")
    for field, value in (("timeZone", "Mars/Olympus"), ("language", "Deutsch!"), ("language", "d" * 40)):
        refused = await admin.post("/api/v1/kiosks", json={"name": "Other", field: value})
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == field
    plain = (await admin.put(f"/api/v1/kiosks/{kiosk['id']}", json={"name": "Tor"})).json()["data"]
    assert (plain["language"], plain["timeZone"]) == (None, None)


async def test_a_code_pairs_one_screen_once(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Six digits, no login; the second use and a wrong one are refused."""
    made = await kiosk(admin)
    code = (await admin.post(f"/api/v1/kiosks/{made['id']}/pairing-code")).json()["data"]
    assert code["code"].isdigit()
    assert "expiresAt" in code
    paired = await anyone.post("/api/v1/kiosks/pair", json={"code": code["code"]})
    assert paired.status_code == 200
    assert paired.json()["data"]["kiosk"]["id"] == made["id"]
    assert (await anyone.post("/api/v1/kiosks/pair", json={"code": code["code"]})).status_code == 422
    assert (await anyone.post("/api/v1/kiosks/pair", json={"code": "12"})).status_code == 422


async def test_a_deleted_kiosk_is_signed_out(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Its token opens nothing any more."""
    made = await kiosk(admin)
    code = (await admin.post(f"/api/v1/kiosks/{made['id']}/pairing-code")).json()["data"]["code"]
    token = (await anyone.post("/api/v1/kiosks/pair", json={"code": code})).json()["data"]["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await anyone.get(f"/api/v1/kiosks/{made['id']}", headers=bearer)).status_code == 200
    await admin.delete(f"/api/v1/kiosks/{made['id']}")
    assert (await anyone.get("/api/v1/kiosks", headers=bearer)).status_code == 401


async def test_a_screen_shows_only_faces_it_has_just_seen(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A portrait is there for who stood before its camera, not for who did not, nor for another kiosk's token."""
    now = parts.clock.now()
    camera = Camera(name="C", source="/x.mp4", kind="file", role="in", enabled=False)
    seen, unseen = Person(full_name="Seen"), Person(full_name="Unseen")
    await parts.objects.put("people/x/face.jpg", b"jpeg")
    async with parts.store.transaction() as session:
        session.add_all([camera, seen, unseen])
        await session.flush()
        for person in (seen, unseen):
            session.add(
                Photo(
                    person_id=person.id,
                    object_key="people/x/face.jpg",
                    portrait_key="people/x/face.jpg",
                    width=1,
                    height=1,
                    box=[],
                    quality={},
                )  # fmt: skip
            )
        session.add(
            Sighting(
                id=new_id(),
                camera_id=camera.id,
                person_id=seen.id,
                state="closed",
                started_at=now - timedelta(minutes=2),
                last_seen_at=now - timedelta(minutes=1),
            )  # fmt: skip
        )
    made = await kiosk(admin, cameraIds=[camera.id])
    other = await kiosk(admin, name="Other")
    code = (await admin.post(f"/api/v1/kiosks/{made['id']}/pairing-code")).json()["data"]["code"]
    token = (await admin.post("/api/v1/kiosks/pair", json={"code": code})).json()["data"]["token"]
    bearer = {"Authorization": f"Bearer {token}"}

    async def status(kiosk_id: object, person: Person) -> int:
        url = f"/api/v1/kiosks/{kiosk_id}/portraits/{person.id}.jpg"
        return (await admin.get(url, headers=bearer)).status_code

    assert await status(made["id"], seen) == 200
    assert await status(made["id"], unseen) == 404
    assert await status(other["id"], seen) == 403
    parts.clock.advance(600)  # type: ignore[attr-defined]
    assert await status(made["id"], seen) == 404
