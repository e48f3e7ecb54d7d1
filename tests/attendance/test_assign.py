"""To which working day entries belong."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.attendance.assign import Assigned, assign, working_day
from server.attendance.entry import Entry
from server.attendance.moments import MINUTE
from server.attendance.schedule import Plan
from server.attendance.shift import Pairing, Shift, Span
from server.attendance.window import window_of

MONDAY = date(2026, 3, 2)
UTC_ZONE = ZoneInfo("UTC")


def plan(times: str, days: int = 3, **more: Any) -> Plan:
    """The same shifts on some dates from Monday on."""
    found = []
    for number, text in enumerate(times.split()):
        span = Span.of(text)
        shift = Shift(str(number), text, span.start, span.end, **more)
        found += [window_of(shift, MONDAY + timedelta(days=n)) for n in range(days)]
    return Plan(tuple(sorted(found, key=lambda one: one.start)), frozenset())


def at(text: str) -> datetime:
    """`06:00+1` is six o'clock on Tuesday."""
    clock, _, later = text.partition("+")
    return datetime.fromisoformat(f"2026-03-02T{clock}:00+00:00") + timedelta(days=int(later or 0))


def assigned(text: str, planned: Plan, longest: int = 960, pairing: Pairing = Pairing.PAIRS) -> Assigned:
    words = text.split()
    entries = [
        Entry(when, at(when), "out" if kind == "out" else "in", kind == "see")
        for kind, when in zip(words[::2], words[1::2], strict=True)
    ]
    return assign(entries, planned, UTC_ZONE, longest=longest * MINUTE, pairing=pairing)


def windows(text: str, planned: Plan) -> dict[int, list[str]]:
    return {
        place: [("in " if one.is_in else "out ") + one.entry.id for one in taken]
        for place, taken in assigned(text, planned).windows.items()
    }


def test_an_entry_belongs_to_the_nearest_window() -> None:
    """The border between two is half way; the moment itself is the later one's."""
    planned = plan("06:00-10:00 16:00-20:00", days=1)
    assert windows("in 12:59 in 13:00", planned) == {0: ["in 12:59"], 1: ["in 13:00"]}


def test_a_check_out_follows_its_check_in() -> None:
    """Also to where another window is nearer, for as long as a presence may last."""
    planned = plan("06:00-14:00 14:00-22:00", days=1)
    assert windows("in 06:00 out 19:00", planned) == {0: ["in 06:00", "out 19:00"]}
    late = assigned("in 06:00 out 22:01", planned)
    assert [one.entry.id for one in late.windows[1]] == ["22:01"]


def test_a_shift_that_is_longer_than_the_longest_presence() -> None:
    """Until its end a check-out follows."""
    assert windows("in 08:00 out 08:00+1", plan("08:00-08:00")) == {0: ["in 08:00", "out 08:00+1"]}


def test_outside_of_every_window_the_date_counts() -> None:
    """The check-in window says how far a shift reaches; the neighbour may reach farther."""
    planned = plan("09:00-17:00", days=2, opens_minutes=60, closes_minutes=120)
    found = assigned("in 07:59 in 08:00 in 19:00 in 19:01", planned)
    assert {place: [one.entry.id for one in taken] for place, taken in found.windows.items()} == {0: ["08:00", "19:00"]}
    assert [one.entry.id for one in found.dates[MONDAY]] == ["07:59", "19:01"]
    far = plan("09:00-17:00", days=2, opens_minutes=60, closes_minutes=1000)
    assert windows("out 05:00+1", far) == {0: ["out 05:00+1"]}  # nearer to Tuesday's, which does not reach so far


def test_a_guessed_direction_alternates_within_its_working_day() -> None:
    """Over midnight it is the same day; the next night begins with a check-in again."""
    planned = plan("22:00-06:00")
    assert windows("see 22:00 see 02:00+1 see 02:30+1 see 21:45+1", planned) == {
        0: ["in 22:00", "out 02:00+1", "in 02:30+1"],
        1: ["in 21:45+1"],
    }


