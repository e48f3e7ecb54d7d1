"""What a table of days says."""

from datetime import datetime
from typing import Any

from server.jobs.day_columns import COLUMNS, Names, as_text, row_of
from tests.jobs.days_made_up import LESS, MONDAY, NAMES, day, person


def told(**more: Any) -> dict[str, object]:
    found = row_of(day(person("Ada"), **more), NAMES)
    return {column.name: value for column, value in zip(COLUMNS, found, strict=True)}


def test_a_value_for_each_column() -> None:
    """Names instead of ids, and the clock on the wall of the day's zone."""
    found = told()
    assert (found["date"], found["department"], found["site"]) == (MONDAY, "Lab", "Berlin")
    first = found["firstIn"]
    assert isinstance(first, datetime)
    assert (first.hour, str(first.tzinfo)) == (9, "Europe/Berlin")
    assert (found["marks"], found["closedAt"], found["locked"]) == ("half_day missing_out", None, False)
    assert (found["adjustedStatus"], found["adjustedWorkedMinutes"]) == (None, None)


def test_an_adjustment_is_told_in_columns_of_its_own() -> None:
    """The day itself stays as it was paid."""
    found = told(locked=True, adjustment=LESS)
    assert (found["workedMinutes"], found["adjustedWorkedMinutes"], found["adjustedBreakMinutes"]) == (450, -450, -30)
    assert (found["status"], found["adjustedStatus"]) == ("present", "absent")


def test_what_nobody_may_know_has_no_name() -> None:
    """A department that is not among the names stays empty."""
    found = row_of(day(person("Ada")), Names())
    assert found[[column.name for column in COLUMNS].index("department")] is None


def test_as_text() -> None:
    """Times say their offset, truth is a word, numbers stay numbers."""
    found = told()
    assert as_text(found["firstIn"]) == "2026-01-05T09:00:30+01:00"  # type: ignore[arg-type]
    assert [as_text(one) for one in (MONDAY, True, False, None, -3, "x")] == [
        "2026-01-05", "true", "false", None, -3, "x"
    ]  # fmt: skip


def test_names_are_unique() -> None:
    """For programs and for people."""
    for names in ([column.name for column in COLUMNS], [column.title for column in COLUMNS]):
        assert len(set(names)) == len(names)
