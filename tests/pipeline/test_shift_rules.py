"""The rules of a shift: from what is stored to what days are worked out by."""

from datetime import time

import pytest
from pydantic import ValidationError

from server.attendance.shift import Kind, Pairing, Span, Step
from server.pipeline.shift_rules import ShiftRules, as_rules
from server.store.tables import Shift


def stored(**rules: object) -> Shift:
    form = ShiftRules.model_validate({"start": "09:00", "end": "17:00", **rules})
    return Shift(id="s1", name="Early", rules=form.model_dump(mode="json"))


def test_all_of_it_arrives() -> None:
    """Times, spans, roundings and kinds, by their own types."""
    row = stored(
        timezone="Europe/Berlin", days=[1, 2], kind="split", breakMinutes=30, roundIn={"step": "up", "minutes": 5},
        overtime={"leastMinutes": 15, "limitMinutes": 120}, pairing="first_last",
        parts=[{"start": "09:00", "end": "12:00"}, {"start": "14:00", "end": "17:00"}],
        breaks=[{"start": "10:00", "end": "10:15"}],
    )  # fmt: skip
    found = as_rules(row, "UTC")
    assert (found.id, found.name, found.start, found.end) == ("s1", "Early", time(9), time(17))
    assert (found.timezone, found.days, found.kind) == ("Europe/Berlin", frozenset({1, 2}), Kind.SPLIT)
    assert found.parts == (Span.of("09:00-12:00"), Span.of("14:00-17:00"))
    assert found.breaks == (Span.of("10:00-10:15"),)
    assert (found.round_in.step, found.round_in.minutes, found.round_out.step) == (Step.UP, 5, Step.NONE)
    assert (found.overtime.least_minutes, found.overtime.limit_minutes) == (15, 120)
    assert found.pairing is Pairing.FIRST_LAST


def test_without_a_zone_it_is_by_the_clocks_of_whoever_works_it() -> None:
    """And what is left out has the defaults of the rules."""
    found = as_rules(stored(), "Asia/Tokyo")
    assert (found.timezone, found.kind, found.days) == ("Asia/Tokyo", Kind.FIXED, frozenset(range(1, 8)))
    assert as_rules(Shift(name="Old", rules={"start": "09:00", "end": "17:00"}), "UTC").closes_minutes == 480


@pytest.mark.parametrize("wrong", [{"start": "9"}, {"timezone": "Nowhere"}, {"days": [8]}, {"colour": "red"}])
def test_what_no_shift_has(wrong: dict[str, object]) -> None:
    """It is refused when it comes in."""
    with pytest.raises(ValidationError):
        stored(**wrong)


def test_what_the_rules_refuse() -> None:
    """They name the field."""
    with pytest.raises(ValueError, match="parts"):
        as_rules(stored(kind="split"), "UTC")
