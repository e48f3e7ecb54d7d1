"""The Python client against a real hub: each event once and in order, whatever breaks between."""

import asyncio
import gc
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_type

import pytest
from rollcall_client import (
    Cursor,
    Event,
    NotAuthenticated,
    NotRollcall,
    Resync,
    RollcallError,
    RollcallEvents,
    SessionEnded,
    Subscription,
    SubscriptionRefused,
    Token,
    Unreachable,
    events,
    talk,
)
from rollcall_client.event_types import AlertsEvent, Attendance, AttendanceEvent, Refused
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.events.gate import Principal
from server.events.hub import Hub
from server.events.schema import CloseCode
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import Door, Somebody, new_event, say, serving
from tests.servers import free_port
from tests.silent_proxy import silent_proxy

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"

pytestmark = pytest.mark.timeout(60)


async def numbers(subscription: Subscription[AlertsEvent], count: int) -> list[object]:
    """What the next so many events say; nothing else comes between."""
    found: list[object] = []
    async with asyncio.timeout(20):
        async for item in subscription:
            assert isinstance(item, Event), item
            found.append(dict(item.data)["number"])
            if len(found) == count:
                break
    return found


async def next_of(subscription: Subscription[AlertsEvent]) -> AlertsEvent | Resync:
    async with asyncio.timeout(20):
        return await anext(subscription)


def end_all(hub: Hub, code: CloseCode = CloseCode.TOO_SLOW) -> None:
    for listener in tuple(hub.listeners):
        listener.end(code, "so that it comes back")


async def test_over_lost_connections(store: Store, log: TableLog, hub: Hub) -> None:
    """With a filter, each event that it passes comes once and in order; 4001 and 1012 are come back after."""
    async with (
        serving(hub, Door(good=Somebody())) as url,
        RollcallEvents(url, token="good") as client,
        client.subscribe("alerts", filter={"cameraId": "c1"}) as alerts,
    ):
        assert client.connected
        assert client.user["email"] == "ada@example.com"
        for number in range(30):
            await say(store, log, hub, new_event(number, camera=f"c{1 + number % 2}"))
            if number in {9, 19}:
                end_all(hub, CloseCode.TOO_SLOW if number == 9 else CloseCode.RESTARTING)
        assert await numbers(alerts, 15) == list(range(0, 30, 2))
        assert alerts.cursor is not None
        assert alerts.cursor.offset == 29


async def test_a_cursor_is_kept_between_two_programs(store: Store, log: TableLog, hub: Hub) -> None:
    """As text; of what was taken, not of what was only on its way."""
    async with serving(hub, Door(good=Somebody())) as url:
        async with RollcallEvents(url, api_key="good") as client, client.subscribe("alerts") as alerts:
            assert alerts.cursor == Cursor(await log.epoch(), 0)
            await say(store, log, hub, *(new_event(number) for number in range(5)))
            first = await next_of(alerts)
            assert isinstance(first, Event)
            kept = str(first.cursor)
        assert Cursor.parse(kept).offset == 1
        async with RollcallEvents(url, api_key="good") as client:
            assert await numbers(client.subscribe("alerts", since=kept), 4) == [1, 2, 3, 4]


