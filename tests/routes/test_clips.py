"""Clips over HTTP: listed behind signed links, within one's reach, removed."""

from datetime import timedelta

import httpx
import pytest

from server.parts import Parts
from server.store.tables import Clip
from tests.routes.limited import House, build, got, limited_client, refused

FORM = {"name": "Gate", "kind": "push", "enabled": False}


@pytest.fixture
async def house(parts: Parts) -> House:
    """With a clip of each sighting."""
    made = await build(parts)
    for minutes, (name, sighting_id) in enumerate(made.seen.items()):
        camera = made.door if name.startswith("Door") else made.yard
        await add(parts, camera.id, sighting_id, minutes)
    return made


async def add(parts: Parts, camera_id: str, sighting_id: str, minutes: float) -> Clip:
    row = Clip(
        camera_id=camera_id, sighting_id=sighting_id, started_at=parts.clock.now() + timedelta(minutes=minutes),
        duration_s=10.25, width=640, height=360, codec="h264", size_bytes=4, object_key=f"clips/{sighting_id}.mp4",
    )  # fmt: skip
    await parts.objects.put(row.object_key, b"film")
    async with parts.store.transaction() as session:
        session.add(row)
    return row


async def test_listed_and_removed(admin: httpx.AsyncClient, anyone: httpx.AsyncClient, house: House) -> None:
    """The film is there for whoever holds the link, and gone with its row; the audit says who removed it."""
    items, total = await got(admin, "clips")
    assert (total, len(items)) == (8, 8)
    times = [str(item["startedAt"]) for item in items]
    assert times == sorted(times, reverse=True)
    seen = house.seen["Door/Ada"]
    ((item,), _) = await got(admin, "clips", sightingId=seen)
    assert (item["cameraId"], item["sightingId"], item["durationS"], item["masked"]) == (
        house.door.id, seen, 10.25, False,
    )  # fmt: skip
    film = await anyone.get(str(item["url"]))
    assert (film.status_code, film.headers["content-type"], film.content) == (200, "video/mp4", b"film")
    url = f"/api/v1/clips/{item['id']}"
    assert (await admin.delete(url)).status_code == 204
    assert await refused(await admin.delete(url)) == (404, "clip_not_found")
    assert (await anyone.get(str(item["url"]))).status_code == 404
    (noted, *_), _ = await got(admin, "audit", action="clip.removed")
    assert (noted["resource"], noted["resourceId"]) == ("clips", item["id"])


async def test_filters(parts: Parts, admin: httpx.AsyncClient, house: House) -> None:
    now = parts.clock.now()
    assert (await got(admin, "clips", cameraId=house.yard.id))[1] == 4
    assert (await got(admin, "clips", **{"from": (now + timedelta(minutes=6)).isoformat()}))[1] == 2
    assert (await got(admin, "clips", to=(now + timedelta(minutes=1)).isoformat()))[1] == 1
    assert (await got(admin, "clips", cameraId="nowhere"))[1] == 0


async def test_who_is_limited_finds_only_their_own(parts: Parts, house: House) -> None:
    """By camera and by department, in the list as by the id."""
    async with limited_client(parts, cameras=[house.door]) as client:
        items, total = await got(client, "clips")
        assert {item["cameraId"] for item in items} == {house.door.id}
        assert total == 4
        assert (await got(client, "clips", cameraId=house.yard.id))[1] == 0
        assert (await got(client, "clips", sightingId=house.seen["Yard/Ada"]))[1] == 0
    async with limited_client(parts, departments=[house.night]) as client:
        items, _ = await got(client, "clips")
        assert {item["sightingId"] for item in items} == {
            house.seen[name] for name in ("Door/Ada", "Door/-", "Yard/Ada", "Yard/-")
        }
    async with limited_client(parts) as everything:
        ((other,), _) = await got(everything, "clips", sightingId=house.seen["Door/Bob"])
    async with limited_client(parts, departments=[house.night]) as client:
        assert await refused(await client.delete(f"/api/v1/clips/{other['id']}")) == (404, "clip_not_found")


async def test_whether_there_are_any_is_a_field_of_the_camera(admin: httpx.AsyncClient) -> None:
    """Off unless it is said."""
    made = (await admin.post("/api/v1/cameras", json=FORM)).json()["data"]
    assert made["clips"] is False
    url = f"/api/v1/cameras/{made['id']}"
    assert (await admin.put(url, json={"clips": True})).json()["data"]["clips"] is True
    assert (await admin.put(url, json={"name": "Gate 2"})).json()["data"]["clips"] is True
    assert (await admin.put(url, json={"clips": "perhaps"})).status_code == 422
