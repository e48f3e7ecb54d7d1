"""Sums of days."""

from server.attendance.day import Status
from server.jobs.day_sums import STATUSES, Sums
from tests.jobs.days_made_up import LESS, day, person


def test_days_are_added_up() -> None:
    """Each by its status; late days and their minutes; what locked ones differ by."""
    ada, sums = person("Ada"), Sums()
    for one in (day(ada), day(ada, 1, late_minutes=0, marks=[]), day(ada, 2, status=Status.OFF, adjustment=LESS)):
        sums.add(one)
    assert (sums.days, sums.worked, sums.rest, sums.overtime) == (3, 1350, 90, 45)
    assert (sums.late, sums.late_days, sums.missing_outs) == (10, 2, 2)
    assert (sums.adjusted_days, sums.adjusted_worked) == (1, -450)
    assert sums.by_status[Status.PRESENT] == 2
    assert sums.by_status[Status.OFF] == 1


def test_every_status_has_its_place() -> None:
    """None is forgotten."""
    assert set(STATUSES) == set(Status)