async def test_a_place_is_kept_before_anything_happens(
    log: TableLog, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the program of the README: what happens after it has ended for the first time is missed by none."""
    (program,) = (one for one in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "KEPT" in one)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLCALL_KEY", "good")
    kept = tmp_path / "attendance.cursor"
    names: dict[str, Callable[[], Coroutine[None, None, None]]] = {}
    async with asyncio.timeout(20), serving(hub, Door(good=Somebody())) as url, asyncio.TaskGroup() as tasks:
        exec(program.replace("http://127.0.0.1:8000", url).replace("asyncio.run(main())", ""), names)
        running = tasks.create_task(names["main"]())
        while not kept.exists():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.02)
        running.cancel()
    assert Cursor.parse(kept.read_text()) == Cursor(await log.epoch(), 0)


async def test_history_that_is_lost_is_said(store: Store, log: TableLog, hub: Hub) -> None:
    """The state comes first where it was asked for; and again only where what was missed cannot be had."""
    asked: list[str] = []

    async def snapshots(topic: str, principal: Principal) -> dict[str, object]:
        asked.append(topic)
        return {"round": len(asked)}

    async with (
        serving(hub, Door(good=Somebody()), snapshots=snapshots) as url,
        RollcallEvents(url, token="good") as client,
        client.subscribe("alerts", snapshot=True) as alerts,
        client.subscribe("alerts") as plain,
    ):
        begun = await next_of(alerts)
        assert begun == Resync("alerts", True, {"round": 1}, Cursor(await log.epoch(), 0))
        end_all(hub)
        await say(store, log, hub, new_event(1))
        assert await numbers(alerts, 1) == await numbers(plain, 1) == [1]
        async with store.transaction() as session:
            await log.begin_epoch(session)
        head = Cursor(await log.epoch(), 0)
        lost = await next_of(alerts)
        assert isinstance(lost, Resync)
        assert (lost.recovered, lost.snapshot) == (False, {"round": 2})
        assert lost.cursor is not None
        assert lost.cursor.epoch == head.epoch
        assert (await next_of(plain)) == Resync("alerts", False, None, lost.cursor)
        await say(store, log, hub, new_event(2))
        assert await numbers(alerts, 1) == await numbers(plain, 1) == [2]


async def test_what_ends_it_is_raised(hub: Hub) -> None:
    """Where somebody iterates: a session that has ended, a token that is none, an address of something else."""
    door = Door(good=Somebody(), other=Somebody("bob"))
    routes = [Route("/elsewhere/ws", lambda request: PlainTextResponse("no"))]
    async with serving(hub, door, routes=routes) as url:
        async with RollcallEvents(url, token="good") as client, client.subscribe("alerts") as alerts:
            door.ended.add("ada")
            hub.revoked()
            with pytest.raises(SessionEnded) as ended:
                await next_of(alerts)
            assert ended.value.code == 4510
            with pytest.raises(SessionEnded):
                await client.subscribe("jobs").started()
        for token, address, error in (("bad", url, NotAuthenticated), ("other", url[:-2] + "elsewhere", NotRollcall)):
            async with RollcallEvents(address, token=token) as client:
                with pytest.raises(error):
                    await client.subscribe("alerts").started()
    async with RollcallEvents(f"ws://127.0.0.1:{free_port()}", token="good", give_up_after_s=0.1) as client:
        with pytest.raises(Unreachable):
            await client.subscribe("alerts").started()
    with pytest.raises(NotRollcall):
        RollcallEvents("rollcall.example", token="good")
    with pytest.raises(ValueError, match="Either"):
        RollcallEvents("http://rollcall.example")


async def test_one_topic_is_refused(store: Store, log: TableLog, hub: Hub) -> None:
    """To its reader alone: the others go on."""
    async with (
        serving(hub, Door(good=Somebody(permissions=["alerts:read"]))) as url,
        RollcallEvents(url, token="good") as client,
        client.subscribe("alerts") as alerts,
    ):
        for topic, code in (("sightings", "forbidden"), ("nonsense", "unknown_topic")):
            with pytest.raises(SubscriptionRefused) as refused:
                await client.subscribe(topic).started()
            assert (refused.value.topic, refused.value.code) == (topic, code)
        await say(store, log, hub, new_event(1))
        assert await numbers(alerts, 1) == [1]


async def test_a_new_token_before_the_old_one_runs_out(store: Store, log: TableLog, hub: Hub) -> None:
    """Inside the connection; one that cannot be had is asked for again, and after a 4002 it comes with the next one."""
    given: list[str] = []

    async def provider() -> Token:
        given.append(f"t{len(given)}")
        if len(given) == 2:
            raise OSError("away for a moment")
        return Token(given[-1], expires_in_s=0.3 if len(given) < 5 else None)

    expiring = [Somebody(expires_at=datetime.now(UTC) + timedelta(seconds=30)) for _ in range(8)]
    door = Door(**{f"t{number}": one for number, one in enumerate(expiring)})
    async with (
        serving(hub, door) as url,
        RollcallEvents(url, token=provider) as client,
        client.subscribe("alerts") as alerts,
    ):
        (connection,) = hub.listeners
        async with asyncio.timeout(20):
            while len(given) < 5:  # noqa: ASYNC110 - the provider is asked, which has no event
                await asyncio.sleep(0.02)
        await say(store, log, hub, new_event(1))
        assert await numbers(alerts, 1) == [1]
        assert list(hub.listeners) == [connection]
        end_all(hub, CloseCode.TOKEN_RAN_OUT)
        await say(store, log, hub, new_event(2))
        assert await numbers(alerts, 1) == [2]
        assert len(given) == 6


async def test_a_provider_that_gives_up(hub: Hub) -> None:
    """What it raises of ours ends it, while it is connected as well."""
    asked = 0

    async def provider() -> Token:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise RollcallError("signed out elsewhere")
        return Token("good", expires_in_s=0.05)

    async with serving(hub, Door(good=Somebody())) as url, RollcallEvents(url, token=provider) as client:
        alerts = client.subscribe("alerts")
        with pytest.raises(RollcallError, match="signed out elsewhere"):
            await next_of(alerts)


async def test_a_dead_peer_is_noticed(store: Store, log: TableLog, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 40 s as it is, within a moment here: nothing is heard of it any more, and the next connection goes on."""
    assert talk.PING_EVERY_S + talk.PONG_WITHIN_S <= 40
    monkeypatch.setattr(talk, "PING_EVERY_S", 0.1)
    monkeypatch.setattr(talk, "PONG_WITHIN_S", 0.3)
    monkeypatch.setattr(events, "OPEN_WITHIN_S", 0.5)
    monkeypatch.setattr(events, "CLOSE_WITHIN_S", 0.1)
    async with serving(hub, Door(good=Somebody())) as url:
        host, port = url.removeprefix("ws://").removesuffix("/ws").split(":")
        async with (
            silent_proxy(host, int(port)) as proxy,
            RollcallEvents(f"ws://127.0.0.1:{proxy.own_port}", token="good") as client,
            client.subscribe("alerts") as alerts,
        ):
            proxy.talks.clear()
            async with asyncio.timeout(20):
                while client.connected:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.02)
            await say(store, log, hub, new_event(1))
            proxy.talks.set()
            assert await numbers(alerts, 1) == [1]


