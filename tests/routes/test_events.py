"""The stored events by plain HTTP: polled, and as a stream; who may, and how a stream ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
import orjson
import pytest
from sqlalchemy.exc import OperationalError

from server.clock import ManualClock
from server.errors import BadRequest
from server.parts import Parts
from server.routes.endpoint import Call
from server.routes.events import ASKED_AFTER_S, BEAT_AFTER_S, TopicQuery, stream_events
from tests.opened import client_of
from tests.pipeline.conftest import add_kiosk
from tests.routes.limited import build, limited_client
from tests.routes.test_alerts import raised

URL = "/api/v1/events"
LONG_S = 20.0


async def asked(client: httpx.AsyncClient, topic: str = "alerts", **query: object) -> dict[str, Any]:
    answer = await client.get(URL, params={"topic": topic} | cast(dict[str, Any], query))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def tell(parts: Parts, *kinds: str) -> None:
    for kind in kinds:
        await raised(parts, kind, "cameras/a")
    parts.hub.wake(["alerts"])


async def test_polled(parts: Parts, admin: httpx.AsyncClient) -> None:
    """From the newest on, each once and in order, with the place to go on from."""
    await tell(parts, "before")
    begun = await asked(admin)
    assert (begun["data"], begun["meta"]["recovered"]) == ([], True)
    await tell(parts, "one", "two", "three")
    first = await asked(admin, after=begun["meta"]["next"], limit=2)
    rest = await asked(admin, after=first["meta"]["next"], limit=2)
    told = first["data"] + rest["data"]
    assert [one["event"]["data"]["kind"] for one in told] == ["one", "two", "three"]
    assert [one["offset"] for one in told] == [2, 3, 4]
    assert {one["event"]["type"] for one in told} == {"alert.raised"}
    assert (await asked(admin, after=rest["meta"]["next"]))["data"] == []


async def test_a_history_that_is_gone_is_said(parts: Parts, admin: httpx.AsyncClient) -> None:
    """There is no third case between whole and refused."""
    await tell(parts, "one")
    head = (await asked(admin))["meta"]["next"]
    lost = await asked(admin, after="another-epoch:1")
    assert (lost["data"], lost["meta"]) == ([], {"next": head, "recovered": False})


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({}, 422, "topic"),
        ({"topic": "weather"}, 422, "There is no such topic."),
        ({"topic": "system/stats"}, 422, "not stored"),
        ({"topic": "alerts", "after": "57"}, 400, "EPOCH:OFFSET"),
        ({"topic": "alerts", "limit": 0}, 422, "limit"),
        ({"topic": "alerts", "colour": "red"}, 422, "colour"),
    ],
)
async def test_what_is_wrong_is_said(admin: httpx.AsyncClient, query: dict[str, Any], status: int, said: str) -> None:
    """By the name of what was sent."""
    answer = await admin.get(URL, params=query)
    assert answer.status_code == status
    assert said in answer.text


async def test_each_topic_has_its_permission(parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    """As on the WebSocket; a kiosk reads its own and no other."""
    made = await admin.post("/api/v1/api-keys", json={"name": "Payroll", "permissions": ["attendance:read"]})
    key = {"Authorization": f"Bearer {made.json()['data']['key']}"}
    assert (await viewer.get(URL, params={"topic": "sightings"})).status_code == 200
    async with client_of(parts, None) as program:
        assert (await program.get(URL, params={"topic": "attendance"}, headers=key)).status_code == 200
        refused = await program.get(URL, params={"topic": "sightings"}, headers=key)
        assert (refused.status_code, "sightings:read" in refused.text) == (403, True)
        assert (await program.get(URL, params={"topic": "attendance"})).status_code == 401


async def test_limits_pass_over(parts: Parts) -> None:
    """Whoever is limited to a department hears of its people; of a kiosk outside of their cameras, nothing."""
    house = await build(parts)
    kiosk = await add_kiosk(parts, house.yard)
    epoch = (await parts.hub.log.head("sightings")).epoch
    async with limited_client(parts, cameras=[house.door], departments=[house.night]) as limited:
        found = await asked(limited, "sightings", after=f"{epoch}:0")
        seen = [one["event"]["data"] for one in found["data"]]
        assert {one["cameraId"] for one in seen} == {house.door.id}
        assert {one["person"]["fullName"] for one in seen if one["person"]} == {"Ada"}
        assert found["meta"]["next"] == str(await parts.hub.log.head("sightings"))
        assert (await limited.get(URL, params={"topic": f"kiosks/{kiosk.id}"})).status_code == 403


@pytest.fixture
async def listening(parts: Parts) -> AsyncIterator[Parts]:
    """The hub runs, and nothing else of the server."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(parts.hub.run())
        yield parts
        running.cancel()


