"""The Python client against servers that play a part: events that are missing, doubled or late, and who says 4501."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from rollcall_client import (
    ClosedForGood,
    Event,
    NotAuthenticated,
    NotRollcall,
    Resync,
    RollcallEvents,
    Unreachable,
    events,
    talk,
)
from rollcall_client.followed import Followed
from websockets import Subprotocol
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from tests.servers import free_port

pytestmark = pytest.mark.timeout(60)

TIME = "2026-01-05T08:00:00.000Z"
Part = Callable[["Stage"], Awaitable[None]]


class Stage:
    """One connection of the client: what it says is heard, and answered as the part wants."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.asked: dict[str, Any] = {}

    async def say(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.socket.recv())
        return found

    async def let_in(self) -> None:
        """Up to the first question."""
        await self.say(type="welcome", connectionId="c", serverTime=TIME)
        assert (await self.hear())["type"] == "auth"
        await self.say(type="ready", user={})
        self.asked = await self.hear()

    async def subscribed(self, offset: int, **more: object) -> None:
        answer = {"epoch": "e", "offset": offset, "recovered": True, **more}
        await self.say(type="subscribed", id=self.asked["id"], topic="alerts", **answer)

    async def event(self, offset: int, previous: int) -> None:
        body = {
            "id": f"i{offset}",
            "type": "alert.raised",
            "time": "2026-01-05T08:00:00.000Z",
            "source": "s",
            "data": {},
        }
        await self.say(type="event", id=self.asked["id"], offset=offset, previous=previous, event=body)


@asynccontextmanager
async def playing(*parts: Part, subprotocols: tuple[str, ...] = ("rollcall.v1",)) -> AsyncIterator[str]:
    """A server that plays one part a connection, and the last one again after that."""
    count = 0

    async def play(socket: ServerConnection) -> None:
        nonlocal count
        count += 1
        await parts[min(count, len(parts)) - 1](Stage(socket))
        await socket.wait_closed()

    spoken = [Subprotocol(name) for name in subprotocols]
    async with serve(play, "127.0.0.1", 0, subprotocols=spoken or None, close_timeout=0.2) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def offsets(url: str, count: int, **options: Any) -> list[int | None]:
    found: list[int | None] = []
    async with asyncio.timeout(20), RollcallEvents(url, token="t") as client:
        async for item in client.subscribe("alerts", **options):
            assert isinstance(item, (Event, Resync))
            found.append(item.cursor.offset if item.cursor else None)
            if len(found) == count:
                break
    return found


async def test_what_is_missing_is_asked_for_and_what_is_doubled_is_dropped() -> None:
    """`previous` tells: a filter's jump is none, a gap is one; the next connection goes on from the last one taken."""
    asked: list[object] = []

    async def gap(stage: Stage) -> None:
        await stage.let_in()
        await stage.subscribed(10)
        await stage.event(12, 10)  # 11 is not for this filter
        await stage.event(15, 14)  # and 14 did not come

    async def whole(stage: Stage) -> None:
        await stage.let_in()
        asked.append(stage.asked["since"])
        await stage.subscribed(15)
        for offset, previous in ((14, 12), (14, 12), (12, 10), (15, 14)):
            await stage.event(offset, previous)

    async with playing(gap, whole) as url:
        assert await offsets(url, 3) == [12, 14, 15]
    assert asked == [{"epoch": "e", "offset": 12}]


async def test_an_answer_that_did_not_come() -> None:
    """The connection went before it: asked again, the same; a snapshot too."""

    async def dies(stage: Stage) -> None:
        await stage.let_in()
        assert stage.asked["snapshot"] is True
        await stage.socket.close(1011)

    async def answers(stage: Stage) -> None:
        await stage.let_in()
        assert stage.asked["snapshot"] is True
        await stage.subscribed(7, snapshot={"alerts": []})
        await stage.event(8, 7)

    async with playing(dies, answers) as url:
        assert await offsets(url, 2, snapshot=True) == [7, 8]


