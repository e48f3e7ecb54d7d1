"""The socket while the database is away: who listens and who comes is told to come back, and nothing crashes."""

import asyncio
from typing import Any

import orjson
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from server.events import keeper
from server.events.hub import Hub
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import Door, Somebody, new_event, say, serving
from tests.events.test_socket import ALERTS, ask, closed, enter, hear
from tests.events.test_socket import hub as hub


async def test_a_database_that_is_away_for_a_moment(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether somebody may go on listening is asked again; whoever cannot be asked about for long comes back later."""
    monkeypatch.setattr(keeper, "ANSWER_WITHIN_S", 1.0)
    door = Door(good=Somebody())
    async with serving(hub, door) as url:
        async with connect(url) as client:
            await enter(client)
            door.failures = 2
            hub.revoked()
            assert (await ask(client, {"type": "ping"}))["type"] == "pong"
            while door.failures:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)
            door.ended.add("ada")
            assert await closed(client) == 4510
        door.ended.clear()
        async with connect(url) as client:
            await enter(client)
            door.failures = 1000
            hub.revoked()
            assert await closed(client) == 1012


@pytest.mark.parametrize("way", ["token", "cookie", "ticket"])
async def test_who_comes_while_the_database_is_away(hub: Hub, way: str) -> None:
    """Is told to come back, and that is no fault of ours with a traceback in the log."""
    door = Door(good=Somebody())
    door.failures = 1000
    query = "?ticket=good" if way == "ticket" else ""
    headers = {"Cookie": "session=good"} if way == "cookie" else None
    with capture_logs() as lines:
        async with (
            serving(hub, door) as url,
            connect(url + query, additional_headers=headers, origin="http://localhost") as client,  # type: ignore[arg-type]
        ):
            if way == "token":
                await client.send('{"type":"auth","token":"good"}')
            assert await closed(client) == 1012
    assert [(line["event"], line["log_level"]) for line in lines] == [("database_unavailable", "warning")]


async def test_who_is_far_behind_while_the_database_is_away(
    store: Store, log: TableLog, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log cannot be read, so it is told to come back, with its cursor."""
    async with serving(hub, Door(good=Somebody())) as url, connect(url) as client:
        await enter(client)
        place = await ask(client, ALERTS)
        await say(store, log, hub, *[new_event(number) for number in range(3)])
        for offset in (1, 2, 3):
            assert (await hear(client))["offset"] == offset
        hub.rewritten()  # nothing is in memory any more

        async def away(_self: TableLog, *_arguments: Any) -> Any:
            raise OperationalError("SELECT", None, OSError("connection refused"))

        monkeypatch.setattr(TableLog, "read", away)
        since = {"epoch": place["epoch"], "offset": 0}
        await client.send(orjson.dumps(ALERTS | {"id": 2, "since": since}).decode())
        with capture_logs() as lines:
            assert await closed(client) == 1012
    assert ("database_unavailable", "warning") in [(line["event"], line["log_level"]) for line in lines]
