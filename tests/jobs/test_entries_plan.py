"""Tables and workbooks of entries: what a row says, and what is wrong with it by row and field."""

import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from openpyxl import Workbook

from server.errors import Invalid
from server.jobs import entries_plan
from server.jobs.entries_plan import EntriesPlan, entries_in, moment_of

HEAD = b"employeeId,at,direction,reason\n"


def of_table(content: bytes) -> EntriesPlan:
    return entries_in(io.BytesIO(content))


def of_workbook(rows: list[list[Any]]) -> EntriesPlan:
    book, packed = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(packed)
    return entries_in(packed)


def test_rows_with_and_without_a_zone() -> None:
    """An offset counts; without one it is what the clock showed; blank lines are none, words of the way are several."""
    plan = of_table(
        HEAD + b"7,2026-01-05T09:00:00+01:00,in,Reader\n\n7,2026-01-05 17:30,Check-Out,\n7,20260105T08Z00,in\n"
    )
    assert [(row.line, row.who, row.direction, row.reason) for row in plan.rows] == [
        (2, (("employeeId", "7"),), "in", "Reader"), (4, (("employeeId", "7"),), "out", ""),
    ]  # fmt: skip
    assert plan.rows[0].at == datetime(2026, 1, 5, 9, tzinfo=timezone(timedelta(hours=1)))
    assert plan.rows[1].at == datetime(2026, 1, 5, 17, 30)  # noqa: DTZ001 - of whoever it is
    assert [(one.line, one.column, one.code) for one in plan.refusals] == [(5, "at", "bad_time")]


