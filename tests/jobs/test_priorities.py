"""Priorities: whatever imports there are, what is short begins at once, a webhook is delivered, and all are done."""

import asyncio

from server.clock import ManualClock
from server.jobs.kinds import Kind, Outcome, Priority, Work
from server.jobs.work import Place
from tests.jobs.conftest import jobs_of, load, running, until, until_that
from tests.jobs.test_jobs import queue as queue
from tests.outbound.conftest import Office
from tests.outbound.conftest import receiver as receiver
from tests.outbound.conftest import running as delivering
from tests.outbound.receiver import Receiver


class Slow:
    """What goes on until it is let to an end, in the order in which it was begun."""

    def __init__(self, order: list[str], name: str) -> None:
        self.open = asyncio.Event()
        self._order = order
        self._name = name

    async def do(self, _work: Work) -> Outcome:
        self._order.append(f"{self._name} begun")
        await self.open.wait()
        self._order.append(f"{self._name} done")
        return Outcome()

    def kind(self, priority: Priority) -> Kind:
        return Kind(self._name, self.do, priority)


async def test_a_long_import_delays_neither_a_webhook_nor_a_short_job(
    place: Place, clock: ManualClock, receiver: Receiver, queue: dict[str, str]
) -> None:
    """Nor an export, with more imports waiting than there is room for; and these come to their turn."""
    order: list[str] = []
    imports, exports, short = Slow(order, "import"), Slow(order, "export"), Slow(order, "short")
    short.open.set()
    here = jobs_of(place, imports.kind("low"), exports.kind("normal"), short.kind("high"), at_once=1, **queue)
    office = Office(place.store, clock)
    async with running(here), delivering(office.deliverer()):
        waiting = [(await here.submit(None, "import")).id for _ in range(4)]
        await until_that(lambda: order == ["import begun"])
        export = await here.submit(None, "export")
        await until_that(lambda: order[1:] == ["export begun"])
        quick = await here.submit(None, "short")
        await until(place, quick.id, "done")
        await office.add(receiver.url)
        await office.happen()
        await receiver.until(1)
        assert order == ["import begun", "export begun", "short begun", "short done"]
        assert [(await load(place, one)).state for one in waiting].count("queued") == 3
        imports.open.set()
        exports.open.set()
        for one in (*waiting, export.id):
            await until(place, one, "done")


async def test_what_is_short_starves_nobody(place: Place) -> None:
    """However much of it there is, the oldest import begins: the places of one priority are taken by no other."""
    order: list[str] = []
    imports, short = Slow(order, "import"), Slow(order, "short")
    here = jobs_of(place, imports.kind("low"), short.kind("high"), at_once=1)
    async with running(here):
        many = [(await here.submit(None, "short")).id for _ in range(3)]
        await until_that(lambda: order == ["short begun"])
        last = await here.submit(None, "import")
        imports.open.set()
        await until(place, last.id, "done")
        assert order == ["short begun", "import begun", "import done"]
        short.open.set()
        for one in many:
            await until(place, one, "done")


async def test_of_one_priority_the_longest_waiting_comes_first(place: Place) -> None:
    """Of whichever kind."""
    order: list[str] = []
    first, second = Slow(order, "first"), Slow(order, "second")
    first.open.set()
    second.open.set()
    nobody = jobs_of(place, first.kind("low"), second.kind("low"), works=False)
    jobs = [await nobody.submit(None, name) for name in ("second", "first", "second")]
    async with running(jobs_of(place, first.kind("low"), second.kind("low"), at_once=1)):
        for job in jobs:
            await until(place, job.id, "done")
    assert [one for one in order if one.endswith("begun")] == ["second begun", "first begun", "second begun"]
