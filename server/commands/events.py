"""`rollcall events tail`: what happens, as JSON lines, read from the log beside a running server."""

import asyncio
import heapq
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated

import orjson
import typer

from server.clock import SystemClock
from server.errors import Invalid
from server.events.log import Position
from server.events.schema import StoredEvent
from server.events.tail import read_after
from server.events.topics import find_topic
from server.opening import open_store, prepare
from server.settings import Settings
from server.store.event_log import TableLog
from server.wire import rfc3339

LOOK_EVERY_S = 0.5
AT_ONCE = 256
_AGO = re.compile(r"(\d{1,5})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """What happens."""


@app.command()
def tail(
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="Only this stored topic, such as attendance; may be repeated.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Also what happened since: EPOCH:OFFSET of the one topic, 15m, 2h, 7d, or a time with zone."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on as things happen.")] = True,
) -> None:
    """Events as JSON lines, each with its topic and its place; from now on, or since then."""
    topics = list(dict.fromkeys(topic or ()))
    for name in topics:
        found = find_topic(name)
        if found is None or not found.kind.durable:
            raise Invalid.field("topic", "unknown_topic", f"{name} is no stored topic.")
    start = since_when(since, SystemClock().now())
    if isinstance(start, Position) and len(topics) != 1:
        raise Invalid.field("since", "ambiguous", "A place is one of a topic: name that with --topic.")
    try:
        asyncio.run(_tail(topics, start, follow))
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def since_when(text: str | None, now: datetime) -> Position | datetime | None:
    """A place, a time, or None for now. Raises Invalid."""
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise Invalid.field("since", "no_zone", f"{text} lacks its zone, such as +01:00 or Z.")
        return at
    if text.count(":") == 1:
        return Position.parse(text)
    raise Invalid.field("since", "not_a_time", f"{text} is no EPOCH:OFFSET, no 15m, 2h or 7d, and no time with a zone.")


async def _tail(topics: Sequence[str], since: Position | datetime | None, follow: bool) -> None:
    settings = Settings()
    await prepare(settings)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with open_store(settings) as store:
        tailer = Tailer(TableLog(store), topics, since)
        await tailer.begin()
        with suppress(asyncio.CancelledError):
            while True:
                for line in await tailer.more():
                    sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                if not tailer.behind:
                    if not follow:
                        return
                    await asyncio.sleep(LOOK_EVERY_S)


class Tailer:
    """Where each topic stands. Nobody is waited for: it asks the log again."""

    def __init__(self, log: TableLog, topics: Sequence[str], since: Position | datetime | None) -> None:
        self.behind = False  # there was more than fits into one look
        self._log = log
        self._topics = topics
        self._since = since
        self._places: dict[str, Position] = {}

    async def begin(self) -> None:
        """Where every topic that there is begins. One that comes later is read from its first event."""
        for name, head in (await self._heads()).items():
            match self._since:
                case Position() as place:
                    self._places[name] = place
                case datetime() as at:
                    self._places[name] = Position(head.epoch, await self._log.before(name, at))
                case None:
                    self._places[name] = head

    async def more(self) -> list[bytes]:
        """A line for each event that has come, topic by topic in its order, and the topics by time."""
        found: list[list[tuple[StoredEvent, bytes]]] = []
        self.behind = False
        for name, head in (await self._heads()).items():
            place = self._places.setdefault(name, Position(head.epoch, 0))
            if place == head:
                continue
            stretch = await read_after(self._log, name, place, AT_ONCE)
            if not stretch.recovered:
                print(f"rollcall: {name} no longer reaches back to {place}; on from {stretch.next}.", file=sys.stderr)
            self._places[name] = stretch.next
            self.behind = self.behind or len(stretch.events) == AT_ONCE
            epoch = stretch.next.epoch
            found.append([(event, _line(event, Position(epoch, event.offset))) for event in stretch.events])
        return [line for _, line in heapq.merge(*found, key=lambda one: one[0].time)]

    async def _heads(self) -> dict[str, Position]:
        heads = await self._log.heads()
        if not self._topics:
            return heads
        epoch = await self._log.epoch()
        return {name: heads.get(name, Position(epoch, 0)) for name in self._topics}


def _line(event: StoredEvent, place: Position) -> bytes:
    said = {
        "topic": event.topic, "place": str(place), "id": event.id, "type": event.type, "time": rfc3339(event.time),
        "source": event.source, "data": event.data,
    }  # fmt: skip
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
