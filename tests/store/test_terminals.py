"""Terminals of other makers and their lines, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from server.errors import Conflict, NotFound
from server.events.limits import Reach
from server.store import held, people, terminals
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Department, Entry, Job, Person, Site, Terminal, TerminalLine
from tests.store.conftest import NOON, add_person, after


async def add_terminal(store: Store, serial: str = "OID7", **more: Any) -> Terminal:
    async with store.transaction() as session:
        return await terminals.TERMINALS.save(session, Terminal(serial_number=serial, name="Gate", **more))


async def add_line(store: Store, terminal: Terminal, pin: str, minutes: float = 0, **more: Any) -> TerminalLine:
    fields: dict[str, Any] = {"state": terminals.WAITING, "status": "0", "verify": "1", "work_code": ""} | more
    row = TerminalLine(
        terminal_id=terminal.id, digest=f"{pin}{minutes}", pin=pin, at=after(minutes),
        local_time=after(minutes).isoformat(" "), **fields,
    )  # fmt: skip
    async with store.transaction() as session:
        session.add(row)
    return row


async def test_a_serial_number_is_there_once(store: Store) -> None:
    """And found by it."""
    gate = await add_terminal(store)
    with pytest.raises(Conflict) as refused:
        await add_terminal(store)
    assert refused.value.code == "terminal_exists"
    async with store.read() as session:
        found = await terminals.find(session, "OID7")
        assert found is not None
        assert found.id == gate.id
        assert await terminals.find(session, "OID8") is None


async def test_zones(store: Store) -> None:
    """Its own, that of its site, or the server's."""
    site = Site(name="Plant", timezone="Asia/Tokyo")
    async with store.transaction() as session:
        session.add(site)
    rows = (
        await add_terminal(store, "A", timezone="Europe/Berlin", site_id=site.id),
        await add_terminal(store, "B", site_id=site.id),
        await add_terminal(store, "C"),
    )
    async with store.read() as session:
        zones = [await terminals.zone_of(session, row, "UTC") for row in rows]
    assert zones == ["Europe/Berlin", "Asia/Tokyo", "UTC"]


async def test_what_it_tells_is_no_edit(store: Store) -> None:
    """Its tag stays, and what is known already is not written again."""
    gate = await add_terminal(store)
    async with store.transaction() as session:
        await terminals.note_seen(session, gate, NOON, "192.0.2.7", "Ver 6.60")
        await terminals.note_stamp(session, gate, "42")
    async with store.read() as session:
        seen = await session.get_one(Terminal, gate.id)
    assert (seen.last_seen_at, seen.last_address, seen.firmware, seen.stamp) == (NOON, "192.0.2.7", "Ver 6.60", "42")
    assert seen.updated_at == gate.updated_at
    assert terminals.seen_lately(seen, NOON + timedelta(seconds=59), "192.0.2.7")
    assert not terminals.seen_lately(seen, NOON + timedelta(seconds=60), "192.0.2.7")
    assert not terminals.seen_lately(seen, NOON, "192.0.2.8")
    assert not terminals.seen_lately(seen, NOON, "192.0.2.7", "Ver 7")


async def test_whose_a_pin_is(store: Store) -> None:
    """The id for terminals goes before the employee number."""
    ada = await add_person(store, "Ada", employee_id="1", external_ids={"terminal": "2"})
    bea = await add_person(store, "Bea", employee_id="2")
    cleo = await add_person(store, "Cleo", employee_id="3", external_ids={"hr": "1"})
    async with store.read() as session:
        found = await terminals.people_of(session, ["1", "2", "3", "4", "é"])
    assert {pin: [one.id for one in several] for pin, several in found.items()} == {
        "1": [ada.id], "2": [ada.id], "3": [cleo.id],
    }  # fmt: skip
    assert bea.id not in {one.id for several in found.values() for one in several}


