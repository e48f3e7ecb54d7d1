"""One topic that is followed: a bounded box that the connection fills, and the iterator that empties it."""

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from rollcall_client.errors import RollcallError
from rollcall_client.event_types import Filter
from rollcall_client.items import AnyEvent, Cursor, Event, Resync

E_co = TypeVar("E_co", bound=Event[Any, Any], covariant=True)


class Mailbox:
    """What has come for one subscription and was not taken yet; where it stands on the server.

    A full one holds up the connection until there is room. On a topic that is not stored the newest event replaces
    the one that waits, and `skipped` counts those."""

    def __init__(self, topic: str, wanted: Filter | None, snapshot: bool, since: Cursor | None, size: int) -> None:
        self.topic = topic
        self.wanted = wanted
        self.snapshot = snapshot
        self.id = -1  # of the newest question; -1 before the first
        self.asked_on: object = None  # the connection on which it was asked
        self.heard = since  # up to where everything is in here, or was taken
        self.taken = since  # up to where the reader has it
        self.lost = False  # history was lost, and the snapshot is on its way
        self.skipped = 0
        self.begun = asyncio.Event()  # the server has said where it stands
        self.over = False
        self._size = size
        self._items: deque[AnyEvent | Resync] = deque()
        self._error: RollcallError | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, item: AnyEvent | Resync) -> None:
        """Waits while it is full. May be cancelled: then the item is not in it."""
        while len(self._items) >= self._size and not self.over:
            self._room.clear()
            await self._room.wait()
        if not self.over:
            self._items.append(item)
            self._news.set()

    def show(self, event: AnyEvent) -> None:
        """An event of a topic that is not stored."""
        if self._items and isinstance(self._items[-1], Event):
            self._items.pop()
            self.skipped += 1
        self._items.append(event)
        self._news.set()

    def end(self, error: RollcallError | None = None) -> None:
        """Nothing more comes; what is in it may still be taken."""
        if not self.over:
            self.over = True
            self._error = error
            self._news.set()
            self._room.set()
            self.begun.set()

    def drop(self) -> None:
        """Nobody reads it any more."""
        self.end()
        self._items.clear()

    async def take(self) -> AnyEvent | Resync | None:
        """The next item; None at the end. Raises what ended it. May be cancelled: then nothing is taken."""
        while not self._items:
            self.check()
            if self.over:
                return None
            self._news.clear()
            await self._news.wait()
        item = self._items.popleft()
        self._room.set()
        self.taken = item.cursor or self.taken
        return item

    def check(self) -> None:
        """Raises what ended it."""
        if self._error is not None:
            raise self._error


class Followed(Protocol):
    """What a subscription needs of whoever holds the connection."""

    async def follow(self, mailbox: Mailbox) -> None: ...
    async def leave(self, mailbox: Mailbox) -> None: ...
    def abandon(self, mailbox: Mailbox) -> None: ...


def _let_go(loop: asyncio.AbstractEventLoop, followed: Followed, mailbox: Mailbox) -> None:
    if not mailbox.over:
        with suppress(RuntimeError):  # the loop is closed, and the connection with it
            loop.call_soon_threadsafe(followed.abandon, mailbox)


class Subscription(Generic[E_co], AsyncIterator[E_co | Resync]):
    """Events of one topic in their order, each once. One reader at a time.

    The server is asked when it is first read, or by started(). It ends with aclose(), on leaving `async with`, or
    when nobody holds it any more, as after `break`."""

    def __init__(self, mailbox: Mailbox, followed: Followed) -> None:
        self._mailbox = mailbox
        self._followed = followed
        weakref.finalize(self, _let_go, asyncio.get_running_loop(), followed, mailbox).atexit = False

    @property
    def topic(self) -> str:
        return self._mailbox.topic

    @property
    def cursor(self) -> Cursor | None:
        """The place of what was read last, to go on from another time; None where there is none yet."""
        return self._mailbox.taken

    @property
    def skipped(self) -> int:
        """How many events of a topic that is not stored were replaced by newer ones before they were read."""
        return self._mailbox.skipped

    async def started(self) -> Self:
        """Once the server has answered: from here on nothing is missed. Raises SubscriptionRefused and the like."""
        await self._followed.follow(self._mailbox)
        await self._mailbox.begun.wait()
        self._mailbox.check()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E_co | Resync:
        await self._followed.follow(self._mailbox)
        item = await self._mailbox.take()
        if item is None:
            raise StopAsyncIteration
        return cast("E_co | Resync", item)

    async def aclose(self) -> None:
        """Stops following. May be called twice."""
        await self._followed.leave(self._mailbox)

    async def __aenter__(self) -> Self:
        return await self.started()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
