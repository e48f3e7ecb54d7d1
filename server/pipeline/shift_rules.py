"""The rules of a shift as they are stored and come in, and as the working out of days takes them."""

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, Field

from server.attendance import shift as rules
from server.attendance.shift import Closing, Kind, Overtime, Pairing, Rounding, Span, Step, zone_of
from server.store.tables import Shift
from server.store.views import CLOCK
from server.wire import Form

DAY = 24 * 60


def _zone(name: str) -> str:
    """As it was given. Raises ValueError for a zone that does not exist."""
    zone_of(name)
    return name


Zone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_zone)]
Clock = Annotated[str, Field(pattern=CLOCK, examples=["09:00"])]
Minutes = Annotated[int, Field(ge=0, le=DAY)]


class SpanForm(Form):
    start: Clock
    end: Clock


class RoundingForm(Form):
    step: Step = Step.NONE
    minutes: int = Field(15, ge=1, le=60, description="divides an hour")


class OvertimeForm(Form):
    """Time after the end of the shift, or what is worked beyond so many minutes a day."""

    after_minutes: Minutes | None = Field(None, description="worked a day; null: after the end of the shift")
    least_minutes: Minutes = Field(0, description="fewer are none")
    limit_minutes: Minutes | None = Field(None, description="a day; what is beyond is worked, yet no overtime")
    early_counts: bool = Field(False, description="also time before the start")


class ShiftRules(Form):
    """All of a shift but its name."""

    start: Clock
    end: Clock = Field(description="one that is not after `start` is on the next day")
    timezone: Zone | None = Field(None, description="null: that of the person")
    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(
        default=[1, 2, 3, 4, 5, 6, 7], max_length=7, description="of the week, 1 is Monday: on which it starts"
    )
    kind: Kind = Kind.FIXED
    break_minutes: Minutes = Field(0, description="taken off unless entries show a longer one")
    breaks: list[SpanForm] = Field(default=[], max_length=8, description="who is there then is on a break")
    break_after_minutes: Minutes = Field(0, description="the break is taken off only from a presence as long as this")
    grace_late_minutes: Minutes = 0
    grace_early_minutes: Minutes = 0
    opens_minutes: Minutes = Field(240, description="so long before its start an entry belongs to it")
    closes_minutes: Minutes = Field(480, description="so long after its end an entry belongs to it")
    round_in: RoundingForm = RoundingForm()
    round_out: RoundingForm = RoundingForm()
    least_minutes: Minutes = Field(0, description="who has worked fewer is absent")
    half_day_minutes: Minutes = Field(0, description="who has worked fewer has a half day")
    overtime: OvertimeForm = OvertimeForm()
    parts: list[SpanForm] = Field(default=[], max_length=8, description="of a split shift")
    core: SpanForm | None = Field(None, description="of a flexible shift: who must be there then")
    required_minutes: Minutes | None = Field(None, description="of a flexible shift")
    pairing: Pairing = Pairing.PAIRS
    closing: Closing = Field(Closing.END, description="when a presence ends of which the check-out is missing")


def as_rules(row: Shift, timezone: str) -> rules.Shift:
    """A row as the rules take it; `timezone` is for a shift that names none. Raises ValueError as they do."""
    form = ShiftRules.model_validate(row.rules)
    own = dict(form) | {
        "start": time.fromisoformat(form.start), "end": time.fromisoformat(form.end),
        "timezone": form.timezone or timezone, "days": frozenset(form.days),
        "breaks": tuple(_span(one) for one in form.breaks), "parts": tuple(_span(one) for one in form.parts),
        "core": _span(form.core) if form.core else None,
        "round_in": Rounding(**dict(form.round_in)), "round_out": Rounding(**dict(form.round_out)),
        "overtime": Overtime(**dict(form.overtime)),
    }  # fmt: skip
    return rules.Shift(id=row.id, name=row.name, **own)


def _span(form: SpanForm) -> Span:
    return Span(time.fromisoformat(form.start), time.fromisoformat(form.end))
