"""Subscribers who mean harm, or whose network is broken, beside good ones on one server."""

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.conversation import ConversationLimits
from server.events.feed import FeedLimits
from server.events.hub import Hub
from server.events.socket import SocketLimits
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import Door, Somebody, new_event, say, serving

EVENTS = 1000
AT_ONCE = 50
PADDING = "x" * 10_000  # more than the kernel keeps for somebody who does not read
ASKED_FOR = 10_000
ALLOWED = 64
AT_ONCE_ALLOWED = 256
LARGE = "x" * 10_000_000


@pytest.fixture
def hub(log: TableLog) -> Hub:
    return Hub(log, MemoryBus(), SystemClock(), limits=FeedLimits(behind=200, keep=256))


async def enter(client: ClientConnection, topic: str = "alerts") -> None:
    """Signs in and subscribes."""
    await client.send('{"type":"auth","token":"good"}')
    await client.send(orjson.dumps({"type": "subscribe", "id": 1, "topic": topic}), text=True)
    assert [orjson.loads(await client.recv())["type"] for _ in range(3)] == ["welcome", "ready", "subscribed"]


async def closed(client: ClientConnection) -> int | None:
    """Reads what is left; the close code."""
    try:
        while True:
            await client.recv()
    except ConnectionClosed:
        return client.close_code


async def listens(client: ClientConnection, offsets: list[int]) -> None:
    while len(offsets) < EVENTS:
        offsets.append(orjson.loads(await client.recv())["offset"])


async def tells(store: Store, log: TableLog, hub: Hub, *heard: list[int]) -> None:
    """As fast as the good ones take it, so that none of them is slow by itself."""
    for first in range(0, EVENTS, AT_ONCE):
        events = [new_event(number) for number in range(first, first + AT_ONCE)]
        await say(store, log, hub, *(replace(event, data=event.data | {"padding": PADDING}) for event in events))
        while min(map(len, heard)) < first + AT_ONCE:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def sends_too_much(url: str) -> None:
    """Is closed with the WebSocket's own code, before the message has been taken; or cut while it still sends."""
    for _ in range(3):
        async with connect(url) as client:
            await enter(client, "jobs")
            try:
                await client.send(LARGE)
            except ConnectionClosed:
                assert client.close_code in {1006, 1009}
            else:
                assert await closed(client) in {1006, 1009}


async def subscribes_without_end(url: str, over: asyncio.Event) -> None:
    """Has what everybody may have; the rest is refused, one by one and not faster than one may ask."""
    answers: list[str] = []

    async def asks(client: ClientConnection) -> None:
        for number in range(2, ASKED_FOR + 2):
            await client.send(orjson.dumps({"type": "subscribe", "id": number, "topic": "jobs"}), text=True)

    async with connect(url, close_timeout=1) as client, asyncio.TaskGroup() as tasks:
        await enter(client, "jobs")
        asking = tasks.create_task(asks(client))
        while not over.is_set() or len(answers) < AT_ONCE_ALLOWED + 20:
            answer = orjson.loads(await client.recv())
            answers.append(answer.get("code", answer["type"]))
        asking.cancel()
    assert answers.count("rate_limited") == 1
    answers.remove("rate_limited")
    assert answers == ["subscribed"] * (ALLOWED - 1) + ["too_many_subscriptions"] * (len(answers) - ALLOWED + 1)
    assert len(answers) < ASKED_FOR / 2


async def says_nothing(url: str) -> None:
    """Is a WebSocket, and never says who it is."""
    async with connect(url) as client:
        assert await closed(client) == 4501


async def test_hostile_ones_are_dealt_with_and_the_good_ones_hear_everything(
    store: Store, log: TableLog, hub: Hub
) -> None:
    """Each of them by its code, all at once; the good ones get every event once, in order."""
    heard: tuple[list[int], list[int]] = ([], [])
    limits = SocketLimits(close_s=10, conversation=ConversationLimits(auth_within_s=3.0, subscriptions=ALLOWED))
    async with (
        asyncio.timeout(60),
        serving(hub, Door(good=Somebody()), limits=limits) as url,
        connect(url) as one,
        connect(url) as other,
        connect(url, max_queue=1) as never_reads,
    ):
        for client in (one, other, never_reads):
            await enter(client)
        address = urlsplit(url)
        _, half_open = await asyncio.open_connection(address.hostname, address.port)
        half_open.write(b"GET /ws HTTP/1.1\r\nHost: local")
        async with asyncio.TaskGroup() as tasks:
            for client, offsets in zip((one, other), heard, strict=True):
                tasks.create_task(listens(client, offsets))
            over = asyncio.Event()
            tasks.create_task(subscribes_without_end(url, over))
            for hostile in (sends_too_much, says_nothing):
                tasks.create_task(hostile(url))
            await tells(store, log, hub, *heard)
            over.set()
        assert await closed(never_reads) == 4001
        half_open.close()
    assert heard == (list(range(1, EVENTS + 1)),) * 2
