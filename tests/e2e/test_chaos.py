"""Chaos with a ledger: parts are killed at random moments under load, and nothing acknowledged is lost or doubled.

`make chaos` does twenty rounds. The suite does as many as fit into a minute and a half.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.breakable import PARTS, Stack
from tests.e2e.ledger import Ledger, until
from tests.e2e.load import Entries, Exports, Imports, Insistent, Resuming
from tests.outbound.threaded import threaded_receiver

ROUNDS = int(os.environ.get("ROLLCALL_CHAOS_ROUNDS", "20"))
SECONDS = None if "ROLLCALL_CHAOS_ROUNDS" in os.environ else 45.0
SEED = int(os.environ.get("ROLLCALL_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
PEOPLE = 3  # who enter by hand
ROWS = 250  # of an import: some transactions, so that it may be killed between them
LOST_WITHIN_S = 30 + 15 + 75  # the lease, a sweep, and the work
LONGEST_QUIET_S, LONGEST_AWAY_S = 3.0, 1.5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 + 30 * ROUNDS)]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def victims(chance: random.Random) -> Iterator[str]:
    """Each part as often as the others, in no order."""
    while True:
        yield from chance.sample(PARTS, len(PARTS))


def break_(stack: Stack, chance: random.Random) -> None:
    """Kills one part after another, and lets each be away for a while."""
    began_s = time.monotonic()
    for number, part in zip(range(ROUNDS), victims(chance), strict=False):
        time.sleep(chance.uniform(0.2, LONGEST_QUIET_S))
        say(f"{number + 1}: {part} after {time.monotonic() - began_s:.1f} s")
        stack.kill(part)
        time.sleep(chance.uniform(0, LONGEST_AWAY_S))
        stack.start(part)
        if SECONDS is not None and time.monotonic() - began_s > SECONDS:
            return


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    """Every entry is stored once, told once by its offset and sent to the webhook; every job has its effect once."""
    say(f"ROLLCALL_CHAOS_SEED={SEED}")
    with threaded_receiver() as receiver, Stack(tmp_path) as stack, stack.server.login() as api, ExitStack() as load:
        api.post("webhooks", {"name": "Payroll", "url": receiver.url, "types": ["attendance.checked_out"]})
        people = [
            api.post("people", {"fullName": f"Person {n}", "employeeId": str(n)})["id"] for n in range(PEOPLE + 1)
        ]
        assert api.token is not None
        url, token = stack.server.url, api.token
        hears = {topic: load.enter_context(Resuming(url, token, topic)) for topic in ("attendance", "jobs")}
        for one in hears.values():
            assert one.began.wait(60)
        clients = [load.enter_context(closing(Insistent(url, token))) for _ in range(PEOPLE + 2)]
        entering = [Entries(clients[n], people[n]) for n in range(PEOPLE)]
        importing = Imports(clients[-2], people[-1], str(PEOPLE), ROWS)
        exporting = Exports(clients[-1])
        with ExitStack() as working:
            for each in (*entering, importing, exporting):
                working.enter_context(each)
            break_(stack, random.Random(SEED))

        ledger = Ledger(stack)
        until(lambda: not ledger.open_jobs(), LOST_WITHIN_S, ledger.open_jobs)
        for topic, one in hears.items():
            until(lambda: one.offset >= ledger.head(topic), 60, lambda: (one.offset, one.error))  # noqa: B023
        leaving = {id_ for _, id_, type_, _ in ledger.events("attendance") if type_ == "attendance.checked_out"}
        until(lambda: set(receiver.ids) >= leaving, 120, lambda: (len(set(receiver.ids)), len(leaving)))
        load.close()

        ledger.check_jobs("attendance-import", importing.asked, "reports", rows=ROWS, added=ROWS, known=0)
        ledger.check_jobs("audit-export", exporting.asked, "exports")
        ledger.check_entries([entry for each in (*entering, importing) for entry in each.acknowledged])
        ledger.check_each_told_once()
        for topic, one in hears.items():
            ledger.check_told(topic, one.told)
        assert set(receiver.ids) == leaving
    retries = sum(one.retries for one in clients)
    say(
        f"{sum(len(each.acknowledged) for each in entering)} entries, {importing.asked} imports of {ROWS},"
        f" {exporting.asked} exports, {retries} retries, {hears['jobs'].connections} connections"
    )