async def test_a_slow_reader_holds_up_the_socket(store: Store, log: TableLog, hub: Hub) -> None:
    """No more than its queue waits here, whatever comes; nothing is lost by it."""
    async with (
        serving(hub, Door(good=Somebody())) as url,
        RollcallEvents(url, token="good", queue_size=4) as client,
        client.subscribe("alerts") as alerts,
    ):
        for first in range(0, 300, 100):
            await say(store, log, hub, *(new_event(number) for number in range(first, first + 100)))
        await numbers(alerts, 1)
        assert len(alerts._mailbox._items) <= 4
        assert await numbers(alerts, 299) == list(range(1, 300))


async def test_who_stops_reading_is_left(store: Store, log: TableLog, hub: Hub) -> None:
    """After `break` as after aclose(): what nobody holds any more does not hold up the others."""
    async with (
        serving(hub, Door(good=Somebody())) as url,
        RollcallEvents(url, token="good", queue_size=2) as client,
        client.subscribe("alerts") as alerts,
    ):
        other = await client.subscribe("alerts").started()
        feed = hub._feeds["alerts"]
        assert len(feed.followers) == 2
        await say(store, log, hub, *(new_event(number) for number in range(20)))
        assert await numbers(alerts, 20) == list(range(20))
        assert await numbers(other, 1) == [0]
        del other  # whose queue is full
        gc.collect()
        await say(store, log, hub, new_event(20))
        assert await numbers(alerts, 1) == [20]
        quiet = await client.subscribe("alerts", filter={"type": "alert.cleared"}).started()
        del quiet  # for which nothing comes
        gc.collect()
        async with asyncio.timeout(10):
            while len(feed.followers) > 1:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        await alerts.aclose()
        assert [item async for item in alerts] == []


async def test_the_newest_of_what_is_not_stored(hub: Hub) -> None:
    """Older ones are skipped, and counted."""
    topic = "cameras/c1/tracks"
    async with (
        serving(hub, Door(good=Somebody())) as url,
        RollcallEvents(url, token="good") as client,
        client.subscribe(topic) as tracks,
    ):
        for number in range(5):
            hub.publish_volatile(topic, "tracks.updated", "cameras/c1", {"cameraId": "c1", "number": number})
        async with asyncio.timeout(10):
            seen = 0
            while seen < 4:
                item = await anext(tracks)
                assert isinstance(item, Event)
                assert item.cursor is None
                assert item.data["number"] >= seen  # type: ignore[operator]
                seen = int(str(item.data["number"]))
                await asyncio.sleep(0.01)
        assert tracks.skipped <= 4


def typed(event: AttendanceEvent) -> None:
    """For mypy: the type of an event tells that of its data."""
    if event.type == "attendance.refused":
        assert_type(event.data, Refused)
    elif event.type == "attendance.checked_in":
        assert_type(event.data, Attendance)
