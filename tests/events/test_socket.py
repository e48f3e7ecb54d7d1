"""A real server, real clients: the whole protocol over a socket."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.conversation import ConversationLimits
from server.events.feed import FeedLimits
from server.events.gate import Principal
from server.events.hub import Hub
from server.events.pages import PAGE
from server.events.schema import SERVER_MESSAGES, NewEvent, StoredEvent
from server.events.socket import SocketLimits
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import AT, Door, Somebody, new_event, say, serving

ALERTS = {"type": "subscribe", "id": 1, "topic": "alerts"}


@pytest.fixture
def hub(log: TableLog) -> Hub:
    return Hub(log, MemoryBus(), SystemClock(), limits=FeedLimits(behind=200, keep=256))


@pytest.fixture(params=["framed", "plain"])
def framed(request: pytest.FixtureRequest) -> bool:
    """With our frames straight to the transport, and through any ASGI server's own messages."""
    return bool(request.param == "framed")


async def hear(client: ClientConnection) -> dict[str, Any]:
    """The next message, which must be one of the schema."""
    async with asyncio.timeout(5):
        text = await client.recv(decode=False)
    SERVER_MESSAGES.validate_json(text)
    found: dict[str, Any] = orjson.loads(text)
    return found


async def ask(client: ClientConnection, *messages: dict[str, object]) -> dict[str, Any]:
    for message in messages:
        await client.send(orjson.dumps(message).decode())
    return await hear(client)


async def enter(client: ClientConnection, token: str = "good") -> None:
    assert (await hear(client))["type"] == "welcome"
    assert (await ask(client, {"type": "auth", "token": token}))["type"] == "ready"


async def closed(client: ClientConnection) -> int:
    """Reads what is left; the close code."""
    async with asyncio.timeout(10):
        try:
            while True:
                await client.recv()
        except ConnectionClosed:
            assert client.close_code is not None
            return client.close_code


async def test_the_whole_conversation(store: Store, log: TableLog, hub: Hub, framed: bool) -> None:
    """Welcome, auth, ready, subscribed, what was missed, live, unsubscribed, pong: in the contract's order."""
    await say(store, log, None, *(new_event(number) for number in range(5)))
    epoch = await log.epoch()
    async with serving(hub, Door(good=Somebody()), framed=framed) as url:
        async with connect(url, subprotocols=[Subprotocol("rollcall.v1")]) as client:
            assert client.subprotocol == "rollcall.v1"
            await enter(client)
            answer = await ask(client, ALERTS | {"since": {"epoch": epoch, "offset": 3}})
            assert answer == {"type": "subscribed", "id": 1, "topic": "alerts", "epoch": epoch, "offset": 5,
                              "recovered": True}  # fmt: skip
            await say(store, log, hub, new_event(5))
            places = [(message["offset"], message["previous"]) for message in [await hear(client) for _ in range(3)]]
            assert places == [(4, 3), (5, 4), (6, 5)]
            assert await ask(client, {"type": "unsubscribe", "id": 1}) == {"type": "unsubscribed", "id": 1}
            await say(store, log, hub, new_event(6))
            assert await ask(client, {"type": "ping"}) == {"type": "pong"}
        async with connect(url) as client:
            assert client.subprotocol is None


async def test_a_filter_keeps_its_chain(store: Store, log: TableLog, hub: Hub, framed: bool) -> None:
    """`previous` names the event before it in this subscription, from the head at the beginning."""
    await say(store, log, None, new_event(0))
    async with serving(hub, Door(good=Somebody()), framed=framed) as url, connect(url) as client:
        await enter(client)
        await ask(client, ALERTS | {"filter": {"cameraId": "c2"}})
        for number in range(9):
            await say(store, log, hub, new_event(number, camera=f"c{number % 3}"))
        heard = [await hear(client) for _ in range(3)]
        assert [(message["offset"], message["previous"]) for message in heard] == [(4, 1), (7, 4), (10, 7)]


async def test_errors_leave_the_connection_open(hub: Hub, framed: bool) -> None:
    """A wrong message, a forbidden topic, an unknown one, bytes."""
    door = Door(good=Somebody(permissions=["jobs:read"]))
    async with serving(hub, door, framed=framed) as url, connect(url) as client:
        await enter(client)
        assert (await ask(client, ALERTS))["code"] == "forbidden"
        assert (await ask(client, {"type": "subscribe", "id": 2, "topic": "people"}))["code"] == "unknown_topic"
        assert (await ask(client, {"type": "dance"}))["code"] == "bad_request"
        await client.send(b"bytes")
        assert (await hear(client))["code"] == "bad_request"
        assert (await ask(client, {"type": "subscribe", "id": 3, "topic": "jobs"}))["type"] == "subscribed"


