"""The words of a day."""

from datetime import date

from server.attendance.day import NO_MARKS, Day, Mark, Status


def test_the_statuses_are_those_of_the_contract() -> None:
    """Programs of others know these six."""
    assert {status.value for status in Status} == {"present", "absent", "leave", "holiday", "incomplete", "off"}


def test_a_day_of_which_nothing_is_known() -> None:
    """No minutes, no marks, no shift."""
    day = Day("p", date(2026, 3, 2), Status.OFF)
    assert (day.worked_minutes, day.marks, day.shift_id, day.entries) == (0, NO_MARKS, None, ())
    assert Mark.CLOSED.value == "closed"
