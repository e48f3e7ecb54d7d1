"""What an operator learns of the installation: how it is set up, how it does, who is connected."""

from contextlib import ExitStack
from importlib.metadata import version

import httpx
import orjson

from server.access.principal import Principal
from server.events.presence import Present, Reader
from server.parts import Parts
from server.settings import Settings
from server.wire import rfc3339
from tests.opened import client_of
from tests.pipeline.conftest import add_kiosk
from tests.routes.limited import build, limited_client

URL = "/api/v1/system"


async def test_what_is_installed(admin: httpx.AsyncClient, parts: Parts) -> None:
    """What belongs into a report of a bug; the addresses and secrets of the settings do not."""
    answer = await admin.get(f"{URL}/info")
    found = answer.json()["data"]
    assert (found["version"], found["server"]["id"]) == (version("rollcall"), parts.hub.origin)
    assert found["database"]["kind"] == ("sqlite" if parts.store.is_sqlite else "postgresql")
    assert found["database"]["revision"]
    assert found["database"]["version"].count(".") >= 1
    assert [one["role"] for one in found["models"]] == ["detector", "embedder"]
    assert {one["provider"] for one in found["models"]} <= set(found["providers"])
    assert found["features"]["liveVideo"] is True
    assert (found["runsCameras"], found["compresses"], found["servers"]) == (True, True, 1)
    assert "packages" in found
    assert "av" in found["packages"]
    secret = (Settings().data_dir.name, "redis://", "sqlite+aiosqlite", "postgresql+asyncpg", str(parts.store.url))
    assert not [word for word in secret if word in answer.text]


async def test_how_it_does(admin: httpx.AsyncClient, parts: Parts) -> None:
    """What has happened is in it; asking for it is a request, too."""
    parts.metrics.batch("detect", 4, 0.01, 0.03)
    await admin.get("/health/live")
    found = (await admin.get(f"{URL}/stats")).json()["data"]
    assert set(found) == {"server", "windowS", "cameras", "frames", "batches", "queues", "latencies"}
    assert found["batches"]["detect"]["meanSize"] == 4
    assert found["latencies"]["request"]["count"] >= 1
    assert found["server"]["startedAt"]


def guest(parts: Parts, name: str, *, kiosk_id: str | None = None, key_id: str | None = None) -> Reader:
    who = Principal(
        user_id=kiosk_id or name, email=f"{name}@example.com", full_name=name, role="", permissions=frozenset(),
        session_id=None, expires_at=None, kiosk_id=kiosk_id, key_id=key_id,
    )  # fmt: skip
    parts.clock.advance(1)  # type: ignore[attr-defined]
    return Reader(Present.of(who, f"c-{name}", parts.clock.now(), "192.0.2.7", "Browser/1", "websocket", 2))


async def test_who_is_connected(admin: httpx.AsyncClient, parts: Parts) -> None:
    """Newest first, by kind, a program by its key's name; the address for whoever may read the audit."""
    made = await admin.post("/api/v1/api-keys", json={"name": "Payroll", "permissions": ["attendance:read"]})
    house = await build(parts)
    door, yard = await add_kiosk(parts, house.door), await add_kiosk(parts, house.yard)
    guests = [
        guest(parts, "Ada"), guest(parts, "Key", key_id=made.json()["data"]["id"]),
        guest(parts, "Door", kiosk_id=door.id), guest(parts, "Yard", kiosk_id=yard.id),
    ]  # fmt: skip
    with ExitStack() as stack:
        for one in guests:
            stack.enter_context(parts.presence.having(one))
        found = (await admin.get(f"{URL}/presence")).json()
        assert [one["name"] for one in found["data"]] == ["Yard", "Door", "Payroll", "Ada"]
        assert found["meta"]["total"] == 4
        assert {one["address"] for one in found["data"]} == {"192.0.2.7"}
        screens = (await admin.get(f"{URL}/presence", params={"kind": "kiosk", "pageSize": 1})).json()
        assert ([one["kioskId"] for one in screens["data"]], screens["meta"]["total"]) == ([yard.id], 2)
        async with limited_client(parts, cameras=[house.door]) as limited:
            seen = (await limited.get(f"{URL}/presence")).json()["data"]
        assert [one["name"] for one in seen] == ["Door", "Payroll", "Ada"]
    assert (await admin.get(f"{URL}/presence")).json()["data"] == []


