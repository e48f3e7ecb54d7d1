"""When a camera is analysed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from server.media.watch import HEIGHT, WIDTH, Luma
from server.pipeline.when import HOLD_S, When

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {"days": [1, 2, 3, 4, 5], "start": "07:00", "end": "18:00"}
NIGHT = {"days": [5], "start": "22:00", "end": "06:00"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-05T06:59:59", False),
        ("2026-01-05T07:00:00", True),
        ("2026-07-06T17:59:59", True),  # in summer as on the clock at the wall
        ("2026-07-06T18:00:00", False),
        ("2026-01-10T12:00:00", False),  # a Saturday
        ("2026-01-09T22:00:00", True),  # a Friday's night
        ("2026-01-10T05:59:00", True),
        ("2026-01-10T06:00:00", False),
        ("2026-01-08T23:00:00", False),
    ],
)
def test_hours_are_the_sites(moment: str, is_open: bool) -> None:
    """Days of the week, and a night that belongs to the day on which it begins."""
    assert When("schedule", [OFFICE, NIGHT], lambda: BERLIN).open(at(moment)) is is_open


def test_monday_morning_is_of_sundays_night() -> None:
    """The week is a circle; equal ends are a whole day."""
    night = When("schedule", [{"days": [7], "start": "22:00", "end": "06:00"}], lambda: UTC)
    assert night.open(datetime(2026, 1, 5, 5, tzinfo=UTC))
    day = When("schedule", [{"days": [1], "start": "00:00", "end": "00:00"}], lambda: UTC)
    assert [day.open(datetime(2026, 1, number, 23, 59, tzinfo=UTC)) for number in (4, 5, 6)] == [False, True, False]


def test_always_and_motion_are_always_open() -> None:
    """Whatever hours are left over from before."""
    for analysis in ("always", "motion"):
        assert When(analysis, [NIGHT], lambda: UTC).open(datetime(2026, 1, 5, 12, tzinfo=UTC))


def picture(person_at: int | None = None, *, light: int = 90, seed: int = 0) -> Luma:
    """A noisy room, with somebody three cells wide in it or not."""
    pixels = np.full((HEIGHT, WIDTH), light, np.int16) + np.random.default_rng(seed).integers(-3, 4, (HEIGHT, WIDTH))
    if person_at is not None:
        pixels[10:20, person_at : person_at + 3] = 200
    return pixels.clip(0, 255).astype(np.uint8)


def test_only_what_moves_is_looked_at() -> None:
    """Noise is no motion; somebody who comes is one at once, and is looked at until a while after they have gone."""
    when = When("motion", [], lambda: UTC)
    assert when.wants(picture(), 0.0), "whoever is there at the start has not been seen coming"
    later = HOLD_S + 1
    assert not any(when.wants(picture(seed=number), later + number / 5) for number in range(50))
    assert when.wants(picture(20, seed=99), later + 20)
    wanted = [when.wants(picture(seed=number), later + 20 + number / 5) for number in range(100)]
    assert wanted[0]
    assert not wanted[-1]


def test_light_that_fades_is_no_motion() -> None:
    """An evening is slow; a lamp that is switched on is looked at, for nobody knows who has switched it."""
    when = When("motion", [], lambda: UTC)
    when.wants(picture(), 0.0)
    assert not any(when.wants(picture(light=90 - n // 20, seed=n), HOLD_S + n / 5) for n in range(600))
    assert when.wants(picture(light=200), 1000.0)


def test_who_stands_still_is_looked_at() -> None:
    """As long as there is a face; background is only what nobody stands in."""
    when = When("motion", [], lambda: UTC)
    for number in range(300):
        assert when.wants(picture(20, seed=number), number / 5)
        when.saw_faces(number / 5)
    assert not when.wants(picture(20, seed=1), 60 + HOLD_S)