async def test_what_is_away_for_a_moment() -> None:
    """`unavailable` is asked again."""

    async def part(stage: Stage) -> None:
        await stage.let_in()
        await stage.say(type="error", id=stage.asked["id"], code="unavailable", message="Try again.")
        stage.asked = await stage.hear()
        await stage.subscribed(3)
        await stage.event(4, 3)

    async with playing(part) as url:
        assert await offsets(url, 1) == [4]


async def test_messages_that_are_not_known() -> None:
    """Those of a later version are passed over, more fields too; events for who has left as well."""

    async def part(stage: Stage) -> None:
        await stage.let_in()
        await stage.say(type="news", what="else")
        await stage.say(type="error", code="bad_request", message="of something else")
        await stage.subscribed(3, more=1)
        await stage.say(type="event", id=999, offset=1, previous=0, event={})
        await stage.event(4, 3)

    async with playing(part) as url:
        assert await offsets(url, 1) == [4]


@pytest.mark.parametrize(("code", "error"), [(4501, NotAuthenticated), (4599, ClosedForGood)])
async def test_codes_that_say_not_to_come_back(code: int, error: type[Exception]) -> None:
    """At once, also those that this client does not know."""
    count = 0

    async def part(stage: Stage) -> None:
        nonlocal count
        count += 1
        await stage.socket.close(code, "no")

    async with playing(part) as url, RollcallEvents(url, token="t") as client:
        with pytest.raises(error, match=f"{code}: no"):
            await client.subscribe("alerts").started()
    assert count == 1


async def test_a_network_that_stalled_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 4501 after the time to say who one is: three times at most, and the count begins anew once it is let in."""
    monkeypatch.setattr(events, "AUTH_WITHIN_S", 0.05)
    count = 0

    async def late(stage: Stage) -> None:
        nonlocal count
        count += 1
        await asyncio.sleep(0.1)
        await stage.socket.close(4501, "Not authenticated in time.")

    async def fine(stage: Stage) -> None:
        await stage.let_in()
        await stage.subscribed(3)
        await stage.event(4, 3)

    async with playing(late, late, fine) as url:
        assert await offsets(url, 1) == [4]
    count = 0
    async with playing(late) as url, RollcallEvents(url, token="t") as client:
        with pytest.raises(NotAuthenticated):
            await client.subscribe("alerts").started()
    assert count == 4


async def test_a_new_token_after_a_refusal() -> None:
    """Whoever can have another one tries once more with that."""
    given: list[str] = []

    async def provider() -> str:
        given.append(f"t{len(given)}")
        return given[-1]

    async def refuses(stage: Stage) -> None:
        await stage.say(type="welcome", connectionId="c", serverTime=TIME)
        await stage.socket.close(4501, f"not {(await stage.hear())['token']}")

    async with playing(refuses) as url, RollcallEvents(url, token=provider) as client:
        with pytest.raises(NotAuthenticated, match="not t1"):
            await client.subscribe("alerts").started()


async def test_somebody_else_answers() -> None:
    """A WebSocket of another protocol."""

    async def part(stage: Stage) -> None:
        await stage.say(hello="you")

    async with playing(part, subprotocols=()) as url, RollcallEvents(url, token="t") as client:
        with pytest.raises(NotRollcall, match=r"rollcall\.v1"):
            await client.subscribe("alerts").started()


async def test_after_a_renewal_that_failed_the_next_one_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a JSON Web Token is good is counted by the server's clock, whatever was tried meanwhile."""
    claims = {"exp": datetime.fromisoformat(TIME).timestamp() + 900}
    token = f"head.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()}.signature"
    lefts: list[float] = []
    asked = 0

    def soon(left: float) -> float:
        lefts.append(left)
        return 0.2 if len(lefts) == 1 else 60

    async def provider() -> str:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise OSError("away for a moment")
        return token

    async def part(stage: Stage) -> None:
        await stage.let_in()
        await stage.subscribed(3)
        assert (await stage.hear())["type"] == "auth"
        await stage.event(4, 3)

    monkeypatch.setattr(talk, "renew_after_s", soon)
    async with playing(part) as url, asyncio.timeout(20), RollcallEvents(url, token=provider) as client:
        await anext(client.subscribe("alerts"))
        while len(lefts) < 2:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
    assert 890 < lefts[0] <= 900
    assert lefts[1] < 899.81


