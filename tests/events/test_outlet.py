"""The two ways out of a connection; over real sockets they are tried in test_socket.py."""

import asyncio

from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketState

from server.events.encoding import Batch
from server.events.outlet import SendOutlet, one


def websocket_that(send: "asyncio.Queue[Message]", gate: asyncio.Event) -> WebSocket:
    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def take(message: Message) -> None:
        await gate.wait()
        send.put_nowait(message)

    websocket = WebSocket({"type": "websocket"}, receive, take)
    websocket.client_state = websocket.application_state = WebSocketState.CONNECTED
    return websocket


async def test_the_backlog_is_bounded_and_says_when_it_is_ready_again() -> None:
    """Not ready while the client takes nothing; ready once, when it does; in order."""
    sent: asyncio.Queue[Message] = asyncio.Queue()
    gate = asyncio.Event()
    calls: list[bool] = []
    outlet = SendOutlet(websocket_that(sent, gate), lambda: calls.append(True), limit_bytes=30)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outlet.run())
        outlet.write(one(b"0" * 10))
        assert outlet.ready
        outlet.write(Batch([b"1" * 10, b"2" * 10]))
        assert not outlet.ready
        await asyncio.sleep(0)
        assert sent.empty()
        gate.set()
        texts = [(await sent.get())["text"] for _ in range(3)]
        await asyncio.sleep(0)
        running.cancel()
    assert texts == ["0" * 10, "1" * 10, "2" * 10]
    assert outlet.ready
    assert calls == [True]


async def test_closing_does_not_wait_for_ever() -> None:
    """A client that takes nothing keeps nobody."""
    outlet = SendOutlet(websocket_that(asyncio.Queue(), asyncio.Event()), lambda: None)
    async with asyncio.timeout(1):
        await outlet.close(4001, "slow", websocket_that(asyncio.Queue(), asyncio.Event()), 0.01)
