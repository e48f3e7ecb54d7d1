"""Lines of terminals become entries: once each, in order, with their events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.punches import punches_of
from server.clock import ManualClock
from server.parts import Parts
from server.pipeline import terminals as module
from server.pipeline.terminals import CLOCK_ALERT, TerminalLines
from server.store import people, terminals
from server.store.tables import Alert, Entry, Job, Person, Terminal, TerminalLine
from tests.pipeline.conftest import events_of

NOW = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def terminal(parts: Parts) -> Terminal:
    row = Terminal(serial_number="OID7", name="Gate", timezone="Europe/Berlin")
    async with parts.store.transaction() as session:
        session.add(row)
    return row


@pytest.fixture
def lines(parts: Parts) -> TerminalLines:
    return TerminalLines(parts.store, parts.recorder, parts.recorder.wake, parts.clock, parts.runtime)


async def send(lines: TerminalLines, terminal: Terminal, *sent: str) -> bool:
    """Each is `PIN time status`, on the 5th of January."""
    rows = ["{}\t2026-01-05 {}\t{}\t1".format(*one.split()) for one in sent]
    return await lines.take(terminal.id, punches_of("\n".join(rows).encode()))


async def kept(parts: Parts) -> Sequence[TerminalLine]:
    async with parts.store.read() as session:
        return (await session.exec(select(TerminalLine).order_by(TerminalLine.local_time, TerminalLine.pin))).all()


async def made(parts: Parts) -> list[tuple[str, str, str]]:
    """Time in UTC, direction and why of each entry."""
    async with parts.store.read() as session:
        rows = (await session.exec(select(Entry).order_by(Entry.at))).all()  # type: ignore[arg-type]
    assert {row.origin for row in rows} <= {"terminal"}
    return [(f"{row.at:%H:%M}", row.direction, row.why) for row in rows]


async def add(parts: Parts, **fields: object) -> Person:
    async with parts.store.transaction() as session:
        return await people.save_person(session, Person.model_validate({"full_name": "Ada", **fields}))


async def test_keys_and_what_says_nothing(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """The key that was pressed counts; without one, the other direction of the last."""
    await send(
        lines, terminal, "STS-93 16:00:00 1", "STS-93 08:00:00 0", "STS-93 12:00:00 2", "STS-93 12:30:00 3",
        "STS-93 17:00:00 255",
    )  # fmt: skip
    assert await made(parts) == [
        ("07:00", "in", "status"), ("11:00", "out", "status"), ("11:30", "in", "status"), ("15:00", "out", "status"),
        ("16:00", "in", "other_direction"),
    ]  # fmt: skip
    told = await events_of(parts, "attendance")
    assert [kind for kind, _ in told] == [
        f"attendance.checked_{way}" for way in ("in", "out", "in", "out", "in")
    ]  # in the order of time, however they were sent
    assert {data["terminalId"] for _, data in told} == {terminal.id}
    assert {line.state for line in await kept(parts)} == {"entered"}


async def test_times_without_leading_zeros(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """They come in the order of time too, turn by turn."""
    await send(lines, terminal, *(f"STS-93 {time}:00 255" for time in ("10:00", "8:00", "7:00", "9:00")))
    assert [(time, way) for time, way, _ in await made(parts)] == [
        ("06:00", "in"), ("07:00", "out"), ("08:00", "in"), ("09:00", "out"),
    ]  # fmt: skip


async def test_many_that_are_known(
    parts: Parts, terminal: Terminal, lines: TerminalLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked up by the hundred, and no further than what one request takes."""
    monkeypatch.setattr(module, "MOST_NEW", 5)
    monkeypatch.setattr(module, "LOOKED_UP", 4)
    asked = list[int]()
    known = terminals.known_digests

    async def counted(session: AsyncSession, terminal_id: str, digests: Sequence[str]) -> set[str]:
        asked.append(len(digests))
        return await known(session, terminal_id, digests)

    monkeypatch.setattr(terminals, "known_digests", counted)
    sent = [f"77 {hour:02}:00:00 0" for hour in range(18)]
    rounds = 0
    while not await send(lines, terminal, *sent):
        rounds += 1
        assert asked[:2] == [4, 4]  # of five new ones eight are enough; the last is to keep them
        assert len(await kept(parts)) == 5 * rounds
        if rounds == 1:
            assert asked == [4, 4, 5]
        asked.clear()
    assert (rounds, len(await kept(parts))) == (3, 18)
    assert asked == [4, 4, 4, 4, 2, 3]


