"""Stored snapshots over HTTP: taken, listed behind signed links, removed."""

from datetime import timedelta

import httpx
import numpy as np
import pytest

from server.parts import Parts
from server.pipeline.stills import Still

FORM = {"name": "Door", "kind": "push", "enabled": False}


@pytest.fixture
async def camera(parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that shows a grey picture."""
    made: str = (await admin.post("/api/v1/cameras", json=FORM)).json()["data"]["id"]

    async def still(camera_id: str) -> Still:
        return Still(parts.clock.now(), 64, 48, lambda: np.full((48, 64, 3), 90, np.uint8))

    monkeypatch.setattr(parts.cameras, "still", still)
    return made


async def test_taken_listed_and_removed(admin: httpx.AsyncClient, anyone: httpx.AsyncClient, camera: str) -> None:
    """The picture is there for whoever holds the link, and gone with its row."""
    url = f"/api/v1/cameras/{camera}/snapshots"
    answer = await admin.post(url, headers={"Idempotency-Key": "once-only-1"})
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"]
    assert (made["cameraId"], made["origin"], made["width"], made["height"]) == (camera, "request", 64, 48)
    again = await admin.post(url, headers={"Idempotency-Key": "once-only-1"})
    assert again.json()["data"]["id"] == made["id"]
    (listed,) = (await admin.get(url)).json()["data"]
    assert listed["id"] == made["id"]
    for link in (listed["url"], listed["thumbnailUrl"]):
        picture = await anyone.get(link)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert (await admin.delete(f"{url}/{made['id']}")).status_code == 204
    assert (await admin.get(url)).json()["meta"]["total"] == 0
    assert (await anyone.get(listed["url"])).status_code == 404
    assert (await admin.delete(f"{url}/{made['id']}")).json()["error"]["code"] == "snapshot_not_found"


async def test_within_a_time(parts: Parts, admin: httpx.AsyncClient, camera: str) -> None:
    url = f"/api/v1/cameras/{camera}/snapshots"
    await admin.post(url)
    now = parts.clock.now()
    for start, total in ((now, 1), (now + timedelta(seconds=1), 0)):
        assert (await admin.get(url, params={"from": start.isoformat()})).json()["meta"]["total"] == total


async def test_a_camera_without_a_picture(admin: httpx.AsyncClient) -> None:
    """503, and nothing is kept."""
    made = (await admin.post("/api/v1/cameras", json=FORM)).json()["data"]["id"]
    answer = await admin.post(f"/api/v1/cameras/{made}/snapshots")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "camera_offline")


async def test_a_schedule_is_a_field_of_the_camera(admin: httpx.AsyncClient) -> None:
    """From 0, which is none, to a day."""
    made = (await admin.post("/api/v1/cameras", json=FORM | {"snapshotEveryS": 60})).json()["data"]
    assert made["snapshotEveryS"] == 60
    url = f"/api/v1/cameras/{made['id']}"
    assert (await admin.put(url, json={"snapshotEveryS": 0})).json()["data"]["snapshotEveryS"] == 0
    assert (await admin.put(url, json={"snapshotEveryS": 86401})).status_code == 422