async def test_close_codes_arrive(hub: Hub, framed: bool) -> None:
    """Each reason has its own, after the accept."""
    limits = SocketLimits(conversation=ConversationLimits(auth_within_s=0.2, bad_messages=3))
    short = Somebody("short", expires_at=SystemClock().now() + timedelta(seconds=0.4))
    door = Door(good=Somebody(), short=short, revoked=Somebody("revoked"))
    async with serving(hub, door, framed=framed, limits=limits) as url:
        async with connect(url) as client:
            assert await closed(client) == 4501
        async with connect(url) as client:
            await client.send('{"type":"auth","token":"wrong"}')
            assert await closed(client) == 4501
        async with connect(url, additional_headers={"Cookie": "session=good"}, origin="http://evil") as client:  # type: ignore[arg-type]
            assert await closed(client) == 4503
        async with connect(url + "?ticket=used") as client:
            assert await closed(client) == 4501
        async with connect(url) as client:
            await enter(client, "short")
            assert await closed(client) == 4002
        async with connect(url) as client:
            await enter(client)
            for _ in range(4):
                await client.send("{")
            assert await closed(client) == 4520
        async with connect(url) as client:
            await enter(client, "revoked")
            door.ended.add("revoked")
            assert await closed(client) == 4510


async def test_cookie_and_ticket_let_in_without_a_message(hub: Hub) -> None:
    """Ready follows welcome; a ticket counts once."""
    door = Door(good=Somebody(), once=Somebody("bob"))
    async with serving(hub, door) as url:
        async with connect(url, additional_headers={"Cookie": "session=good"}, origin="http://localhost") as client:  # type: ignore[arg-type]
            assert [(await hear(client))["type"] for _ in range(2)] == ["welcome", "ready"]
        async with connect(url + "?ticket=once") as client:
            assert [(await hear(client))["type"] for _ in range(2)] == ["welcome", "ready"]
        async with connect(url + "?ticket=once") as client:
            assert await closed(client) == 4501


async def test_a_revocation_is_minded_at_once(hub: Hub) -> None:
    """Not only when the gate is asked the next time."""
    door = Door(good=Somebody())
    async with serving(hub, door) as url, connect(url) as client:
        await enter(client)
        door.ended.add("ada")
        hub.revoked()
        assert await closed(client) == 4510


@pytest.mark.parametrize("way", ["token", "cookie", "ticket"])
async def test_a_gate_that_hangs_does_not_keep_the_deadline(hub: Hub, way: str) -> None:
    """It ends in time all the same; with 1012, for whoever said who they are in time is to come back."""
    door = Door(good=Somebody())
    door.slow_s = 60
    limits = SocketLimits(conversation=ConversationLimits(auth_within_s=0.2 if way != "token" else 2.0))
    headers = {"Cookie": "session=good"} if way == "cookie" else None
    query = "?ticket=good" if way == "ticket" else ""
    async with (
        serving(hub, door, limits=limits) as url,
        connect(url + query, additional_headers=headers, origin="http://localhost") as client,  # type: ignore[arg-type]
    ):
        if way == "token":
            await client.send('{"type":"auth","token":"good"}')
        assert await closed(client) == 1012


async def test_a_snapshot_comes_before_what_happens_after_it(store: Store, log: TableLog, hub: Hub) -> None:
    """Events that happen while it is read follow it: no gap. One that fails is an error, and the id is free again."""
    calls = 0

    async def snapshots(topic: str, principal: Principal) -> dict[str, object]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("database away")
        await say(store, log, hub, new_event(1))
        await asyncio.sleep(0.1)
        return {"topic": topic, "for": principal.id}

    async with serving(hub, Door(good=Somebody()), snapshots=snapshots) as url, connect(url) as client:
        await enter(client)
        assert (await ask(client, ALERTS | {"snapshot": True}))["code"] == "unavailable"
        answer = await ask(client, ALERTS | {"snapshot": True})
        assert (answer["offset"], answer["snapshot"]) == (0, {"topic": "alerts", "for": "ada"})
        assert (await hear(client))["offset"] == 1


