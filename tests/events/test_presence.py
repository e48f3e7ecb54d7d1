"""Who is connected, at all servers of a site."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from types import SimpleNamespace

import orjson
import pytest

from server.bus.channels import Bus
from server.bus.memory import MemoryBus
from server.bus.redis import RedisBus
from server.clock import ManualClock, SystemClock
from server.events import presence as module
from server.events.presence import PRESENCE_CHANNEL, Presence, Present, Reader
from tests.events.scenes import Somebody

SINCE = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def present(number: int = 1, who: Somebody | None = None) -> Present:
    somebody = who or Somebody("ada")
    return Present.of(somebody, f"connection-{number}", SINCE, "192.0.2.7", "Browser/1", "websocket", number)


def ids(presence: Presence) -> list[list[str]]:
    return [[one.connection_id for one in server.present] for server in presence.servers()]


@asynccontextmanager
async def running(*those: Presence) -> AsyncIterator[list[asyncio.Task[None]]]:
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one.run()) for one in those]
        yield started
        for task in started:
            task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("who", "kind", "name"),
    [
        (Somebody("ada"), "user", "ada@example.com"),
        (Somebody("ada", key_id="k1"), "program", "ada@example.com"),
        (Somebody("door", kiosk_id="door"), "kiosk", "door@example.com"),
    ],
)
def test_what_it_is(who: Somebody, kind: str, name: str) -> None:
    """A user at a console, a program with a key, or a screen."""
    found = present(1, who)
    assert (found.kind, found.name, found.own_id, found.key_id) == (kind, name, who.id, who.key_id)


async def test_servers_know_of_one_another(buses: tuple[Bus, Bus]) -> None:
    """Of who comes, what changes, and who goes; also the one that began later."""
    one = Presence("one", buses[0], SystemClock(), name="alpha", settle_s=0.01)
    two = Presence("two", buses[1], SystemClock(), name="beta", settle_s=0.01)
    with one.having(Reader(present(1))):
        async with running(one) as first:
            async with running(two) as later:
                await until(lambda: ids(two) == [[], ["connection-1"]])
                [_, there] = two.servers()
                assert (there.name, there.present) == ("alpha", [present(1)])
                with two.having(Reader(present(2))):
                    await until(lambda: ids(one) == [["connection-1"], ["connection-2"]])
                await until(lambda: ids(one) == [["connection-1"], []])
                later[0].cancel()
                with suppress(asyncio.CancelledError):
                    await later[0]
                await until(lambda: len(one.servers()) == 1)  # it has said so when it was stopped
            assert not first[0].done()
    assert ids(one) == [[]]


def heard(presence: Presence, **said: object) -> None:
    presence._heard(orjson.loads(orjson.dumps({"name": "beta", "left_out": {}, "present": [], **said})))


def test_a_lost_server_is_forgotten_with_its_guests() -> None:
    """Nothing of it was to be tidied up by anybody."""
    clock = ManualClock()
    one = Presence("one", MemoryBus(), clock, beat_s=5)
    door = Somebody("door", kiosk_id="door")
    row = orjson.loads(orjson.dumps(asdict(present(1, door))))
    heard(one, id="two", present=[row])
    assert {kiosk: [p.connection_id for p in those] for kiosk, those in one.kiosks().items()} == {
        "door": ["connection-1"]
    }
    clock.advance(15)
    assert len(one.servers()) == 2  # a word or two may be lost
    clock.advance(2)
    assert ids(one) == [[]]
    heard(one, id="three")
    assert set(one._others) == {"three"}
    heard(one, id="one", present=[row])  # one's own words come back from some buses
    assert len(one.servers()) == 2


async def test_what_is_none_of_ours_is_passed_over() -> None:
    """The bus may carry words of another version."""
    bus = MemoryBus()
    one = Presence("one", bus, SystemClock(), settle_s=0.01)
    async with running(one):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for payload in (
            b"{",
            b"[]",
            b'{"id":"two","present":[],"name":"x","left_out":1}',
            b'{"id":"two","present":[{"surprise":1}],"name":"x","left_out":{}}',
        ):
            bus.publish(PRESENCE_CHANNEL, payload)
        bus.publish(PRESENCE_CHANNEL, orjson.dumps({"id": "three", "name": "x", "left_out": {}, "present": []}))
        await until(lambda: len(one.servers()) == 2)


async def test_so_many_are_told_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message on the bus is bounded: kiosks go first, for their screens are counted; others are at least counted."""
    monkeypatch.setattr(module, "MOST_TOLD", 2)
    bus = MemoryBus()
    crowded, other = (Presence(name, bus, SystemClock(), settle_s=0.01) for name in ("one", "two"))
    whom = [Somebody("ada"), Somebody("bob"), Somebody("cyd", key_id="k1"), Somebody("door", kiosk_id="door")]
    with ExitStack() as stack:
        for number, who in enumerate(whom):
            stack.enter_context(crowded.having(Reader(present(number, who))))
        async with running(other, crowded):
            await until(lambda: len(other.servers()) == 2)
            [_, there] = other.servers()
    assert [one.connection_id for one in there.present] == ["connection-3", "connection-0"]
    assert there.left_out == {"user": 1, "program": 1, "kiosk": 0}


async def test_two_lost_beats_do_not_make_a_server_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing changes it tells every `BEAT_S`, the time included in which it gathers what changes."""
    waits: list[float] = []

    async def sleep(wait_s: float) -> None:
        waits.append(wait_s)
        await asyncio.sleep(0)

    def timeout(wait_s: float) -> asyncio.Timeout:
        waits.append(wait_s)
        return asyncio.timeout(0)

    hurried = SimpleNamespace(TaskGroup=asyncio.TaskGroup, Event=asyncio.Event, sleep=sleep, timeout=timeout)
    monkeypatch.setattr(module, "asyncio", hurried)
    async with running(Presence("one", MemoryBus(), SystemClock())):
        await until(lambda: len(waits) >= 2)
    assert sum(waits[:2]) == module.BEAT_S
    assert 3 * module.BEAT_S < module.LOST_AFTER_BEATS * module.BEAT_S


def test_a_bus_that_is_away_keeps_the_newest_only() -> None:
    """Everything else that waits for Redis is worth more than who was here some beats ago."""
    bus = RedisBus("redis://127.0.0.1:1")
    one = Presence("one", bus, SystemClock())
    for _ in range(3):
        one._tell(one._here())
    one._tell(None)
    assert [orjson.loads(payload) for _, payload in bus._outgoing] == [{"id": "one"}]