async def test_lines_that_wait(store: Store) -> None:
    """In the order of time, page by page; PINs only once somebody active has them."""
    gate = await add_terminal(store)
    for minutes in (3, 1, 2):
        await add_line(store, gate, "7", minutes)
    await add_line(store, gate, "8")
    await add_line(store, gate, "7", 9, state="entered")
    async with store.read() as session:
        assert await terminals.waiting_pins(session) == []
    await add_person(store, "Ada", external_ids={"terminal": "7"})
    await add_person(store, "Bea", employee_id="8", active=False)
    async with store.read() as session:
        assert await terminals.waiting_pins(session) == ["7"]
        first = await terminals.waiting(session, "7", None, 2)
        line_id, at = first[-1]
        rest = await terminals.waiting(session, "7", (at, line_id), 2)
        jobs = (await session.exec(select(Job))).all()
    assert [at for _, at in (*first, *rest)] == [after(1), after(2), after(3)]
    assert [job.kind for job in jobs] == [terminals.JOB]
    assert [event.data["kind"] for event in await TableLog(store).read("jobs", 0, 10)] == [terminals.JOB]


async def test_who_is_limited_sees_the_lines_of_their_people(store: Store) -> None:
    """Not those of nobody yet."""
    gate, lab = await add_terminal(store), Department(name="Lab")
    async with store.transaction() as session:
        session.add(lab)
    ada = await add_person(store, "Ada", department_id=lab.id)
    bea = await add_person(store, "Bea")
    theirs = await add_line(store, gate, "1", person_id=ada.id, state="entered")
    await add_line(store, gate, "2", person_id=bea.id, state="entered")
    waits = await add_line(store, gate, "3")
    reach = Reach(None, frozenset({lab.id}))
    async with store.read() as session:
        assert (await terminals.page_lines(session, Page(1, 20), gate.id)).total == 3
        found = await terminals.page_lines(session, Page(1, 20), gate.id, reach=reach)
        waiting = await terminals.page_lines(session, Page(1, 20), gate.id, state=terminals.WAITING)
        with pytest.raises(NotFound):
            await terminals.lock_line(session, gate.id, waits.id, reach)
        with pytest.raises(NotFound):
            await terminals.lock_line(session, "another", waits.id)
        assert (await terminals.lock_line(session, gate.id, waits.id)).id == waits.id
    assert [row.id for row in found.rows] == [theirs.id]
    assert [row.id for row in waiting.rows] == [waits.id]


async def test_a_terminal_with_lines_that_wait_stays(store: Store) -> None:
    """With it they would be lost; afterwards it goes with its lines, and entries stay."""
    gate = await add_terminal(store)
    ada = await add_person(store, "Ada")
    entry = Entry(person_id=ada.id, at=NOON, direction="in", origin="terminal", terminal_id=gate.id)
    async with store.transaction() as session:
        session.add(entry)
    line = await add_line(store, gate, "7")
    async with store.transaction() as session:
        with pytest.raises(Conflict, match="wait"):
            await terminals.check_removal(session, gate.id)
        row = await session.get_one(TerminalLine, line.id)
        row.state, row.entry_id = "entered", entry.id
    async with store.transaction() as session:
        await terminals.check_removal(session, gate.id)
        await terminals.TERMINALS.remove(session, await session.get_one(Terminal, gate.id))
    async with store.read() as session:
        assert (await session.exec(select(TerminalLine))).all() == []
        assert (await session.get_one(Entry, entry.id)).terminal_id is None


