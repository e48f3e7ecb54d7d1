"""How a server under `bench/websocket_fanout.py` is told what to publish: a line on its input, a line of JSON back."""

import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable
from time import monotonic

import orjson

from server.ids import new_id

Publish = Callable[[int], Awaitable[None]]


def event_data(number: int) -> dict[str, object]:
    """About 300 bytes once it is an event message. `at` comes last: clients look for it there."""
    return {"id": f"{number:06d}", "kind": "bench", "severity": "info", "message": "x" * 56, "at": monotonic()}


def event_message(number: int) -> bytes:
    """What Rollcall would send, for those who only pass it on."""
    event = {
        "id": new_id(),
        "type": "alert.raised",
        "time": "2026-01-01T00:00:00.000Z",
        "source": "bench",
        "data": event_data(number),
    }
    return orjson.dumps({"type": "event", "id": 1, "offset": number + 1, "previous": number, "event": event})


async def obey(hello: dict[str, object], publish: Publish, *, writers: int = 1) -> None:
    """`burst N`: as fast as it goes. `paced N RATE`: so many a second. Until the input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    gc.collect()
    gc.freeze()  # as `rollcall serve` does it when all is loaded; here every server
    print(json.dumps(hello), flush=True)
    while line := await reader.readline():
        how, count, *rest = line.decode().split()
        if how == "burst":
            async with asyncio.TaskGroup() as tasks:
                for writer in range(writers):
                    tasks.create_task(_burst(publish, range(writer, int(count), writers)))
        else:
            await _paced(publish, int(count), float(rest[0]))
        print("{}", flush=True)


async def _burst(publish: Publish, numbers: range) -> None:
    for number in numbers:
        await publish(number)


async def _paced(publish: Publish, count: int, rate: float) -> None:
    started = monotonic()
    for number in range(count):
        await publish(number)
        await asyncio.sleep(max(0.0, started + (number + 1) / rate - monotonic()))
