"""Deliveries a second to many WebSocket subscribers, and how late they come; ours beside what one would take instead.

    python bench/websocket_fanout.py [--subscribers 1000 5000] [--deliveries 200000] [--rounds 3] [--only bare nats]

Ours: each event (300 bytes) is appended to the log in a transaction of its own (SQLite, four writers); the hub tails
the log and delivers over uvicorn. Beside it an equal message by the `websockets` library's broadcast(), by
python-socketio's emit(), and by NATS and Mosquitto over WebSocket: none of them stores anything, nothing can be
recovered. Each server runs in a process of its own (a broker's publisher in one more), one client for all in another,
so all share the same cores. How late: at 20,000 deliveries a second, 20 events a second at most. What is not installed
is left out. Figures are medians of the rounds.
"""

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from bench.parts.fanout_brokers import installed
from bench.parts.fanout_client import Server, Tally, allow_files, connect_all, running
from bench.parts.fanout_talk import MqttTalk, NatsTalk, SocketIoTalk, Talk
from bench.parts.report import figure, median, note, quantile

MOST_EVENTS = 200
PACED_S = 3.0
FASTEST = 20.0
DELIVERIES_PACED = 20_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A server, how to subscribe there, and how many times its deliveries ours have to be."""

    name: str
    title: str
    module: str
    talk: type[Talk]
    bar: float | None = None


KINDS = (
    Kind("ours", "rollcall", "fanout_servers", Talk),
    Kind("bare", "websockets broadcast()", "fanout_servers", Talk, 0.9),
    Kind("socketio", "python-socketio", "fanout_servers", SocketIoTalk, 2.0),
    Kind("nats", "nats", "fanout_brokers", NatsTalk),
    Kind("mosquitto", "mosquitto", "fanout_brokers", MqttTalk),
)


@dataclass(frozen=True, slots=True)
class Round:
    """Deliveries a second in a burst; p50 and p99 in ms when they are paced."""

    rate: float
    p50: float
    p99: float


def is_there(kind: Kind) -> bool:
    if kind.name == "socketio":
        return importlib.util.find_spec("socketio") is not None
    if kind.module == "fanout_brokers":
        return installed("nats-server" if kind.name == "nats" else kind.name) is not None
    return True


async def measure(kind: Kind, subscribers: int, events: int) -> Round:
    rate = min(FASTEST, DELIVERIES_PACED / subscribers)
    paced = max(10, int(rate * PACED_S))
    async with running(kind.module, kind.name) as server:
        tally = Tally()
        readers = await connect_all(server.port, tally, kind.talk, subscribers)
        await tally.reach(subscribers)
        await deliver(server, tally, subscribers, "burst", max(4, events // 4))  # warms up
        tally.delays.clear()
        await deliver(server, tally, subscribers, "paced", paced, rate)
        delays = [1000 * delay for delay in tally.delays]
        took = await deliver(server, tally, subscribers, "burst", events)
        if tally.lost:
            raise RuntimeError(f"{kind.title} closed {tally.lost} connections.")
        for reader in readers:
            reader.leave()
        return Round(events * subscribers / took, quantile(delays, 0.5), quantile(delays, 0.99))


async def deliver(server: Server, tally: Tally, subscribers: int, how: str, events: int, *rate: float) -> float:
    """Seconds until everybody has everything."""
    tally.got = 0
    started = monotonic()
    server.order(how, events, *rate)
    await tally.reach(events * subscribers)
    took = monotonic() - started
    await server.done()
    return took


async def compare(kinds: Sequence[Kind], subscribers: int, deliveries: int, rounds: int) -> bool:
    """Prints the figures; whether all bars are kept."""
    events = max(1, min(MOST_EVENTS, deliveries // subscribers))
    rounds_of: dict[str, list[Round]] = {kind.name: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            rounds_of[kind.name].append(await measure(kind, subscribers, events))
    ours, kept = rounds_of["ours"], True
    for kind in kinds[1:]:
        theirs = rounds_of[kind.name]
        ratio = median([mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)])
        kept = kept and (kind.bar is None or ratio >= kind.bar)
        bar = "" if kind.bar is None else f"at least {kind.bar}"
        figure(
            f"fan-out to {subscribers:,}, deliveries/s", median([one.rate for one in ours]),
            (kind.title, median([one.rate for one in theirs])), ratio=ratio, bar=bar,
        )  # fmt: skip
        for label in ("p50", "p99"):
            mine, other = (median([getattr(one, label) for one in all_]) for all_ in (ours, theirs))
            figure(f"fan-out to {subscribers:,}, delay {label}, ms", mine, (kind.title, other))
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--deliveries", type=int, default=200_000, help="in a burst, at 200 events at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[kind.name for kind in KINDS[1:]], help="beside these alone")
    asked = parser.parse_args()
    allow_files(max(asked.subscribers))
    kinds = [KINDS[0]]
    for kind in KINDS[1:]:
        if asked.only and kind.name not in asked.only:
            continue
        if is_there(kind):
            kinds.append(kind)
        else:
            note(f"{kind.title} is not installed and left out.")
    kept = [asyncio.run(compare(kinds, count, asked.deliveries, asked.rounds)) for count in asked.subscribers]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
