"""Shifts in use, leave that overlaps, holidays that are there, and the dates that lists are cut by."""

from datetime import date
from typing import Any

import pytest

from server.errors import Conflict
from server.store import working_time
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Holiday, Leave, Schedule, Shift, Site
from server.store.working_time import HOLIDAYS, SCHEDULES, between, of_site
from tests.store.conftest import add_person

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)


async def keep(store: Store, *rows: Any) -> None:
    async with store.transaction() as session:
        for row in rows:
            session.add(row)
            await session.flush()


async def test_a_shift_is_in_use(store: Store) -> None:
    """Directly or within a rotation, and not once the schedule is gone."""
    plain, turned, free = (Shift(name=name, rules={}) for name in "abc")
    turns = {"anchor": "2026-01-05", "unit": "day", "turns": [[], [turned.id]]}
    await keep(
        store,
        plain,
        turned,
        free,
        Schedule(shift_id=plain.id, first_date=DAY),
        Schedule(rotation=turns, first_date=DAY),
    )
    async with store.read() as session:
        for shift in (plain, turned):
            with pytest.raises(Conflict):
                await working_time.check_shift_unused(session, shift.id)
        await working_time.check_shift_unused(session, free.id)
        assert await working_time.known_shifts(session, [plain.id, "none", None]) == {plain.id}


@pytest.mark.parametrize(
    ("half", "other", "clashes"),
    [(None, None, True), (None, "first", True), ("first", "first", True), ("first", "second", False)],
)
async def test_leave_overlaps(store: Store, half: str | None, other: str | None, clashes: bool) -> None:
    """Two halves of one day do not; neither do the days of two people, nor a row with itself."""
    ada, bea = await add_person(store, "Ada"), await add_person(store, "Bea")

    def leave(person_id: str, which: str | None) -> Leave:
        return Leave(person_id=person_id, first_date=DAY, last_date=DAY, kind="x", half=which)

    there = leave(ada.id, half)
    await keep(store, there)
    async with store.read() as session:
        await working_time.check_leave_free(session, there)
        await working_time.check_leave_free(session, leave(bea.id, half))
        if clashes:
            with pytest.raises(Conflict):
                await working_time.check_leave_free(session, leave(ada.id, other))
        else:
            await working_time.check_leave_free(session, leave(ada.id, other))


async def test_a_holiday_is_there_once(store: Store) -> None:
    """Also where neither has a site, which the database does not see."""
    await keep(store, Holiday(date=DAY, name="Fair"))
    async with store.read() as session:
        with pytest.raises(Conflict):
            await working_time.check_holiday_new(session, Holiday(date=DAY, name="Fair"))
        await working_time.check_holiday_new(session, Holiday(date=NEXT, name="Fair"))
        found = await HOLIDAYS.page(session, Page(), conditions=of_site("any"))
    assert [row.name for row in found.rows] == ["Fair"]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(None, None, 2), (None, date(2026, 1, 4), 0), (DAY, DAY, 2), (NEXT, None, 1), (date(2027, 1, 1), None, 1)],
)
async def test_dates(store: Store, since: date | None, until: date | None, found: int) -> None:
    """What lies in them at least in part; without an end it goes on for good."""
    await keep(store, Schedule(first_date=DAY), Schedule(first_date=DAY, last_date=DAY))
    async with store.read() as session:
        conditions = between(Schedule.first_date, Schedule.last_date, since, until)
        assert (await SCHEDULES.page(session, Page(), conditions=conditions)).total == found


async def test_many_holidays(store: Store) -> None:
    """Those of one site and those of every site are told apart; the same at the same time is a conflict."""
    plant = Site(name="Plant", timezone="UTC")
    await keep(store, plant)
    async with store.transaction() as session:
        rows = [Holiday(date=DAY, name="Fair"), Holiday(date=NEXT, name="Fair", site_id=plant.id)]
        await working_time.add_holidays(session, rows)
    async with store.read() as session:
        assert await working_time.holidays_known(session, None) == {(DAY, "Fair")}
        assert await working_time.holidays_known(session, plant.id) == {(NEXT, "Fair")}
    with pytest.raises(Conflict):
        async with store.transaction() as session:
            await working_time.add_holidays(session, [Holiday(date=NEXT, name="Fair", site_id=plant.id)])