async def test_a_slow_reader_is_closed_and_comes_back_without_loss(
    store: Store, log: TableLog, hub: Hub, framed: bool
) -> None:
    """4001; with its cursor it then has every event once, in order. A reader beside it notices nothing."""
    count = 3000
    async with serving(hub, Door(good=Somebody()), framed=framed, limits=SocketLimits(close_s=10)) as url:
        async with connect(url, max_queue=1) as slow, connect(url) as fast:
            heard: dict[str, list[int]] = {"slow": [], "fast": []}

            async def read_all() -> None:
                while len(heard["fast"]) < count:
                    heard["fast"].append((await hear(fast))["offset"])

            await enter(slow)
            await enter(fast)
            epoch = (await ask(slow, ALERTS))["epoch"]
            await ask(fast, ALERTS)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(read_all())
                for first in range(0, count, 100):
                    data: dict[str, object] = {"padding": "x" * 8_000}
                    await say(store, log, hub, *(_heavy(number, data) for number in range(first, first + 100)))
                    while len(heard["fast"]) < first + 100:  # noqa: ASYNC110 - the fast one keeps up, the slow one does not
                        await asyncio.sleep(0.005)
            try:
                while True:
                    heard["slow"].append((await hear(slow))["offset"])
            except ConnectionClosed:
                assert slow.close_code == 4001
        assert heard["fast"] == list(range(1, count + 1))
        assert len(heard["slow"]) < count
        async with connect(url, max_size=None) as again:
            await enter(again)
            answer = await ask(again, ALERTS | {"since": {"epoch": epoch, "offset": heard["slow"][-1]}})
            assert answer["recovered"]
            while len(heard["slow"]) < count:
                heard["slow"].append((await hear(again))["offset"])
        assert heard["slow"] == heard["fast"]


def _heavy(number: int, data: dict[str, object]) -> Any:
    event = new_event(number)
    event.data.update(data)
    return event


async def test_a_client_that_takes_nothing_at_all_is_cut(store: Store, log: TableLog, hub: Hub) -> None:
    """Not even the close frame goes through: the server does not keep the connection."""
    limits = SocketLimits(close_s=0.2)
    async with serving(hub, Door(good=Somebody()), limits=limits) as url, connect(url, max_queue=1) as client:
        await enter(client)
        await ask(client, ALERTS)
        for _ in range(20):
            await say(store, log, hub, *(_heavy(number, {"padding": "x" * 20_000}) for number in range(50)))
        async with asyncio.timeout(5):
            while hub.listeners:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.05)
        assert await closed(client) in {1006, 4001}


async def test_volatile_events_come_without_a_place(hub: Hub, framed: bool) -> None:
    """Neither offset nor previous nor epoch."""
    async with serving(hub, Door(good=Somebody()), framed=framed) as url, connect(url) as client:
        await enter(client)
        topic = "cameras/c1/tracks"
        assert await ask(client, {"type": "subscribe", "id": 5, "topic": topic}) == {
            "type": "subscribed",
            "id": 5,
            "topic": topic,
        }
        hub.publish_volatile(topic, "tracks.updated", "cameras/c1", {"cameraId": "c1", "tracks": []})
        message = await hear(client)
        assert set(message) == {"type", "id", "event"}
        assert message["event"]["type"] == "tracks.updated"


@pytest.fixture
async def clients() -> AsyncIterator[list[ClientConnection]]:
    opened: list[ClientConnection] = []
    yield opened
    for client in opened:
        await client.close()


async def test_the_server_stops_with_clients_connected(hub: Hub, framed: bool, clients: list[ClientConnection]) -> None:
    """Within the time, also where one of them has gone without a word; the others are told 1012."""
    async with asyncio.timeout(10):
        async with serving(hub, Door(good=Somebody()), framed=framed) as url:
            for _ in range(3):
                clients.append(await connect(url))
            await enter(clients[0])
            await enter(clients[1])
            clients[1].transport.abort()
        assert await closed(clients[0]) == 1012
        assert await closed(clients[2]) == 1012
    assert not hub.listeners


async def test_a_refreshed_token_goes_on_without_a_break(store: Store, log: TableLog, hub: Hub) -> None:
    """The subscription lives on past the end of the first token."""
    first = Somebody(expires_at=SystemClock().now() + timedelta(seconds=0.4))
    async with serving(hub, Door(first=first, second=Somebody())) as url, connect(url) as client:
        await enter(client, "first")
        await ask(client, ALERTS)
        assert (await ask(client, {"type": "auth", "token": "second"}))["type"] == "ready"
        await asyncio.sleep(0.6)
        await say(store, log, hub, new_event(1))
        assert (await hear(client))["offset"] == 1


