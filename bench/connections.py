"""What idle subscribers cost: memory, time of the cores, and seconds until all are connected, signed in and subscribed.

    python bench/connections.py [--connections 10000] [--idle 30] [--rounds 3]

Ours: `rollcall serve` as it runs. Each subscriber opens a WebSocket, signs in with an access token, which is checked
with its session, and subscribes to `alerts`; then all stay idle for some seconds, longer than pings are apart, and none
may be lost. Beside it the bare `websockets` library, where the token is a string that is compared. Each server runs in
a process of its own, one client for all; the next 64 come when those before them are subscribed. Memory is what the
process has more than with the first 64, which warm it up. Figures are medians of the rounds.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import psutil

from bench.parts.child import Child
from bench.parts.fanout_client import Reader, Tally, allow_files, connect_all
from bench.parts.fanout_talk import TokenTalk
from bench.parts.report import figure, median
from tests.journeys.server import RollcallServer

AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """KiB of each, seconds until all were there, and how much of a core they take when nothing happens."""

    kib: float
    seconds: float
    idle_percent: float


@contextmanager
def ours() -> Iterator[tuple[int, int, str]]:
    """The port, the process and a token."""
    with tempfile.TemporaryDirectory() as folder, RollcallServer(Path(folder)) as server, server.login() as api:
        yield server.port, server.pid, str(api.token)


@contextmanager
def bare() -> Iterator[tuple[int, int, str]]:
    """The same of the bare library, with a token as long as a real one."""
    token = "x" * 300
    with Child("bare_sessions", token) as server:
        yield server.hello["port"], server.pid, token


async def measure(port: int, pid: int, token: str, count: int, idle_s: float) -> Cost:
    """Memory is read after the time of being idle."""
    tally = Tally()
    talk = partial(TokenTalk, token)
    readers = await connect_all(port, tally, talk, AT_ONCE)
    await tally.reach(AT_ONCE)
    before, began = resident(pid), monotonic()
    while len(readers) < AT_ONCE + count:
        readers += await connect_all(port, tally, talk, min(AT_ONCE, AT_ONCE + count - len(readers)))
        await tally.reach(len(readers))
    took = monotonic() - began
    busy_s = busy(pid)
    await asyncio.sleep(idle_s)
    busy_s = busy(pid) - busy_s
    more = resident(pid) - before
    leave(readers, tally)
    return Cost(more / count / 1024, took, 100 * busy_s / idle_s)


def resident(pid: int) -> int:
    """In bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def busy(pid: int) -> float:
    """Seconds of the cores that the process has had."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def leave(readers: list[Reader], tally: Tally) -> None:
    if tally.lost:
        raise RuntimeError(f"{tally.lost:,} of {len(readers):,} connections were lost.")
    for reader in readers:
        reader.leave()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    allow_files(asked.connections + AT_ONCE)
    mine: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(asked.rounds):
        for costs, server in ((mine, ours), (theirs, bare)):
            with server() as (port, pid, token):
                costs.append(asyncio.run(measure(port, pid, token, asked.connections, asked.idle)))
    figures = (("resident KiB each", "kib"), ("seconds to connect", "seconds"), ("% of a core", "idle_percent"))
    for name, part in figures:
        values = [median([getattr(cost, part) for cost in costs]) for costs in (mine, theirs)]
        figure(f"{asked.connections:,} idle subscribers, {name}", values[0], ("websockets", values[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