def with_rows(given: str) -> bytes:
    """A workbook with one entry, and these rows of XML after it."""
    book, packed, made = Workbook(), io.BytesIO(), io.BytesIO()
    for row in (["email", "at", "direction"], ["a@b.c", "2026-01-05 09:00", "in"]):
        book.active.append(row)
    book.save(packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace("</sheetData>", f"{given}</sheetData>")
            new.writestr(name, content)
    return made.getvalue()


def test_rows_that_a_workbook_leaves_out() -> None:
    """They count as well: a few bytes can say that there is any number of them. Columns have an end, too."""
    cell = '<c r="{}{}" t="str"><v>x</v></c>'
    far = with_rows('<row r="999999999999"/>')
    assert len(far) < 20_000
    with pytest.raises(Invalid) as refused:
        entries_in(io.BytesIO(far))
    assert refused.value.details[0].code == "too_many_rows"
    gap = entries_in(io.BytesIO(with_rows(f'<row r="9000">{cell.format("A", 9000)}</row>')))
    assert [(one.line, one.code) for one in gap.refusals] == [(9000, "bad_direction")]
    wide = entries_in(io.BytesIO(with_rows(f'<row r="3">{cell.format("CW", 3)}</row>')))
    assert [(one.line, one.code) for one in wide.refusals] == [(3, "too_many_cells")]
    with pytest.raises(Invalid) as refused:
        of_workbook([["email", "at", "direction", *(f"externalIds.n{n}" for n in range(200))]])
    assert refused.value.details[0].code == "too_many_columns"


def test_a_workbook_has_times_of_its_own() -> None:
    """Numbers are numbers of employees, dates and times are cells; a float that misses a second is that second."""
    plan = of_workbook([
        ["Name", "employeeId", "date", "time", "direction", None],
        ["Ada", 7.0, date(2026, 1, 5), time(9, 0), "in", None],
        ["Ada", "7", "2026-01-05", "17:00", "out", None],
        [None, None, None, None, None, None],
    ])  # fmt: skip
    assert [(row.line, row.who[0][1], row.at.isoformat()) for row in plan.rows] == [
        (2, "7", "2026-01-05T09:00:00"), (3, "7", "2026-01-05T17:00:00"),
    ]  # fmt: skip
    whole = of_workbook([["email", "at", "direction"], ["a@b.c", datetime(2026, 1, 5, 8, 59, 59, 999_990), "in"]])  # noqa: DTZ001
    assert whole.rows[0].at.isoformat() == "2026-01-05T09:00:00"


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (b",2026-01-05 09:00,in", "employeeId", "missing"),
        (b"7,,in", "at", "missing"),
        (b"7,05.01.2026 09:00,in", "at", "bad_time"),
        (b"7,2026-01-05,in", "at", "bad_time"),
        (b"7,2026-02-30 09:00,in", "at", "bad_time"),
        (b"7,2026-01-05 09:00,both", "direction", "bad_direction"),
        (b"7,2026-01-05 09:00,", "direction", "bad_direction"),
        (b"7,2026-01-05 09:00,in,x,more", "5", "too_many_cells"),
        (b"7,2026-01-05 09:00,in," + b"x" * 501, "reason", "too_long"),
        (b"7\x00,2026-01-05 09:00,in", "employeeId", "bad_text"),
        (b"7" * 65 + b",2026-01-05 09:00,in", "employeeId", "too_long"),
    ],
)
def test_a_row_that_cannot_be_taken(row: bytes, column: str, code: str) -> None:
    """It is named with its line, its column and a code; the others stay."""
    plan = of_table(HEAD + b"\n" * 5000 + row + b"\n8,2026-01-05 09:00,in\n")
    assert [(one.line, one.column, one.code) for one in plan.refusals] == [(5002, column, code)]
    assert [one.who[0][1] for one in plan.rows] == ["8"]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"who,at,direction\n", "unknown_column", "Line 1, column 1 (who)"),
        (b"employeeId,at\n1,2\n", "missing_column", "no column direction"),
        (b"at,direction\n", "missing_column", "no column employeeId"),
        (b"employeeId,date,direction\n", "missing_column", "no column at"),
        (b"employeeId,employeeId,at,direction\n", "column_twice", "employeeId is there twice"),
        (HEAD, "empty", "no rows"),
        (b"", "missing_column", "no column employeeId"),
        (b"\x00\x01\x02", "unknown_format", "neither a CSV table nor an Excel workbook"),
        (b"PK\x03\x04 broken", "bad_workbook", "no Excel workbook"),
        (b'employeeId,at,direction\n"7,2026', "bad_csv", "quotation marks"),
    ],
)
def test_a_table_that_cannot_be_understood(content: bytes, code: str, words: str) -> None:
    """It is refused as a whole, with where and why."""
    with pytest.raises(Invalid) as refused:
        of_table(content)
    [detail] = refused.value.details
    assert (detail.field, detail.code) == ("file", code)
    assert words in detail.message


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither rows nor bytes nor what a workbook unpacks to is without one."""
    for name, most, code in (
        ("MOST_ROWS", 1, "too_many_rows"), ("MOST_BYTES", 20, "too_large"),
    ):  # fmt: skip
        with monkeypatch.context() as smaller:
            smaller.setattr(entries_plan, name, most)
            with pytest.raises(Invalid) as refused:
                of_table(HEAD + b"7,2026-01-05 09:00,in\n8,2026-01-05 09:00,in\n")
        assert refused.value.details[0].code == code
    monkeypatch.setattr(entries_plan, "MOST_UNPACKED_BYTES", 100)
    with pytest.raises(Invalid) as refused:
        of_workbook([["employeeId", "at", "direction"]])
    assert refused.value.details[0].code == "too_much"


def test_a_clock_that_is_changed() -> None:
    """A time that comes twice is the first of both; one that never comes moves forward by the gap."""
    twice, never = datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - on the wall
    assert moment_of(twice, "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment_of(never, "Europe/Berlin") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    for never in (datetime(1, 1, 1), datetime(9999, 12, 31, 23)):  # noqa: DTZ001 - on the wall
        with pytest.raises(Invalid):
            moment_of(never, "Asia/Tokyo" if never.year == 1 else "America/New_York")
    assert moment_of(datetime(2026, 1, 5, 9, tzinfo=UTC), "Asia/Tokyo") == datetime(2026, 1, 5, 9, tzinfo=UTC)
