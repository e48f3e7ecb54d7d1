"""Days as a workbook: a summary, a sheet of all days, one of each department, and one of each person if few enough.

Cells have types: dates and times are those of the clock on the wall where somebody works, durations are durations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO

import xlsxwriter

from server.jobs.day_columns import COLUMNS, Names, Value, row_of
from server.jobs.day_sums import STATUSES, Sums
from server.jobs.sheet_names import sheet_names
from server.pipeline.days_in_turn import DaysOf
from server.store.tables import Person

# Each sheet is an open file while it is written.
MOST_PERSON_SHEETS = 100
MOST_DEPARTMENT_SHEETS = 100
SUMMARY, ALL = "Summary", "All days"
NO_DEPARTMENT = "Without a department"
MINUTES_A_DAY = 24 * 60
FORMATS = {
    "date": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm", "duration": "[h]:mm", "minutes": "0", "flag": "General",
}  # fmt: skip
_SUMS: tuple[tuple[str, str], ...] = (
    ("Days", "minutes"), *((one.value.title(), "minutes") for one in STATUSES), ("Worked (h:mm)", "duration"),
    ("Break (h:mm)", "duration"), ("Overtime (h:mm)", "duration"), ("Late days", "minutes"),
    ("Late (minutes)", "minutes"), ("Left early (minutes)", "minutes"), ("Missing check-outs", "minutes"),
    ("Adjusted days", "minutes"), ("Worked since (minutes)", "minutes"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class About:
    """What the file is of."""

    first: date
    last: date
    zone: str  # the site's; each day names its own
    made_at: datetime  # by the clock of that zone
    locked_through: date | None
    people: Sequence[Person]
    names: Names


class DaysWorkbook:
    """XLSX. Rows leave memory as they are written; the sheets' parts lie in `folder` until it is finished."""

    def __init__(self, file: BinaryIO, about: About, folder: str) -> None:
        self._about = about
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder, "use_zip64": True})
        self._bold = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._formats = {kind: self._book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
        self._total, self._by_department, self._by_person = (
            Sums(),
            dict[str | None, Sums](),
            list[tuple[Person, Sums]](),
        )
        self._rows: dict[Any, int] = {}
        self._add_sheets()

    def add(self, some: Sequence[DaysOf]) -> None:
        for person, days in some:
            sums, department = Sums(), self._by_department.setdefault(person.department_id, Sums())
            sheets = [one for one in (
                self._all, self._departments.get(person.department_id), self._people.get(person.id)
            ) if one is not None]  # fmt: skip
            for day in days:
                values = row_of(day, self._about.names)
                for sheet in sheets:
                    self._write_day(sheet, values)
                for each in (sums, department, self._total):
                    each.add(day)
            self._by_person.append((person, sums))

    def finish(self) -> None:
        for sheet, rows in self._rows.items():
            sheet.autofilter(0, 0, max(rows - 1, 0), len(COLUMNS) - 1)
        self._write_summary()
        self._book.close()

    def close(self) -> None:
        """Lets go of what an unfinished one holds open; the folder is removed by whoever made it."""
        for sheet in self._book.worksheets():
            if not sheet.row_data_fh_closed:
                sheet.row_data_fh.close()
                sheet.row_data_fh_closed = True

    def _add_sheets(self) -> None:
        self._summary, self._all = self._book.add_worksheet(SUMMARY), self._book.add_worksheet(ALL)
        taken, told = [SUMMARY, ALL], self._about.names.departments
        ids = self._by_name({one.department_id for one in self._about.people})
        ids = ids if len(ids) <= MOST_DEPARTMENT_SHEETS else []
        names = sheet_names((told.get(one or "", NO_DEPARTMENT) for one in ids), NO_DEPARTMENT, taken)
        self._departments = {one: self._book.add_worksheet(name) for one, name in zip(ids, names, strict=True)}
        people = self._about.people if len(self._about.people) <= MOST_PERSON_SHEETS else []
        names = sheet_names((one.full_name for one in people), "Person", [*taken, *names])
        self._people = {one.id: self._book.add_worksheet(name) for one, name in zip(people, names, strict=True)}
        for sheet in (self._all, *self._departments.values(), *self._people.values()):
            self._head(sheet)

    def _head(self, sheet: Any) -> None:
        for number, column in enumerate(COLUMNS):
            sheet.set_column(number, number, column.width)
        sheet.freeze_panes(1, 3)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        for number, column in enumerate(COLUMNS):
            sheet.write_string(0, number, column.title, self._bold)
        self._rows[sheet] = 1

    def _write_day(self, sheet: Any, values: Iterable[Value]) -> None:
        row = self._rows[sheet]
        for number, (column, value) in enumerate(zip(COLUMNS, values, strict=True)):
            if value is not None:
                self._write(sheet, row, number, column.kind, value)
        self._rows[sheet] = row + 1

    def _write(self, sheet: Any, row: int, number: int, kind: str, value: Value) -> None:
        if isinstance(value, bool):
            sheet.write_boolean(row, number, value)
        elif isinstance(value, datetime):
            # A workbook knows no zones: what the clock showed, to the second.
            sheet.write_datetime(row, number, value.replace(tzinfo=None, microsecond=0), self._formats["moment"])
        elif isinstance(value, date):
            sheet.write_datetime(row, number, value, self._formats["date"])
        elif isinstance(value, int):
            self._write_number(sheet, row, number, kind, value)
        else:
            sheet.write_string(row, number, str(value))

    def _write_number(self, sheet: Any, row: int, number: int, kind: str, value: int) -> None:
        shown = value / MINUTES_A_DAY if kind == "duration" else value
        sheet.write_number(row, number, shown, self._formats[kind])

    def _write_summary(self) -> None:
        about, sheet = self._about, self._summary
        sheet.set_column(0, 2, 24)
        sheet.set_column(3, 3 + len(_SUMS), 11)
        sheet.write_string(0, 0, "Attendance", self._bold)
        told: tuple[tuple[str, date | int | str], ...] = (
            ("From", about.first), ("To", about.last), ("Time zone of the site", about.zone),
            ("Times", "as the clock showed them in the time zone of each row"),
            ("Made at", about.made_at), ("Locked through", about.locked_through or "nothing is locked"),
            ("People", len(about.people)), ("Days", self._total.days), ("Sheets of departments", self._said(
                bool(self._departments), MOST_DEPARTMENT_SHEETS, "departments")),
            ("Sheets of people", self._said(bool(self._people), MOST_PERSON_SHEETS, "people")),
        )  # fmt: skip
        for row, (name, value) in enumerate(told, 1):
            sheet.write_string(row, 0, name)
            self._write(sheet, row, 1, "minutes", value)
        row = self._write_sums(len(told) + 2, "Departments", (
            (about.names.departments.get(one or "", NO_DEPARTMENT), "", "", self._by_department[one])
            for one in self._by_name(self._by_department)
        ))  # fmt: skip
        row = self._write_sums(row, None, [("All", "", "", self._total)])
        self._write_sums(row + 1, "People", (
            (person.full_name, person.employee_id or "", about.names.departments.get(person.department_id or "", ""),
             sums)
            for person, sums in self._by_person
        ))  # fmt: skip

    def _by_name(self, department_ids: Iterable[str | None]) -> list[str | None]:
        """Those without a department come last."""
        told = self._about.names.departments
        return sorted(department_ids, key=lambda one: (one is None, told.get(one or "", "").lower(), one or ""))

    def _said(self, there: bool, most: int, of: str) -> str:
        return "one for each" if there else f"none: there are more than {most} {of}" if self._about.people else "none"

    def _write_sums(self, row: int, title: str | None, lines: Iterable[tuple[str, str, str, Sums]]) -> int:
        """The row after them."""
        if title is not None:
            heads = (title, *(("Employee no.", "Department") if title == "People" else ("", "")))
            for number, text in enumerate((*heads, *(name for name, _ in _SUMS))):
                self._summary.write_string(row, number, text, self._bold)
            row += 1
        for name, employee_id, department, sums in lines:
            for number, text in enumerate((name, employee_id, department)):
                if text:
                    self._summary.write_string(row, number, text)
            for number, (value, (_, kind)) in enumerate(zip(_figures(sums), _SUMS, strict=True), 3):
                self._write_number(self._summary, row, number, kind, value)
            row += 1
        return row


def _figures(sums: Sums) -> list[int]:
    return [
        sums.days, *(sums.by_status[one] for one in STATUSES), sums.worked, sums.rest, sums.overtime, sums.late_days,
        sums.late, sums.early, sums.missing_outs, sums.adjusted_days, sums.adjusted_worked,
    ]  # fmt: skip
