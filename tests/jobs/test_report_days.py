"""What a report is made of: the figures, and only those days that are asked for."""

from datetime import date

import pytest

from server.attendance.day import Mark, Status
from server.errors import Invalid
from server.jobs import report_days
from server.jobs.days_export import Asked, DaysExport
from server.jobs.report_days import SHOWN, Exceptional, Figures, make
from server.jobs.work import Place
from server.store.runtime import RuntimeSettings, RuntimeState
from server.store.tables import Person, Schedule, Shift
from tests.jobs.days_made_up import MONDAY, day, person

ADA = person("Ada")
GOOD = {"late_minutes": 0, "marks": []}


def test_figures_are_counted() -> None:
    """Each day in all that it is."""
    figures = Figures()
    assert not figures.count(day(ADA, **GOOD))
    assert figures.count(day(ADA, 1))  # late, and without a check-out
    assert figures.count(day(ADA, 2, **GOOD | {"early_minutes": 7}))
    assert figures.count(day(ADA, 3, **GOOD | {"status": Status.ABSENT, "first_in": None}))
    assert not figures.count(day(ADA, 4, **GOOD | {"status": Status.OFF, "first_in": None, "marks": [Mark.HALF_DAY]}))
    counted = (figures.present, figures.late, figures.early, figures.absent, figures.missing_outs)
    assert counted == (3, 1, 1, 1, 1)
    assert figures.first == [
        Exceptional("Ada", date(2026, 1, 6), "5 min late, no check-out"),
        Exceptional("Ada", date(2026, 1, 7), "left 7 min early"),
        Exceptional("Ada", date(2026, 1, 8), "absent"),
    ]


def test_only_the_first_exceptions_are_kept() -> None:
    """However many there are."""
    figures = Figures()
    for number in range(SHOWN + 5):
        figures.count(day(ADA, number))
    assert (figures.exceptions, len(figures.first)) == (SHOWN + 5, SHOWN)


async def fill(place: Place) -> DaysExport:
    """Ada was expected on Monday and not seen; Bob was not expected."""
    shift = Shift(name="Early", rules={"start": "06:00", "end": "14:00"})
    ada = Person(full_name="Ada")
    async with place.store.transaction() as session:
        session.add_all([shift, ada, Person(full_name="Bob")])
        await session.flush()
        session.add(Schedule(person_id=ada.id, shift_id=shift.id, first_date=MONDAY))
    place.clock.advance((date(2026, 2, 1) - place.clock.now().date()).days * 86_400)  # type: ignore[attr-defined]
    return DaysExport(place.store, RuntimeState(place.store, RuntimeSettings()), place.clock)


ASKED = Asked(format="csv", first=MONDAY, last=MONDAY)


async def test_exceptions_are_those_alone(place: Place) -> None:
    """Of a report of days everything is there; the figures are the same."""
    export = await fill(place)
    whole, some = await make(export, ASKED, "day"), await make(export, ASKED, "exceptions")
    assert (whole.rows, some.rows) == (2, 1)
    assert whole.figures == some.figures
    assert (some.figures.absent, some.figures.present) == (1, 0)
    assert b"Bob" in whole.content
    assert b"Bob" not in some.content


async def test_too_much_for_a_mail(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many days, or too large a file: said, with what to do."""
    export = await fill(place)
    monkeypatch.setattr(report_days, "MOST_BYTES", 100)
    with pytest.raises(Invalid, match="too much for a mail"):
        await make(export, ASKED, "day")
    monkeypatch.setattr(report_days, "MOST_DAYS", 1)
    with pytest.raises(Invalid, match="Choose a site or a department"):
        await make(export, ASKED, "day")
