"""Subscribers that missed many events come back at once: seconds until all have everything, and memory meanwhile.

    python bench/event_recovery.py [--subscribers 1000] [--events 1000] [--rounds 3]

Ours: the events lie in the log (SQLite). All are connected and ask at the same moment for everything since offset 0; a
fresh hub, which holds none of them, has to find out where each one is. Beside it the least that this can cost: the same
rows read once and told to everybody by the `websockets` library's broadcast(), which asks nobody where they were. Each
server runs in a process of its own, one client for both. Memory is the most that the process has more than before they
asked, looked at twenty times a second. Figures are medians of the rounds.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from time import monotonic

import psutil

from bench.parts.fanout_client import Tally, allow_files, connect_all, running
from bench.parts.fanout_talk import SinceTalk
from bench.parts.report import figure, median

LOOK_EVERY_S = 0.05
PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """Seconds until all had everything, and MB more than before."""

    seconds: float
    peak_mb: float


class Peak:
    """The most memory that a process has had since."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._process.memory_info().rss
        self._most = self._before

    @property
    def more_mb(self) -> float:
        return (self._most - self._before) / 1e6

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self._most = max(self._most, self._process.memory_info().rss)
            await asyncio.sleep(LOOK_EVERY_S)


async def measure(kind: str, subscribers: int, events: int) -> Recovered:
    words = ("fanout_servers", "ours", events) if kind == "ours" else ("plain_rows", events)
    async with running(str(words[0]), *words[1:]) as server:
        tally = Tally()
        talks: list[SinceTalk] = []

        def talk() -> SinceTalk:
            talks.append(SinceTalk(server.hello["epoch"]))
            return talks[-1]

        readers = await connect_all(server.port, tally, talk, subscribers)
        await tally.reach(subscribers)
        tally.got = 0
        peak = Peak(server.pid)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(peak.watch())
            began = monotonic()
            if kind == "ours":
                for one in talks:
                    one.resume()
            else:
                server.order("burst", events)
            await tally.reach(subscribers * events, PATIENCE_S)
            took = monotonic() - began
            watching.cancel()
        if tally.lost:
            raise RuntimeError(f"{tally.lost:,} connections were lost.")
        for reader in readers:
            reader.leave()
    return Recovered(took, peak.more_mb)


async def compare(subscribers: int, events: int, rounds: int) -> None:
    both: dict[str, list[Recovered]] = {"ours": [], "rows": []}
    for _ in range(rounds):
        for kind, measured in both.items():
            measured.append(await measure(kind, subscribers, events))
    ours_s, rows_s = (median([one.seconds for one in measured]) for measured in both.values())
    ours_mb, rows_mb = (median([one.peak_mb for one in measured]) for measured in both.values())
    name, beside = f"{subscribers:,} resume after {events:,} events", "rows read once, broadcast()"
    total = subscribers * events
    figure(f"{name}, s", ours_s, (beside, rows_s))
    figure(f"{name}, events/s", total / ours_s, (beside, total / rows_s))
    figure(f"{name}, peak MB", ours_mb, (beside, rows_mb))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    allow_files(asked.subscribers)
    asyncio.run(compare(asked.subscribers, asked.events, asked.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
