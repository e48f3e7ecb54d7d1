"""Whether subscribers who mean harm slow the others: the delay of the good ones' events with and without them.

    python bench/hostile_subscribers.py [--subscribers 200] [--hostile 2] [--seconds 10] [--rounds 3]

Twenty events a second to the good ones. Beside them, of each kind so many: subscribers that never read, connections
that stop in the middle of their request, messages of 10 MB and 10,000 subscriptions asked for one after the other, both
again and again with a second in between. The server, the good ones and the hostile ones each have a process, and share
the cores: on a machine with fewer than three the hostile ones cost the others time whatever the server does. Figures
are medians of the rounds; all good ones get all events in time or it ends with an error.
"""

import argparse
import asyncio
import sys

from bench.parts.child import Child
from bench.parts.fanout_client import Server, Tally, allow_files, connect_all, running
from bench.parts.fanout_talk import Talk
from bench.parts.report import figure, median, note, quantile

RATE = 20
BAR = 1.5


async def paced(server: Server, tally: Tally, subscribers: int, seconds: float) -> list[float]:
    """The delays in ms."""
    events = max(1, int(RATE * seconds))
    tally.got = 0
    tally.delays.clear()
    server.order("paced", events, RATE)
    await tally.reach(events * subscribers)
    await server.done()
    return [1000 * delay for delay in tally.delays]


async def measure(subscribers: int, hostile: int, seconds: float) -> tuple[list[float], list[float], dict[str, int]]:
    """Without them, with them, and how often they were at it meanwhile."""
    async with running("fanout_servers", "ours") as server:
        tally = Tally()
        readers = await connect_all(server.port, tally, Talk, subscribers)
        await tally.reach(subscribers)
        await paced(server, tally, subscribers, 1.0)  # warms up
        alone = await paced(server, tally, subscribers, seconds)
        with Child("hostile_crowd", str(server.port), str(hostile)) as crowd:
            beside = await paced(server, tally, subscribers, seconds)
            done = crowd.ask("count")
        if tally.lost:
            raise RuntimeError(f"{tally.lost} good connections were lost.")
        for reader in readers:
            reader.leave()
    return alone, beside, done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=200)
    parser.add_argument("--hostile", type=int, default=2, help="of each kind")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    allow_files(asked.subscribers + 4 * asked.hostile)
    rounds = [asyncio.run(measure(asked.subscribers, asked.hostile, asked.seconds)) for _ in range(asked.rounds)]
    note(f"in the last round: {', '.join(f'{kind} {count}' for kind, count in rounds[-1][2].items())} times")
    ratio = 0.0
    for label, part in (("p50", 0.5), ("p99", 0.99)):
        pairs = [(quantile(beside, part), quantile(alone, part)) for alone, beside, _ in rounds]
        ratio = median([beside / alone for beside, alone in pairs])
        figure(
            f"delay {label} beside hostile ones, ms", median([beside for beside, _ in pairs]),
            ("without them", median([alone for _, alone in pairs])), ratio=ratio,
            bar=f"at most {BAR}" if label == "p99" else "",
        )  # fmt: skip
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