async def test_what_lets_in_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the level: neither a token nor a ticket nor a password of the address; nor do errors say it."""
    caplog.set_level(logging.DEBUG)

    async def part(stage: Stage) -> None:
        await stage.let_in()
        await stage.subscribed(3)
        await stage.event(4, 3)

    def with_secrets(url: str) -> str:
        return url.replace("http://", "ws://ada:secret@") + "/ws?ticket=secret"

    async def messages(url: str, error: type[Exception], give_up_after_s: float | None = None) -> str:
        async with RollcallEvents(with_secrets(url), api_key="secret", give_up_after_s=give_up_after_s) as client:
            with pytest.raises(error) as raised:
                await client.subscribe("alerts").started()
        return str(raised.value)

    async with playing(part) as url, RollcallEvents(with_secrets(url), api_key="secret") as client:
        await anext(client.subscribe("alerts"))
    async with playing(part, subprotocols=()) as url:
        assert "secret" not in await messages(url, NotRollcall)
    assert "secret" not in await messages(f"http://127.0.0.1:{free_port()}", Unreachable, 0.1)
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert any(record.name == "rollcall_client" for record in ours)
    assert [record for record in ours if "secret" in record.getMessage()] == []


@pytest.mark.parametrize("silent", ["provider", "server"])
async def test_an_attempt_under_way_is_given_up(silent: str) -> None:
    """After `give_up_after_s`, not only between two of them; one that was let in is none."""

    async def provider() -> str:
        return await asyncio.get_running_loop().create_future() if silent == "provider" else "t"

    async def says_nothing(stage: Stage) -> None:
        pass

    async with (
        asyncio.timeout(20),
        playing(says_nothing) as url,
        RollcallEvents(url, token=provider, give_up_after_s=0.1) as client,
    ):
        with pytest.raises(Unreachable):
            await client.subscribe("alerts").started()


async def test_who_was_let_in_is_not_given_up() -> None:
    """However long nothing happens then."""
    quiet = asyncio.Event()

    async def part(stage: Stage) -> None:
        await stage.let_in()
        await stage.subscribed(3)
        await quiet.wait()
        await stage.event(4, 3)

    async with (
        asyncio.timeout(20),
        playing(part) as url,
        RollcallEvents(url, token="t", give_up_after_s=1) as client,
    ):
        alerts = await client.subscribe("alerts").started()
        await asyncio.sleep(1.1)
        assert client.connected
        quiet.set()
        assert isinstance(await anext(alerts), Event)


async def test_a_slow_reader_is_no_dead_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it holds up the socket nothing is heard of the server; the connection stays."""
    monkeypatch.setattr(talk, "PING_EVERY_S", 0.05)
    monkeypatch.setattr(talk, "PONG_WITHIN_S", 0.4)
    count = 0

    async def part(stage: Stage) -> None:
        nonlocal count
        count += 1
        await stage.let_in()
        await stage.subscribed(0)
        for offset in range(1, 201):
            await stage.event(offset, offset - 1)
        while (await stage.hear())["type"] == "ping":
            await stage.say(type="pong")

    async with playing(part) as url, asyncio.timeout(20), RollcallEvents(url, token="t", queue_size=1) as client:
        alerts = await client.subscribe("alerts").started()
        await asyncio.sleep(0.7)
        for offset in range(1, 201):
            item = await anext(alerts)
            assert item.cursor is not None
            assert item.cursor.offset == offset
        assert client.connected
    assert count == 1


async def test_why_we_closed_is_known() -> None:
    """Where the other side has said nothing: what we have sent, such as after a message that is too big."""

    class Socket:
        async def recv(self) -> str:
            raise ConnectionClosedError(None, Close(1009, "frame is too big"))

    said = talk.Talk(Socket(), Followed(), "t", None)  # type: ignore[arg-type]
    await said.run()
    assert said.code == 1006
    assert "1009" in said.reason
    assert "frame is too big" in said.reason
