"""Days as a workbook, read back."""

import io
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest

from server.jobs import days_workbook
from server.jobs.days_file import opened
from server.pipeline.days_in_turn import DaysOf
from server.store.tables import Person
from tests.jobs.days_made_up import LESS, MONDAY, about, day, person


def wall(text: str) -> datetime:
    """As a cell has it: without a zone."""
    return datetime.fromisoformat(text)


def written(people: list[Person], days: list[DaysOf]) -> Any:
    file = io.BytesIO()
    with opened("xlsx", file, about(people)) as book:
        book.add(days)
        book.finish()
    return openpyxl.load_workbook(file)


def test_cells_have_types() -> None:
    """To the second, without a zone; durations; numbers below zero; truth; text that looks like a formula."""
    ada = person("=SUM(A1)")
    book = written([ada], [(ada, [day(ada, locked=True, adjustment=LESS)])])
    head, row = book["All days"].iter_rows()
    cells = {name.value: cell for name, cell in zip(head, row, strict=True)}
    assert cells["Date"].value == wall("2026-01-05")
    assert (cells["Date"].number_format, cells["First in"].number_format) == ("yyyy-mm-dd", "yyyy-mm-dd hh:mm")
    assert cells["First in"].value == wall("2026-01-05T09:00:30")
    assert (cells["Worked (h:mm)"].value, cells["Worked (h:mm)"].number_format) == (timedelta(minutes=450), "[h]:mm")
    assert (cells["Late (minutes)"].value, cells["Worked since (minutes)"].value) == (5, -450)
    assert (cells["Locked"].value, cells["Shift"].value) == (True, None)
    assert (cells["Name"].data_type, cells["Name"].value) == ("s", "=SUM(A1)")


def test_sheets_of_departments_and_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the days of theirs; where they are too many, the summary says why there are none."""
    ada, bob, cleo = person("Ada"), person("ada"), person("Summary", None)
    people, days = [ada, bob, cleo], [(one, [day(one), day(one, 1)]) for one in (ada, bob, cleo)]
    book = written(people, days)
    names = ["Summary", "All days", "Lab", "Without a department", "Ada", "ada (2)", "Summary (2)"]
    assert book.sheetnames == names
    assert [sheet.max_row for sheet in book][1:] == [7, 5, 3, 3, 3, 3]
    monkeypatch.setattr(days_workbook, "MOST_PERSON_SHEETS", 2)
    monkeypatch.setattr(days_workbook, "MOST_DEPARTMENT_SHEETS", 1)
    book = written(people, days)
    assert book.sheetnames == ["Summary", "All days"]
    told = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert told["Sheets of people"] == "none: there are more than 2 people"
    assert told["Sheets of departments"] == "none: there are more than 1 departments"


def test_the_summary() -> None:
    """Dates, the zone, when it was made, and sums of departments, all and people."""
    ada, cleo = person("Ada"), person("Cleo", None)
    book = written([ada, cleo], [(ada, [day(ada), day(ada, 1)]), (cleo, [day(cleo)])])
    lines = [row for row in book["Summary"].iter_rows(values_only=True) if row[0]]
    told = {row[0]: row for row in lines}
    assert (told["From"][1], told["To"][1].date()) == (wall("2026-01-05"), MONDAY + timedelta(days=6))
    assert (told["Time zone of the site"][1], told["Locked through"][1]) == ("Europe/Berlin", "nothing is locked")
    worked = told["Departments"].index("Worked (h:mm)")
    assert [(row[0], row[worked]) for row in lines[-7:] if row[0] != "People"] == [
        ("Departments", "Worked (h:mm)"), ("Lab", timedelta(minutes=900)),
        ("Without a department", timedelta(minutes=450)), ("All", timedelta(minutes=1350)),
        ("Ada", timedelta(minutes=900)), ("Cleo", timedelta(minutes=450)),
    ]  # fmt: skip