async def test_nobody_learns_here_what_they_may_not_ask_elsewhere(admin: httpx.AsyncClient, parts: Parts) -> None:
    """Without `users:read` who it is, with which browser; whose keys one may not see which."""
    made = await admin.post("/api/v1/api-keys", json={"name": "Payroll", "permissions": ["attendance:read"]})
    key_id = made.json()["data"]["id"]
    house = await build(parts)
    door = await add_kiosk(parts, house.door)
    async with client_of(parts, "Operator") as operator:
        own_id = (await operator.get("/api/v1/auth/me")).json()["data"]["id"]
        guests = [
            guest(parts, "Ada"), guest(parts, "Key", key_id=key_id), guest(parts, "Door", kiosk_id=door.id),
            guest(parts, own_id), guest(parts, own_id, key_id=key_id),
        ]  # fmt: skip
        with ExitStack() as stack:
            for one in guests:
                stack.enter_context(parts.presence.having(one))
            seen = (await operator.get(f"{URL}/presence")).json()["data"][::-1]
            assert {(one["address"], one["subscriptions"]) for one in seen} == {(None, 2)}
            names = ("kind", "userId", "kioskId", "keyId", "name", "userAgent")
            assert [tuple(one[name] for name in names) for one in seen] == [
                ("user", None, None, None, None, None),
                ("program", None, None, None, None, None),
                ("kiosk", None, door.id, None, "Door", "Browser/1"),
                ("user", own_id, None, None, own_id, "Browser/1"),
                ("program", own_id, None, key_id, "Payroll", "Browser/1"),
            ]
            grant = {"name": "Reader", "permissions": ["system:read", "users:read", "keys:read"]}
            await admin.post("/api/v1/roles", json=grant)
            async with limited_client(parts, role="Reader") as reader:
                seen = (await reader.get(f"{URL}/presence")).json()["data"][::-1]
            assert [tuple(one[name] for name in names) for one in seen][:3] == [
                ("user", "Ada", None, None, "Ada", "Browser/1"),
                ("program", "Key", None, None, "Key", "Browser/1"),
                ("kiosk", None, None, None, None, None),
            ]


async def test_those_who_were_not_told_are_counted(admin: httpx.AsyncClient, parts: Parts) -> None:
    """A crowded server tells of others only how many they are; which kiosks those are nobody knows here."""
    house = await build(parts)
    said: dict[str, object] = {"id": "two", "name": "beta", "present": [], "left_out": {"user": 3, "kiosk": 2}}
    parts.presence._heard(said)

    async def total(client: httpx.AsyncClient, **query: str) -> int:
        found: int = (await client.get(f"{URL}/presence", params=query)).json()["meta"]["total"]
        return found

    assert [await total(admin), await total(admin, kind="kiosk"), await total(admin, kind="program")] == [5, 2, 0]
    async with limited_client(parts, cameras=[house.door]) as limited:
        assert await total(limited) == 3


async def test_a_stream_is_somebody_connected(admin: httpx.AsyncClient, parts: Parts) -> None:
    """As a WebSocket is."""
    from tests.routes.test_events import Listener

    async with Listener(parts, admin).open() as messages:
        await anext(messages)
        [one] = (await admin.get(f"{URL}/presence")).json()["data"]
        assert (one["kind"], one["transport"], one["name"]) == ("user", "stream", "Admin One")
    assert orjson.loads((await admin.get(f"{URL}/presence")).content)["data"] == []


async def test_a_kiosk_says_whether_its_screen_is_connected(admin: httpx.AsyncClient, parts: Parts) -> None:
    """In the list and by itself, also to those who may not read the system; what is kept in the audit does not."""
    house = await build(parts)
    door, yard = await add_kiosk(parts, house.door), await add_kiosk(parts, house.yard)
    first, second = guest(parts, "Door", kiosk_id=door.id), guest(parts, "Door", kiosk_id=door.id)
    with parts.presence.having(second), parts.presence.having(first):
        async with client_of(parts, "Viewer") as viewer:
            listed = (await viewer.get("/api/v1/kiosks")).json()["data"]
        told = {one["id"]: (one["screens"], one["screenSince"]) for one in listed}
        assert told == {door.id: (2, rfc3339(first.who.since)), yard.id: (0, None)}
    found = (await admin.get(f"/api/v1/kiosks/{door.id}")).json()["data"]
    assert (found["screens"], found["screenSince"]) == (0, None)


class Asked:
    """A guest who counts how often they are asked."""

    times = 0

    def present(self) -> None:
        self.times += 1


async def test_a_list_of_kiosks_looks_at_the_connections_once(admin: httpx.AsyncClient, parts: Parts) -> None:
    """However many kiosks are in it."""
    house = await build(parts)
    for camera in (house.door, house.yard):
        await add_kiosk(parts, camera)
    somebody = Asked()
    with parts.presence.having(somebody):
        assert len((await admin.get("/api/v1/kiosks")).json()["data"]) == 2
    assert somebody.times == 1
