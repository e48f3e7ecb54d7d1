"""The newest event of a volatile topic, for a reader that is not a WebSocket."""

import asyncio

import orjson
import pytest

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.hub import Hub
from server.events.latest import Latest
from server.events.limits import Reach
from server.store.event_log import TableLog

TOPIC = "cameras/one/tracks"


@pytest.fixture
def hub(log: TableLog) -> Hub:
    return Hub(log, MemoryBus(), SystemClock())


def show(hub: Hub, number: int, topic: str = TOPIC) -> None:
    hub.publish_volatile(topic, "tracks.updated", "cameras/one", {"cameraId": "one", "number": number})


async def test_the_newest_wins(hub: Hub) -> None:
    """What nobody took in time is skipped; each is given once."""
    with Latest(hub, TOPIC) as latest:
        for number in range(3):
            show(hub, number)
        message = orjson.loads(await latest.take())
        assert (message["type"], message["event"]["type"]) == ("event", "tracks.updated")
        assert message["event"]["data"]["number"] == 2
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await latest.take()
        show(hub, 3)
        assert orjson.loads(await latest.take())["event"]["data"]["number"] == 3


async def test_only_its_topic_and_only_inside_the_block(hub: Hub) -> None:
    """Nobody is followed before or after, and no other camera."""
    latest = Latest(hub, TOPIC)
    assert not hub.watched(TOPIC)
    with latest:
        assert hub.watched(TOPIC)
        show(hub, 1, "cameras/other/tracks")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await latest.take()
    assert not hub.watched(TOPIC)


async def test_within_the_limits_of_its_reader(hub: Hub) -> None:
    """Without names for who is limited to departments, and nothing of a camera out of reach."""
    with (
        Latest(hub, TOPIC, Reach(departments=frozenset())) as nameless,
        Latest(hub, TOPIC, Reach(cameras=frozenset())) as blind,
    ):
        tracks = [{"trackId": 1, "personId": "p", "name": "Ada"}]
        hub.publish_volatile(TOPIC, "tracks.updated", "cameras/one", {"cameraId": "one", "tracks": tracks})
        assert orjson.loads(await nameless.take())["event"]["data"]["tracks"][0]["name"] is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await blind.take()
