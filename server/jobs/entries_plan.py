"""Which entries are in a file: a table or a workbook becomes rows, and what is wrong is named with row and field."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from server.attendance.rules import Direction
from server.errors import Invalid
from server.jobs.people_plan import EXTERNAL, Refusal, csv_lines

MOST_ROWS = 100_000
MOST_LINES = 2 * MOST_ROWS  # with the empty ones, of which a workbook can hold any number in a few bytes
MOST_COLUMNS = 100
MOST_BYTES = 30_000_000
MOST_UNPACKED_BYTES = 300_000_000
LENGTHS = {"personId": 36, "employeeId": 64, "email": 254, "reason": 500}
WHO = ("personId", "employeeId", "email")
_COLUMNS = {name.lower(): name for name in (*LENGTHS, "at", "date", "time", "direction")}
_IGNORED = ("fullname", "name", "department")  # for whoever reads the table
_WAYS: Mapping[str, Direction] = {
    "in": "in", "check-in": "in", "checkin": "in", "out": "out", "check-out": "out", "checkout": "out",
}  # fmt: skip
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One row: by what its person is known (a column and what it says), when, and which way. `at` without a zone is
    what the clock showed where that person is."""

    line: int
    who: tuple[tuple[str, str], ...]
    at: datetime
    direction: Direction
    reason: str = ""

    @property
    def name(self) -> str:
        """Whoever it is, for the report."""
        return self.who[0][1]


@dataclass(slots=True)
class EntriesPlan:
    """What is to be imported, and what was refused before it began."""

    rows: list[EntryLine] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def entries_in(file: BinaryIO) -> EntriesPlan:
    """Reads a CSV or an XLSX. It blocks: call it in a thread.

    Raises Invalid, with line and column, for a table that cannot be understood: then nothing is imported at all.
    """
    file.seek(0)
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _bad(f"A table may have {MOST_BYTES // 1_000_000} MB at most.", "too_large")
    lines = iter(_workbook(content) if content.startswith(_ZIP) else _table(content))
    head_line, head = next(lines, (1, []))
    columns = _columns(head_line, _titles(head_line, head))
    plan = EntriesPlan()
    for count, (line, cells) in enumerate(lines, start=1):
        if count > MOST_LINES:
            raise _bad(f"There are more than {MOST_LINES:,} rows, with the empty ones.", "too_many_rows")
        if not any(one not in (None, "") for one in cells):
            continue
        if len(plan.rows) + len(plan.refusals) >= MOST_ROWS:
            raise _bad(f"There are more than {MOST_ROWS:,} rows. Send several files.", "too_many_rows")
        row = _row(plan, columns, line, cells)
        if row is not None:
            plan.rows.append(row)
    if not plan.rows and not plan.refusals:
        raise _bad("There are no rows in it.", "empty")
    return plan


def moment_of(at: datetime, zone: str) -> datetime:
    """In UTC. What a clock showed twice is the first of both; what it never showed moves forward by the gap.

    Raises Invalid where that is before or after all dates that there are.
    """
    try:
        return (at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except OverflowError:
        raise Invalid.field("at", "bad_time", "There is no such date.") from None


def _table(content: bytes) -> Iterator[tuple[int, Sequence[object]]]:
    if b"\0" in content[:4096] and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise _bad("This is neither a CSV table nor an Excel workbook (.xlsx).", "unknown_format")
    yield from csv_lines(content)


def _workbook(content: bytes) -> Iterator[tuple[int, Sequence[object]]]:
    """The first sheet, its cells as Excel types them."""
    from openpyxl import load_workbook  # a quarter of a second, at every start of a server that may never need it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED_BYTES:
                raise _bad("The workbook unpacks to more than 300 MB.", "too_much")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, SyntaxError):
        raise _bad("This is no Excel workbook (.xlsx) that can be read.", "bad_workbook") from None
    try:
        sheet: Any = book.worksheets[0] if book.worksheets else None
        if sheet is None:
            return
        sheet.reset_dimensions()  # what a program has written of its size may be wrong
        # One column too many is for _columns() to see.
        for line, cells in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1), start=1):
            yield line, [one.strip() if isinstance(one, str) else one for one in cells]
    except (ValueError, KeyError, SyntaxError, zipfile.BadZipFile):
        raise _bad("The first sheet of the workbook is damaged.", "bad_workbook") from None
    finally:
        book.close()


def _titles(line: int, cells: Sequence[object]) -> list[str]:
    """Without the empty cells that workbooks have behind the last one. Raises Invalid."""
    head = [str(one or "").strip() for one in cells]
    while head and not head[-1]:
        head.pop()
    if len(head) > MOST_COLUMNS:
        raise _bad(f"Line {line} has more than {MOST_COLUMNS} columns.", "too_many_columns")
    return head