async def test_somebody_who_goes(store: Store) -> None:
    """Lines with their PIN go with them, also those of which nothing came; their entries stay without a name."""
    gate = await add_terminal(store)
    ada = await add_person(store, "Ada", employee_id="7", external_ids={"terminal": "007"})
    await add_line(store, gate, "7", person_id=ada.id, state="entered")
    await add_line(store, gate, "007", 1, state="refused", reason="in_the_future")
    await add_line(store, gate, "12", 2, person_id=ada.id, state="entered")
    other = await add_line(store, gate, "8")
    found = [rows async for rows in held.rows(store, held.tables(ada.id)["terminalLines"])]
    assert [row.pin for row in found[0]] == ["7", "12"]
    async with store.transaction() as session:
        await people.remove(session, await session.get_one(Person, ada.id))
    async with store.read() as session:
        assert [row.id for row in (await session.exec(select(TerminalLine))).all()] == [other.id]


async def test_a_pin_that_two_have(store: Store) -> None:
    """With one of them go the lines that were theirs; those that wait may be the other's, and are called for."""
    gate = await add_terminal(store)
    ada = await add_person(store, "Ada", external_ids={"terminal": "7"})
    wrong = await add_person(store, "Adda", employee_id="12", external_ids={"terminal": "7"})
    bea = await add_person(store, "Bea", employee_id="13")
    await add_line(store, gate, "7", person_id=wrong.id, state="entered")
    await add_line(store, gate, "12", 1, state="refused", reason="in_the_future")
    waits = await add_line(store, gate, "7", 2, reason="several_people")
    hers = await add_line(store, gate, "7", 3, person_id=ada.id, state="entered")
    given = await add_line(store, gate, "12", 4, person_id=bea.id, state="entered")  # by an operator's word
    async with store.read() as session:
        assert (await session.exec(select(Job))).all() == []
    async with store.transaction() as session:
        await people.remove(session, await session.get_one(Person, wrong.id))
    async with store.read() as session:
        left = (await session.exec(select(TerminalLine))).all()
        assert [job.kind for job in (await session.exec(select(Job))).all()] == [terminals.JOB]
    assert {row.id for row in left} == {waits.id, hers.id, given.id}


@pytest.mark.parametrize("lost", [{"employee_id": "8"}, {"employee_id": None, "external_ids": {"terminal": "9"}}])
async def test_a_pin_that_somebody_loses(store: Store, lost: dict[str, Any]) -> None:
    """What waits for it is called for: by now it may be plain whose it is. An edit of something else calls for none."""
    gate = await add_terminal(store)
    ids = {"terminal": "7"} if "external_ids" in lost else {}
    wrong = await add_person(store, "Adda", employee_id="7", external_ids=ids)
    await add_line(store, gate, "7", reason="several_people")
    for fields, jobs in (({"full_name": "Ada"}, 1), (lost, 2)):
        async with store.transaction() as session:
            row = await people.lock(session, wrong.id)
            row.active = False  # calls for nothing of their own
            for name, value in fields.items():
                setattr(row, name, value)
            await people.save_person(session, row)
        async with store.read() as session:
            assert len((await session.exec(select(Job))).all()) == jobs - 1


async def test_two_who_are_one(store: Store) -> None:
    """The lines of both are of the one who stays, and what waited for the number that they take over is called for."""
    gate = await add_terminal(store)
    ada = await add_person(store, "Ada")
    other = await add_person(store, "Ada L.", employee_id="7")
    line = await add_line(store, gate, "7", person_id=other.id, state="entered")
    await add_line(store, gate, "7", 1)
    async with store.transaction() as session:
        rows = [await people.lock(session, one.id) for one in (ada, other)]
        await people.merge(session, *rows)
    async with store.read() as session:
        assert (await session.get_one(TerminalLine, line.id)).person_id == ada.id
        assert len((await session.exec(select(Job))).all()) == 1


async def test_old_lines_are_forgotten(store: Store) -> None:
    """By when they were kept."""
    gate = await add_terminal(store)
    await add_line(store, gate, "7", created_at=after(-10))
    young = await add_line(store, gate, "8", created_at=after(10))
    async with store.transaction() as session:
        assert await terminals.forget_old(session, NOON) == 1
    async with store.read() as session:
        assert [row.id for row in (await session.exec(select(TerminalLine))).all()] == [young.id]
