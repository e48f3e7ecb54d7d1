"""Settings over HTTP: what an administrator changes holds at once, without a restart."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from server.clock import ManualClock
from server.parts import Parts
from server.routes.endpoint import Call
from server.routes.live import _publishing, _still_sees
from server.store.runtime import RuntimeState
from server.store.tables import Camera, Person
from tests.pipeline.conftest import add_camera, change, events_of

SETTINGS = "/api/v1/settings"
USUAL = {
    "cooldownS": 300, "secondPerson": False, "longestMinutes": 960, "offDay": "overtime", "holiday": "overtime",
}  # fmt: skip


async def changed(admin: httpx.AsyncClient, **parts: object) -> dict[str, dict[str, object]]:
    answer = await admin.put(SETTINGS, json=parts)
    assert answer.status_code == 200, answer.text
    data: dict[str, dict[str, object]] = answer.json()["data"]
    return data


@pytest.fixture
async def camera(parts: Parts) -> Camera:
    return await add_camera(parts, "Door", "in")


async def test_the_tree(admin: httpx.AsyncClient) -> None:
    """All settings with their defaults; what was read can be sent back in parts."""
    answer = await admin.get(SETTINGS)
    tree = answer.json()["data"]
    assert set(tree) == {"site", "attendance", "sightings", "retention", "features", "updatedAt"}
    assert tree["site"] == {"name": "Rollcall", "timezone": "UTC"}
    assert tree["attendance"] == USUAL
    assert tree["sightings"] == {"gapS": 10.0}
    assert tree["retention"] | {"eventsDays": 90, "eventsPerTopic": 1_000_000} == tree["retention"]
    assert tree["features"] == {"apiDocs": True, "liveVideo": True, "browserCameras": True, "consentFirst": False}
    after = await changed(admin, site={"name": "Works", "timezone": "Europe/Berlin"})
    assert after["site"] == {"name": "Works", "timezone": "Europe/Berlin"}
    assert after == (await admin.get(SETTINGS)).json()["data"]
    assert (await changed(admin))["site"] == tree["site"], "what is left out has its default"


@pytest.mark.parametrize(
    ("tree", "field"),
    [
        ({"site": {"timezone": "Mars/Olympus"}}, "site.timezone"),
        ({"attendance": {"cooldownS": -1}}, "attendance.cooldownS"),
        ({"sightings": {"gapS": "long"}}, "sightings.gapS"),
        ({"features": {"flying": True}}, "features.flying"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be(admin: httpx.AsyncClient, tree: dict[str, object], field: str) -> None:
    """By the name of the field, and nothing changes."""
    before = (await admin.get(SETTINGS)).json()["data"]
    answer = await admin.put(SETTINGS, json=tree)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert (await admin.get(SETTINGS)).json()["data"] == before


async def test_a_lost_update_is_refused(admin: httpx.AsyncClient) -> None:
    """Also the very first one."""
    tag = (await admin.get(SETTINGS)).headers["ETag"]
    sent = {"attendance": {"cooldownS": 1}}
    assert (await admin.put(SETTINGS, json=sent, headers={"If-Match": tag})).status_code == 200
    refused = await admin.put(SETTINGS, json={}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "edited_meanwhile")
    assert (await admin.get(SETTINGS)).json()["data"]["attendance"] == USUAL | {"cooldownS": 1}


async def test_a_change_is_told_once(admin: httpx.AsyncClient) -> None:
    """With what held before and after; the same again is no change."""
    await changed(admin, attendance={"cooldownS": 1})
    await changed(admin, attendance={"cooldownS": 1})
    [row] = (await admin.get("/api/v1/audit", params={"action": "settings.changed"})).json()["data"]
    assert (row["before"]["attendance"], row["after"]["attendance"]) == (USUAL, USUAL | {"cooldownS": 1})
    assert row["actor"]["name"] == "admin@example.com"


async def test_who_may(parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    """An administrator, and who was given the permission."""
    assert (await viewer.get(SETTINGS)).status_code == 403
    assert (await viewer.put(SETTINGS, json={})).status_code == 403


async def test_other_processes_follow(parts: Parts, admin: httpx.AsyncClient) -> None:
    """They read the same row."""
    other = RuntimeState(parts.store, parts.runtime.current)
    await other.load()
    await changed(admin, sightings={"gapS": 77})
    assert (await other.load()).sightings.gap_s == 77


async def test_the_cool_down(parts: Parts, admin: httpx.AsyncClient, camera: Camera, clock: ManualClock) -> None:
    """Counts for the next sighting."""
    async with parts.store.transaction() as session:
        person = Person(full_name="Ada")
        session.add(person)

    async def seen() -> int:
        await parts.recorder.record(camera.id, [change(camera, "recognized", clock.now(), person.id)], {})
        clock.advance(5)
        return len(await events_of(parts, "attendance"))

    assert [await seen(), await seen()] == [1, 1]
    await changed(admin, attendance={"cooldownS": 3})
    assert [await seen(), await seen()] == [2, 3]
    await changed(admin, attendance={"cooldownS": 300})
    assert await seen() == 3


async def test_the_time_zone(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Decides where the day began."""
    assert parts.midnight() == datetime(2026, 1, 5, tzinfo=UTC)
    await changed(admin, site={"timezone": "America/Los_Angeles"})
    assert parts.midnight() == datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=8)
    await changed(admin, site={"timezone": "Pacific/Auckland"})
    assert parts.midnight() == datetime(2026, 1, 5, tzinfo=UTC) - timedelta(hours=13)


async def test_features(parts: Parts, admin: httpx.AsyncClient, camera: Camera) -> None:
    """What is switched off is refused, and is there again when it is switched on."""
    sdp = {"Content-Type": "application/sdp"}
    path = f"/api/v1/cameras/{camera.id}"

    async def asked() -> dict[str, tuple[int, str]]:
        answers = {
            "whep": await admin.post(f"{path}/whep", content="v=0", headers=sdp),
            "mjpeg": await admin.get(f"{path}/mjpeg"),
            "whip": await admin.post(f"{path}/whip", content="v=0", headers=sdp),
        }
        return {name: (one.status_code, one.json()["error"]["code"]) for name, one in answers.items()}

    off = (403, "feature_off")
    assert off not in (await asked()).values()
    await changed(admin, features={"liveVideo": False})
    answers = await asked()
    assert (answers["whep"], answers["mjpeg"]) == (off, off)
    assert answers["whip"] != off
    await changed(admin, features={"browserCameras": False, "apiDocs": False})
    answers = await asked()
    assert answers["whip"] == off
    assert off not in (answers["whep"], answers["mjpeg"])
    assert (await admin.get("/docs")).status_code == 404
    await changed(admin)
    assert (await admin.get("/docs")).status_code == 200


async def test_who_watches_already_is_shown_out(parts: Parts, admin: httpx.AsyncClient, camera: Camera) -> None:
    """What goes on asks every few seconds whether it still may."""
    principal = await parts.access.by_token(admin.headers["Authorization"].removeprefix("Bearer "))
    call = Call(cast(Any, None), parts, principal)
    assert await _still_sees(call, camera.id)
    await changed(admin, features={"liveVideo": False})
    assert not await _still_sees(call, camera.id)
    assert await _still_sees(call, camera.id, _publishing)
    await changed(admin, features={"browserCameras": False})
    assert not await _still_sees(call, camera.id, _publishing)


async def test_the_name_of_the_site(admin: httpx.AsyncClient) -> None:
    """Stands on the pages."""
    await changed(admin, site={"name": "Works North"})
    assert "Works North" in (await admin.get("/kiosk")).text + (await admin.get("/docs")).text