async def test_what_is_sent_again_makes_nothing_twice(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """Not in one request, not in the next."""
    for _ in range(3):
        assert await send(lines, terminal, "STS-93 08:00:00 0", "STS-93 08:00:00 0", "STS-93 16:00:00 1")
    assert len(await kept(parts)) == len(await made(parts)) == len(await events_of(parts, "attendance")) == 2


@pytest.mark.parametrize("role", ["status", "both"])
async def test_a_terminal_that_is_registered_again(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines, role: Literal["status", "both"]
) -> None:
    """It sends all that it has once more. Nothing of it is an entry again: neither the other way round, nor what was a
    duplicate, nor what was corrected or removed since."""
    async with parts.store.transaction() as session:
        (await session.get_one(Terminal, terminal.id)).role = role
    sent = ("STS-93 08:00:00 0", "STS-93 08:01:00 0", "STS-93 12:00:00 1", "STS-93 12:02:00 1", "STS-93 16:00:00 0")
    await send(lines, terminal, *sent)
    before = await made(parts)
    assert [(time, way) for time, way, _ in before] == [("07:00", "in"), ("11:00", "out"), ("15:00", "in")]
    async with parts.store.transaction() as session:
        noon, last = (await session.exec(select(Entry).order_by(col(Entry.at).desc()))).all()[1::-1]
        noon.at, noon.direction, noon.original = NOW.replace(hour=10), "in", {"direction": "out"}
        last.state = "removed"
        await terminals.TERMINALS.remove(session, await session.get_one(Terminal, terminal.id))
    again = Terminal(serial_number="OID7", name="Gate", timezone="Europe/Berlin", role=role)
    async with parts.store.transaction() as session:
        session.add(again)
    assert await send(lines, again, *sent, "STS-93 17:00:00 1")
    assert [(time, way) for time, way, _ in await made(parts)] == [
        ("07:00", "in"), ("10:00", "in"), ("15:00", "in"), ("16:00", "out"),
    ]  # fmt: skip
    assert [(line.state, line.reason) for line in await kept(parts)] == [
        ("duplicate", "entry_exists"), ("duplicate", "cooldown"), ("duplicate", "entry_exists"),
        ("duplicate", "cooldown"), ("duplicate", "entry_exists"), ("entered", ""),
    ]  # fmt: skip


async def test_at_another_door_within_the_cool_down(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """A way out counts, also where the terminal at the way in is there no more."""
    await send(lines, terminal, "STS-93 08:00:00 0")
    back = Terminal(serial_number="OID8", name="Back", timezone="Europe/Berlin", role="out")
    async with parts.store.transaction() as session:
        session.add(back)
        await terminals.TERMINALS.remove(session, await session.get_one(Terminal, terminal.id))
    await send(lines, back, "STS-93 08:02:00 0")
    assert [way for _, way, _ in await made(parts)] == ["in", "out"]


async def test_the_same_key_within_the_cool_down(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """It is kept as a duplicate that points to the entry; another key is another thing."""
    await send(lines, terminal, "STS-93 08:00:00 0", "STS-93 08:01:00 0", "STS-93 08:02:00 1", "STS-93 08:03:00 255")
    assert [way for _, way, _ in await made(parts)] == ["in", "out"]
    states = [(line.state, line.reason) for line in await kept(parts)]
    assert states == [("entered", ""), ("duplicate", "cooldown"), ("entered", ""), ("duplicate", "cooldown")]
    assert all(line.entry_id for line in await kept(parts))


async def test_a_terminal_whose_keys_nobody_presses(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """Its role says what a line means, whatever the key."""
    async with parts.store.transaction() as session:
        row = await session.get_one(Terminal, terminal.id)
        row.role = "both"
    await send(lines, terminal, "STS-93 08:00:00 0", "STS-93 12:00:00 0", "STS-93 13:00:00 0")
    assert [way for _, way, _ in await made(parts)] == ["in", "out", "in"]


async def test_lines_wait_for_their_person(parts: Parts, terminal: Terminal, lines: TerminalLines) -> None:
    """Kept with the reason; once somebody has the number a job is called for, which makes the entries, in order."""
    await send(lines, terminal, "77 16:00:00 1", "77 08:00:00 0", "78 08:00:00 0")
    assert {(line.state, line.reason) for line in await kept(parts)} == {("unknown_person", "no_such_pin")}
    assert await lines.enter_waiting() == 0
    ada = await add(parts, employee_id="77")
    async with parts.store.read() as session:
        assert [job.kind for job in (await session.exec(select(Job))).all()] == ["terminal-lines"]
    assert await lines.enter_waiting() == 2
    assert await lines.enter_waiting() == 0
    assert [way for _, way, _ in await made(parts)] == ["in", "out"]
    assert [kind for kind, _ in await events_of(parts, "attendance")] == [
        "attendance.checked_in", "attendance.checked_out",
    ]  # fmt: skip
    assert [line.person_id for line in await kept(parts)] == [ada.id, None, ada.id]


async def test_many_lines_wait_and_come_in_one_go(
    parts: Parts, terminal: Terminal, lines: TerminalLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one transaction's, and more than one request's: the rest is taken when it is sent again."""
    monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr(module, "MOST_NEW", 7)
    sent = [f"77 {hour:02}:00:00 {hour % 2}" for hour in range(10)]
    assert not await send(lines, terminal, *sent)
    assert len(await kept(parts)) == 7
    assert await send(lines, terminal, *sent)
    await add(parts, employee_id="77")
    assert await lines.enter_waiting() == 10
    assert len(await made(parts)) == 10


async def test_a_pin_of_its_own(parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines) -> None:
    """`externalIds.terminal` goes before an employee number; of two who have it nobody is guessed; nobody who left."""
    ada = await add(parts, external_ids={"terminal": "STS-93"})
    await add(parts, external_ids={"terminal": "5"})
    await add(parts, external_ids={"terminal": "5"})
    await add(parts, employee_id="6", active=False)
    await send(lines, terminal, "STS-93 08:00:00 0", "5 08:00:00 0", "6 08:00:00 0")
    found = {line.pin: (line.reason, line.person_id) for line in await kept(parts)}
    assert found == {"STS-93": ("", ada.id), "5": ("several_people", None), "6": ("person_inactive", None)}
    assert await lines.enter_waiting() == 0


async def test_a_clock_that_is_wrong(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines, clock: ManualClock
) -> None:
    """Kept with its reason, no entry, one alert; cleared by lines whose times can be."""
    await send(lines, terminal, "STS-93 23:00:00 0")
    await lines.take(terminal.id, punches_of(b"STS-93\t2000-01-01 00:00:10\t0\t1\nrubbish\n"))
    reasons = {line.reason for line in await kept(parts)}
    assert reasons == {"in_the_future", "too_long_ago", "not_understood"}
    assert {line.state for line in await kept(parts)} == {"refused"}
    assert await made(parts) == []
    async with parts.store.read() as session:
        [alert] = (await session.exec(select(Alert))).all()
    assert (alert.kind, alert.subject, alert.cleared_at) == (CLOCK_ALERT, f"terminals/{terminal.id}", None)
    assert "Gate" in alert.message
    clock.advance(60)
    await send(lines, terminal, "STS-93 08:00:00 0")
    async with parts.store.read() as session:
        [alert] = (await session.exec(select(Alert))).all()
    assert alert.cleared_at == NOW + timedelta(seconds=60)


async def test_late_lines_take_their_place(
    parts: Parts, terminal: Terminal, person: Person, lines: TerminalLines
) -> None:
    """What says the same as an entry by hand is a duplicate of it."""
    by_hand = Entry(person_id=person.id, at=NOW.replace(hour=7), direction="in", origin="manual")
    async with parts.store.transaction() as session:
        session.add(by_hand)
    await send(lines, terminal, "STS-93 08:00:00 0")
    [line] = await kept(parts)
    assert (line.state, line.reason, line.entry_id) == ("duplicate", "entry_exists", by_hand.id)