async def test_limits_hold_on_a_socket(store: Store, log: TableLog, hub: Hub, framed: bool) -> None:
    """Events out of reach are left out without a gap in the chain, also of what was missed; kiosks by their cameras."""
    told = [new_event(number, topic="cameras", kind="camera.online") for number in range(4)]
    events = [replace(event, data={"id": f"c{number % 2}"}) for number, event in enumerate(told)]
    await say(store, log, None, *events[:2])
    epoch = await log.epoch()
    limited = Somebody("limited", only_cameras=frozenset({"c1"}))
    door = Door(good=limited)
    door.kiosks = {"own": {"c1"}, "other": {"c1", "c2"}}
    async with serving(hub, door, framed=framed) as url, connect(url) as client:
        await enter(client)
        cameras = {"type": "subscribe", "id": 1, "topic": "cameras", "since": {"epoch": epoch, "offset": 0}}
        assert (await ask(client, cameras))["offset"] == 2
        await say(store, log, hub, *events[2:])
        heard = [await hear(client) for _ in range(2)]
        assert [(message["offset"], message["previous"]) for message in heard] == [(2, 0), (4, 2)]
        for kiosk, answer in (("other", "error"), ("nowhere", "error"), ("own", "subscribed")):
            assert (await ask(client, {"type": "subscribe", "id": 2, "topic": f"kiosks/{kiosk}"}))["type"] == answer


async def test_a_new_token_with_other_limits(store: Store, log: TableLog, hub: Hub, framed: bool) -> None:
    """What is followed goes on within those."""
    door = Door(good=Somebody(), narrow=Somebody(only_cameras=frozenset({"c1"})))
    async with serving(hub, door, framed=framed) as url, connect(url) as client:
        await enter(client)
        await ask(client, {"type": "subscribe", "id": 1, "topic": "cameras"})
        assert (await ask(client, {"type": "auth", "token": "narrow"}))["type"] == "ready"
        for number in range(2):
            event = new_event(number, topic="cameras", kind="camera.online")
            await say(store, log, hub, replace(event, data={"id": f"c{number}"}))
        assert (await hear(client))["event"]["data"]["id"] == "c1"


async def test_somebody_elses_token_gives_nothing(store: Store, log: TableLog, hub: Hub) -> None:
    """It is refused, and what one hears of stays what it was: neither more nor less."""
    door = Door(good=Somebody(only_cameras=frozenset({"c1"})), other=Somebody("eve"))
    async with serving(hub, door) as url, connect(url) as client:
        await enter(client)
        await ask(client, {"type": "subscribe", "id": 2, "topic": "sightings"})
        assert (await ask(client, {"type": "auth", "token": "other"}))["code"] == "forbidden"
        seen = NewEvent("sightings", "sighting.recognized", "cameras/c2", {"id": "s", "cameraId": "c2"}, AT)
        await say(store, log, hub, seen, replace(seen, source="cameras/c1", data={"id": "t", "cameraId": "c1"}))
        assert (await hear(client))["event"]["data"]["id"] == "t"


class HeldPages(TableLog):
    """Reads when the test says so."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def read(self, topic: str, after: int, limit: int) -> list[StoredEvent]:
        if limit == PAGE and after == 0:
            self.asked.set()
            await self.may_answer.wait()
        return await super().read(topic, after, limit)


async def test_what_is_given_up_while_it_is_read_is_over(store: Store) -> None:
    """Nothing follows `unsubscribed`, also where a page of what was missed is on its way."""
    log = HeldPages(store)
    await say(store, log, None, *(new_event(number) for number in range(600)))
    hub = Hub(log, MemoryBus(), SystemClock())
    async with serving(hub, Door(good=Somebody())) as url, connect(url) as client:
        await enter(client)
        await ask(client, ALERTS | {"since": {"epoch": await log.epoch(), "offset": 0}})
        await log.asked.wait()
        assert await ask(client, {"type": "unsubscribe", "id": 1}) == {"type": "unsubscribed", "id": 1}
        log.may_answer.set()
        await asyncio.sleep(0.1)
        assert await ask(client, {"type": "ping"}) == {"type": "pong"}
