"""Which shifts a person works on a date."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from server.attendance.schedule import Exemption, Plan, Roster, Rotation, Schedule, Shifts
from server.attendance.shift import Shift

MONDAY = date(2026, 3, 2)
OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
WEEK = frozenset({1, 2, 3, 4, 5})


def shift(name: str, start: int, end: int, days: frozenset[int] = frozenset(range(1, 8)), zone: str = "UTC") -> Shift:
    return Shift(name, name, time(start), time(end), zone, days)


EARLY, LATE, NIGHT = shift("early", 6, 14), shift("late", 14, 22), shift("night", 22, 6)
MORNING, EVENING, DAY = shift("morning", 6, 10), shift("evening", 16, 20), shift("day", 9, 17, WEEK)


def schedule(
    works: Shift | Rotation, *, of: str = "", made: datetime = OLD, first: date = MONDAY, last: date | None = None,
    id: str = "s",
) -> Schedule:  # fmt: skip
    person = of if of.startswith("person") else None
    department = of if of.startswith("department") else None
    return Schedule(id, works, first, made, last, person, department)


def names(shifts: Shifts | None) -> list[str] | None:
    return None if shifts is None else [one.id for one in shifts]


def on(roster: Roster, day: date = MONDAY) -> list[str] | None:
    return names(roster.shifts_on("person 1", "department 1", day))


def test_both_dates_count() -> None:
    """The first and the last one; outside of them nothing is known."""
    roster = Roster([schedule(EARLY, first=MONDAY, last=MONDAY + timedelta(days=1))])
    assert [on(roster, MONDAY + timedelta(days=n)) for n in (-1, 0, 1, 2)] == [None, ["early"], ["early"], None]


def test_the_days_of_the_week_are_those_of_the_shift() -> None:
    """Saturday is off, which is something else than not planned."""
    roster = Roster([schedule(DAY)])
    assert [on(roster, MONDAY + timedelta(days=n)) for n in (4, 5, 6, 7)] == [["day"], [], [], ["day"]]


def test_a_person_before_the_department_before_everybody() -> None:
    """The nearest level that covers the date decides alone, also where it says that it is a day off."""
    everybody = schedule(EARLY)
    department = schedule(LATE, of="department 1")
    person = schedule(shift("own", 9, 17, frozenset({2})), of="person 1")
    assert on(Roster([everybody])) == ["early"]
    assert on(Roster([everybody, department])) == ["late"]
    assert on(Roster([everybody, department, person])) == []
    assert on(Roster([person, department, everybody]), MONDAY + timedelta(days=1)) == ["own"]
    assert names(Roster([department]).shifts_on("person 2", None, MONDAY)) is None
    assert names(Roster([everybody, department]).shifts_on("person 2", "department 2", MONDAY)) == ["early"]


def test_of_two_that_overlap_the_newest_wins() -> None:
    """In whichever order they are read; made at the same moment, the greater id."""
    roster = [schedule(EARLY, made=OLD, id="a"), schedule(shift("newer", 8, 16), made=NEW, id="b")]
    assert on(Roster(roster)) == on(Roster(roster[::-1])) == ["newer"]
    same = [schedule(EARLY, id="a"), schedule(shift("greater", 8, 16), id="b")]
    assert on(Roster(same)) == on(Roster(same[::-1])) == ["greater"]


def test_two_that_do_not_overlap_are_two_shifts() -> None:
    """By their start, whichever was made first. Over midnight one may still overlap with the other."""
    assert on(Roster([schedule(MORNING, made=NEW), schedule(EVENING)])) == ["morning", "evening"]
    assert on(Roster([schedule(EARLY, made=NEW), schedule(LATE)])) == ["early", "late"]
    assert on(Roster([schedule(NIGHT, made=NEW), schedule(shift("to midnight", 18, 0))])) == ["night"]
    tokyo = shift("tokyo", 16, 20, zone="Asia/Tokyo")
    assert on(Roster([schedule(MORNING, made=NEW), schedule(tokyo)])) == ["morning"]


def test_days_of_the_week_may_be_two_schedules() -> None:
    """Early from Monday to Wednesday, late on Thursday and Friday."""
    roster = Roster(
        [
            schedule(shift("early", 6, 14, frozenset({1, 2, 3})), made=NEW),
            schedule(shift("late", 14, 22, frozenset({4, 5}))),
        ]
    )
    assert [on(roster, MONDAY + timedelta(days=n)) for n in range(6)] == [["early"]] * 3 + [["late"]] * 2 + [[]]


def test_a_rotation_of_days() -> None:
    """Two early, one night, one off; before the anchor as after it, and whatever the days of the week are."""
    turns = Rotation(MONDAY, ((EARLY,), (EARLY,), (shift("night", 22, 6, WEEK),), ()))
    roster = Roster([schedule(turns, first=MONDAY - timedelta(days=4))])
    found = [on(roster, MONDAY + timedelta(days=n)) for n in range(-4, 8)]
    assert found == [["early"], ["early"], ["night"], []] * 3


def test_a_rotation_of_weeks() -> None:
    """One week early, one week late, on the days of each shift."""
    turns = Rotation(MONDAY, ((shift("early", 6, 14, WEEK),), (shift("late", 14, 22, WEEK),)), "week")
    roster = Roster([schedule(turns)])
    assert [on(roster, MONDAY + timedelta(days=n)) for n in (0, 4, 5, 7, 11, 12, 14)] == [
        ["early"], ["early"], [], ["late"], ["late"], [], ["early"],
    ]  # fmt: skip


def test_nothing_older_adds_to_a_rotation() -> None:
    """Its days off are days off; what is newer than it still adds."""
    turns = Rotation(MONDAY, ((MORNING,), ()))
    assert on(Roster([schedule(EVENING), schedule(turns, made=NEW)]), MONDAY + timedelta(days=1)) == []
    assert on(Roster([schedule(EVENING, made=NEW), schedule(turns)])) == ["morning", "evening"]


def test_a_turn_may_have_shifts_that_overlap() -> None:
    """Whoever plans that in one schedule means both."""
    both = shift("from noon", 12, 20)
    assert on(Roster([schedule(Rotation(MONDAY, ((both, EARLY),)))])) == ["early", "from noon"]


def test_an_exemption_is_for_one_date() -> None:
    """Other shifts or none; a person's before the department's, the newest of equals, whatever the schedules say."""
    roster = Roster(
        [schedule(DAY, of="person 1")],
        [
            Exemption("a", MONDAY, (LATE,), OLD, department_id="department 1"),
            Exemption("b", MONDAY + timedelta(days=1), (LATE,), OLD, department_id="department 1"),
            Exemption("c", MONDAY + timedelta(days=1), (), NEW, person_id="person 1"),
            Exemption("d", MONDAY + timedelta(days=2), (NIGHT,), NEW),
            Exemption("e", MONDAY + timedelta(days=2), (EARLY,), OLD),
            Exemption("f", MONDAY + timedelta(days=5), (EARLY,), OLD),
        ],
    )
    found = [on(roster, MONDAY + timedelta(days=n)) for n in range(6)]
    assert found == [["late"], [], ["night"], ["day"], ["day"], ["early"]]


def test_the_plan_has_windows_by_their_start_and_names_what_is_not_planned() -> None:
    """A window for each shift; the last of them begins on the last date."""
    roster = Roster([schedule(Rotation(MONDAY, ((EVENING, MORNING), (), (NIGHT,))), first=MONDAY)])
    plan = roster.plan("person 1", None, MONDAY - timedelta(days=1), MONDAY + timedelta(days=2))
    assert [(one.shift.id, one.date) for one in plan.windows] == [
        ("morning", MONDAY), ("evening", MONDAY), ("night", MONDAY + timedelta(days=2)),
    ]  # fmt: skip
    assert plan.unplanned == frozenset({MONDAY - timedelta(days=1)})
    assert plan.by_date == {MONDAY: (0, 1), MONDAY + timedelta(days=2): (2,)}
    assert plan.silent_on(MONDAY - timedelta(days=1))
    assert not plan.silent_on(MONDAY)
    assert Plan().silent_on(MONDAY)


def test_who_has_the_same_plan_shares_it() -> None:
    """It is worked out once for a department, and again for who has one of their own."""
    roster = Roster([schedule(DAY, of="department 1"), schedule(EARLY, of="person 3")])
    last = MONDAY + timedelta(days=6)
    one, two, three = (roster.plan(f"person {n}", "department 1", MONDAY, last) for n in (1, 2, 3))
    assert one is two
    assert [len(one.windows), len(three.windows)] == [5, 7]


def test_windows_give_way_to_each_other_in_the_middle() -> None:
    """Half way between the end of the one and the start of the next, also where they overlap."""
    overlapping = Rotation(MONDAY, ((EARLY, shift("from noon", 12, 20)), ()))
    plan = Roster([schedule(overlapping)]).plan("person 1", None, MONDAY, MONDAY)
    [border] = plan.borders
    first, second = plan.windows
    assert border == (first.end + second.start) // 2
    assert second.start < border < first.end


def test_what_cannot_be_is_refused() -> None:
    """For a person or a department, and not to a date before it began."""
    with pytest.raises(ValueError, match="departmentId"):
        Schedule("s", EARLY, MONDAY, OLD, None, "person 1", "department 1")
    with pytest.raises(ValueError, match="departmentId"):
        Exemption("e", MONDAY, (), OLD, "person 1", "department 1")
    with pytest.raises(ValueError, match="to"):
        schedule(EARLY, last=MONDAY - timedelta(days=1))
    with pytest.raises(ValueError, match="turns"):
        Rotation(MONDAY, ())