def _columns(line: int, head: Sequence[str]) -> list[str]:
    """What each column is called here. Raises Invalid."""
    found = list[str]()
    for number, title in enumerate(head, start=1):
        name = _COLUMNS.get(title.lower())
        if title.lower().startswith(EXTERNAL.lower()) and len(title) > len(EXTERNAL):
            name = EXTERNAL + title[len(EXTERNAL) :]
        if title.lower() in _IGNORED:
            name = f"({title.lower()})"
        if name is None:
            known = ", ".join((*WHO, f"{EXTERNAL}NAME", "at", "date", "time", "direction", "reason"))
            said = title or "without a title"
            raise _bad(f"Line {line}, column {number} ({said}) is not known. Known are {known}.", "unknown_column")
        if name in found:
            raise _bad(f"Line {line}, column {number}: {name} is there twice.", "column_twice")
        found.append(name)
    if not any(name in WHO or name.startswith(EXTERNAL) for name in found):
        raise _bad(f"Line {line} has no column employeeId, email or {EXTERNAL}NAME.", "missing_column")
    if "at" not in found and not {"date", "time"} <= set(found):
        raise _bad(f"Line {line} has no column at, nor date and time.", "missing_column")
    if "direction" not in found:
        raise _bad(f"Line {line} has no column direction.", "missing_column")
    return found


def _row(plan: EntriesPlan, columns: Sequence[str], line: int, cells: Sequence[object]) -> EntryLine | None:
    """The entry of one row; None where it was refused."""
    given = {name: cell for name, cell in zip(columns, cells, strict=False) if cell not in (None, "")}
    who = tuple((name, _text(cell)) for name, cell in given.items() if name in WHO or name.startswith(EXTERNAL))
    person = who[0][1][:200] if who else ""

    def refuse(column: str, code: str, message: str) -> EntryLine | None:
        plan.refusals.append(Refusal(code, message, line, column, person=person))
        return None

    if any(one not in (None, "") for one in cells[len(columns) :]):
        return refuse(str(len(columns) + 1), "too_many_cells", f"There are {len(columns)} columns, and more cells.")
    if not who:
        first = next(name for name in columns if name in WHO or name.startswith(EXTERNAL))
        return refuse(first, "missing", "Say whose entry this is.")
    wrong = _wrong_text(given)
    if wrong is not None:
        return refuse(*wrong)
    direction = _WAYS.get(_text(given.get("direction", "")).lower())
    if direction is None:
        return refuse("direction", "bad_direction", "Write in or out.")
    column = "at" if "at" in given or "date" not in columns else "date"
    at = _at(given)
    if at is None:
        if column not in given:
            return refuse(column, "missing", "The time is missing.")
        return refuse(column, "bad_time", "Write it as 2026-01-05 09:00 or as 2026-01-05T09:00:00+01:00.")
    return EntryLine(line, who, at, direction, _text(given.get("reason", "")))


def _text(cell: object) -> str:
    """What a cell shows. Excel keeps numbers of employees as floats."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _wrong_text(given: Mapping[str, object]) -> tuple[str, str, str] | None:
    """Column, code and sentence of the first text that cannot be kept."""
    for name, cell in given.items():
        text, longest = _text(cell), LENGTHS.get(name)
        if not _storable(text):
            return name, "bad_text", "It has a character that no database can hold."
        if longest is not None and len(text) > longest:
            return name, "too_long", f"It is longer than {longest} letters."
    return None


def _storable(text: str) -> bool:
    """Neither NUL nor half of a letter, which a workbook may hold by their numbers."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _at(given: Mapping[str, object]) -> datetime | None:
    """The time of a row, with or without a zone; None where there is none or it is no time."""
    cell = given.get("at")
    if cell is None and "date" in given and "time" in given:
        day, clock = _date(given["date"]), _time(given["time"])
        return datetime.combine(day, clock) if day is not None and clock is not None else None
    if isinstance(cell, datetime):
        return _whole(cell)
    if not isinstance(cell, str) or len(cell) < len("2026-01-05 09:00"):
        return None
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _whole(at: datetime) -> datetime:
    """Excel counts days as floats, and misses a second by some microseconds."""
    return (at + timedelta(microseconds=500_000)).replace(microsecond=0)


def _date(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    try:
        return date.fromisoformat(_text(cell))
    except ValueError:
        return None


def _time(cell: object) -> time | None:
    if isinstance(cell, datetime):
        return _whole(cell).time()
    if isinstance(cell, time):
        return _whole(datetime.combine(date.min, cell)).time()
    try:
        return time.fromisoformat(_text(cell))
    except ValueError:
        return None


def _bad(message: str, code: str) -> Invalid:
    return Invalid.field("file", code, message)