def test_a_guess_is_made_again_when_a_sighting_arrives_late() -> None:
    """What was a check-out becomes a check-in."""
    planned = plan("09:00-17:00", days=1)
    assert windows("see 09:00 see 13:00", planned) == {0: ["in 09:00", "out 13:00"]}
    assert windows("see 09:00 see 12:00 see 13:00", planned) == {0: ["in 09:00", "out 12:00", "in 13:00"]}


def test_a_guess_at_the_handover_closes_the_shift_before() -> None:
    """Unless the other one is nearer by more than an hour."""
    planned = plan("06:00-14:00 14:00-22:00", days=1)
    assert windows("see 06:00 see 14:02 see 14:10", planned) == {0: ["in 06:00", "out 14:02"], 1: ["in 14:10"]}
    assert windows("see 06:00 see 16:00", planned) == {0: ["in 06:00"], 1: ["in 16:00"]}


def test_where_the_first_and_the_last_count_all_later_ones_go_out() -> None:
    """By the rule of the shift, and of the site where there is none."""
    planned = plan("09:00-17:00", days=1, pairing=Pairing.FIRST_LAST)
    assert windows("see 09:00 see 11:00 see 12:00", planned) == {0: ["in 09:00", "out 11:00", "out 12:00"]}
    found = assigned("see 09:00 see 11:00 see 12:00", Plan(), pairing=Pairing.FIRST_LAST)
    assert [one.is_in for one in found.dates[MONDAY]] == [True, False, False]


def test_a_working_day_goes_over_midnight() -> None:
    """From where the shift before gives way to where the next one does, or as far as entries may belong to it."""
    night = plan("22:00-06:00")
    assert working_day(at("03:00+1"), night, UTC_ZONE) == working_day(at("23:00"), night, UTC_ZONE)
    start, end = working_day(at("03:00+1"), night, UTC_ZONE)
    assert start == at("18:00")
    assert end == at("14:00+1") + timedelta(microseconds=1)  # that moment itself still belongs to it
    close = plan("06:00-14:00 14:00-22:00", days=1)
    assert working_day(at("15:00"), close, UTC_ZONE)[0] == at("14:00")
    assert working_day(at("13:00"), close, UTC_ZONE)[1] == at("14:00")


def test_a_working_day_reaches_over_the_border_where_the_other_does_not() -> None:
    """The moment itself is always within, and so is no moment of the neighbour's."""
    planned = plan("09:00-17:00", days=2, opens_minutes=60, closes_minutes=1000)
    assert working_day(at("05:00+1"), planned, UTC_ZONE) == (
        at("08:00"), at("09:40+1") - timedelta(minutes=100),
    )  # fmt: skip
    wide = plan("09:00-17:00", days=2, opens_minutes=1000, closes_minutes=60)
    start, end = working_day(at("20:00"), wide, UTC_ZONE)
    assert (start, end) == (at("18:00") + timedelta(microseconds=1), at("18:00+1") + timedelta(microseconds=1))


def test_a_working_day_without_a_shift_is_a_date() -> None:
    """As clocks in the zone have it, and no farther than to where a window reaches."""
    assert working_day(at("03:00"), Plan(), UTC_ZONE) == (at("00:00"), at("00:00+1"))
    new_york = working_day(datetime(2026, 3, 8, 12, 0, tzinfo=UTC), Plan(), ZoneInfo("America/New_York"))
    assert new_york[1] - new_york[0] == timedelta(hours=23)
    planned = plan("09:00-17:00", days=1, opens_minutes=60, closes_minutes=60)
    assert working_day(at("07:00"), planned, UTC_ZONE) == (at("00:00"), at("08:00"))
    assert working_day(at("20:00"), planned, UTC_ZONE)[1] == at("00:00+1")
