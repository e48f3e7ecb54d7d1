"""Every topic that is followed, over all connections: which was asked for by which id, and which waits to be."""

import asyncio
import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from websockets.exceptions import ConnectionClosed

from rollcall_client.errors import RollcallError
from rollcall_client.subscription import Mailbox

Message = dict[str, Any]


class Line(Protocol):
    """What messages are sent by."""

    async def send(self, message: str) -> None: ...


async def send(line: Line, message: Message) -> None:
    """On a connection that may be gone: then the next one asks again."""
    with suppress(ConnectionClosed):
        await line.send(json.dumps(message))


class Followed:
    """The subscriptions. `line` is the connection that is ready, None where there is none."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self.user: Mapping[str, object] = {}  # as the server said when it let us in
        self.over = False
        self.error: RollcallError | None = None
        self._left: list[Mailbox] = []
        self._news = asyncio.Event()
        self._ids = itertools.count(1)
        self._by_id: dict[int, Mailbox] = {}
        self._unasked: dict[Mailbox, None] = {}

    def find(self, number: object) -> Mailbox | None:
        """Whose message it is; None where it is of one that has been left, or was asked for anew."""
        return self._by_id.get(number) if isinstance(number, int) else None

    async def follow(self, mailbox: Mailbox) -> None:
        """From now on, or once there is a connection. May be called again."""
        if mailbox.id >= 0 or mailbox.over or mailbox in self._unasked:
            return
        if self.over:
            mailbox.end(self.error)
        elif self.line is None:
            self._unasked[mailbox] = None
        else:
            await self.ask(self.line, mailbox)

    async def leave(self, mailbox: Mailbox) -> None:
        """Nobody reads it any more."""
        mailbox.drop()
        self._unasked.pop(mailbox, None)
        if self._by_id.pop(mailbox.id, None) is not None and self.line is not None:
            await send(self.line, {"type": "unsubscribe", "id": mailbox.id})

    def abandon(self, mailbox: Mailbox) -> None:
        """Whoever read it is gone, without having said so; tidy() tells the server."""
        mailbox.drop()
        self._left.append(mailbox)
        self._news.set()

    async def tidy(self) -> None:
        """Leaves what was abandoned. Runs until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._left:
                await self.leave(self._left.pop())

    def refuse(self, mailbox: Mailbox, error: RollcallError) -> None:
        """The server does not let it be followed."""
        self._by_id.pop(mailbox.id, None)
        mailbox.end(error)

    async def ask(self, line: Line, mailbox: Mailbox) -> None:
        """Under a new id, so that nothing of an older question is taken for its answer."""
        self._by_id.pop(mailbox.id, None)
        self._unasked.pop(mailbox, None)
        mailbox.id = next(self._ids)
        self._by_id[mailbox.id] = mailbox
        question: Message = {"type": "subscribe", "id": mailbox.id, "topic": mailbox.topic}
        if mailbox.heard is not None:
            question["since"] = {"epoch": mailbox.heard.epoch, "offset": mailbox.heard.offset}
        elif mailbox.snapshot:
            question["snapshot"] = True
        if mailbox.wanted:
            question["filter"] = mailbox.wanted
        await send(line, question)

    async def ask_all(self, line: Line) -> None:
        """On a connection that has just become ready."""
        self.line = line
        for mailbox in (*self._by_id.values(), *self._unasked):
            if not mailbox.over:
                await self.ask(line, mailbox)

    def end(self, error: RollcallError | None) -> None:
        """For good."""
        self.over, self.error, self.line = True, error, None
        for mailbox in (*self._by_id.values(), *self._unasked):
            mailbox.end(error)
        self._by_id.clear()
        self._unasked.clear()