class Listener:
    """A stream as a browser's EventSource reads it."""

    def __init__(self, parts: Parts, client: httpx.AsyncClient, topic: str = "alerts", **headers: str) -> None:
        self._parts = parts
        self._token = client.headers["Authorization"].removeprefix("Bearer ")
        self._topic = topic
        self._headers = headers

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
        """Its messages; one without `data` is a beat, and says the place."""
        principal = await self._parts.access.by_token(self._token)
        request = cast(Any, SimpleNamespace(headers=self._headers, client=None))
        response = await stream_events.handler(Call(request, self._parts, principal), TopicQuery(topic=self._topic))
        assert response.media_type == "text/event-stream"
        try:
            yield self._messages(response.body_iterator)
        finally:
            await response.body_iterator.aclose()

    async def _messages(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, str]]:
        async for chunk in chunks:
            for message in chunk.decode().removesuffix("\n\n").split("\n\n"):
                yield dict(line.partition(": ")[::2] for line in message.split("\n"))


async def following(messages: AsyncIterator[dict[str, str]]) -> dict[str, str]:
    async with asyncio.timeout(LONG_S):
        return await anext(messages)


async def test_a_stream_goes_on_where_it_was(listening: Parts, admin: httpx.AsyncClient) -> None:
    """What was missed while away follows, and then what happens; the ids are places."""
    await tell(listening, "before")
    async with Listener(listening, admin).open() as messages:
        begun = await following(messages)
        assert (begun["event"], begun["retry"]) == ("subscribed", "2000")
        assert orjson.loads(begun["data"])["recovered"] is True
        await tell(listening, "one")
        one = await following(messages)
        assert orjson.loads(one["data"])["data"]["kind"] == "one"
        assert "event" not in one
    await tell(listening, "two", "three")
    async with Listener(listening, admin, **{"Last-Event-ID": one["id"]}).open() as messages:
        assert (await following(messages))["id"] == one["id"]
        missed = [await following(messages) for _ in range(2)]
        assert [orjson.loads(each["data"])["data"]["kind"] for each in missed] == ["two", "three"]
        await tell(listening, "four")
        assert orjson.loads((await following(messages))["data"])["data"]["kind"] == "four"


async def test_a_stream_says_that_history_is_gone(listening: Parts, admin: httpx.AsyncClient) -> None:
    """And goes on at the head; a place that is none is refused before it begins."""
    await tell(listening, "one")
    async with Listener(listening, admin, **{"Last-Event-ID": "other:7"}).open() as messages:
        begun = await following(messages)
        assert orjson.loads(begun["data"])["recovered"] is False
        assert begun["id"] == str(await listening.hub.log.head("alerts"))
    with pytest.raises(BadRequest):
        async with Listener(listening, admin, **{"Last-Event-ID": "seven"}).open():
            pass


async def test_a_stream_ends_with_the_session(listening: Parts, admin: httpx.AsyncClient) -> None:
    """At once, and nothing that is told afterwards comes through."""
    async with Listener(listening, admin).open() as messages:
        await following(messages)
        assert (await admin.post("/api/v1/auth/logout")).status_code == 204
        await tell(listening, "afterwards")
        async with asyncio.timeout(LONG_S):
            assert [one async for one in messages] == []


async def test_a_stream_ends_with_the_server(listening: Parts, admin: httpx.AsyncClient) -> None:
    """A server that stops does not wait for it."""
    async with Listener(listening, admin).open() as messages:
        await following(messages)
        listening.stopping.set()
        await tell(listening, "afterwards")
        async with asyncio.timeout(LONG_S):
            assert len([one async for one in messages]) <= 1


async def test_a_quiet_stream_beats(
    listening: Parts, admin: httpx.AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a client which has left is noticed; a database that is away does not end it."""

    async def away(_principal: object) -> bool:
        raise OperationalError("SELECT", {}, OSError("no connection"))

    monkeypatch.setattr(listening.access, "still_valid", away)
    monkeypatch.setattr("server.routes.events.ASKED_AFTER_S", ASKED_AFTER_S / 30)
    async with Listener(listening, admin).open() as messages:
        await following(messages)
        clock.advance(BEAT_AFTER_S + 1)
        assert await following(messages) == {"id": str(await listening.hub.log.head("alerts"))}
