"""Charts of days: when people arrive, how many are late, and how many are there; as numbers, and drawn."""

import asyncio
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from starlette.responses import Response

from server.attendance.day import Mark, Status
from server.charts import Theme, Tone, bars
from server.events.limits import reach_of
from server.pipeline.day_rows import DayPublic
from server.routes.days import Between, found_days
from server.routes.endpoint import Call, Endpoint, endpoint
from server.wire import Wire

QUARTER = 15
DAY = 24 * 60
POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
Chart = Literal["arrivals", "lateness", "presence"]


class ChartsQuery(Between):
    pass


class ChartQuery(Between):
    show: Chart = Field("arrivals", description="which of the charts")
    theme: Theme = "light"


class Arrivals(Wire):
    """First check-ins of days, within a quarter of an hour on the clock of where they are."""

    at: str = Field(description="when the quarter begins", examples=["08:45"])
    people: int


class Lateness(Wire):
    date: dt.date
    people: int = Field(description="who came late")
    minutes: int = Field(description="of all of them")


class Presence(Wire):
    """How many people a date found where. Whose day is not over and who has not come is in none."""

    date: dt.date
    there: int
    incomplete: int = Field(description="of those who are there, a check-in or a check-out is missing")
    absent: int
    away: int = Field(description="on leave, or a holiday")


class ChartsPublic(Wire):
    since: dt.date = Field(alias="from")
    until: dt.date = Field(alias="to")
    arrivals: list[Arrivals]
    lateness: list[Lateness]
    presence: list[Presence]


def arrivals(days: Iterable[DayPublic]) -> list[Arrivals]:
    """Every quarter from the first to the last in which somebody came."""
    count = Counter(_quarter(day) for day in days if day.first_in is not None)
    if not count:
        return []
    quarters = range(min(count), max(count) + QUARTER, QUARTER)
    return [Arrivals(at=f"{one // 60:02}:{one % 60:02}", people=count[one]) for one in quarters]


def _quarter(day: DayPublic) -> int:
    assert day.first_in is not None
    there = day.first_in.astimezone(ZoneInfo(day.timezone))
    return (there.hour * 60 + there.minute) % DAY // QUARTER * QUARTER


def lateness(days: Iterable[DayPublic]) -> list[Lateness]:
    """Of each date, whether somebody was late or not."""
    return [
        Lateness(
            date=date, people=len({day.person_id for day in some if day.late_minutes > 0}),
            minutes=sum(day.late_minutes for day in some),
        )
        for date, some in _by_date(days)
    ]  # fmt: skip


def presence(days: Iterable[DayPublic]) -> list[Presence]:
    """Of each date; whoever works two shifts is there once."""
    found = []
    for date, some in _by_date(days):
        there = {day.person_id for day in some if day.status is not Status.ABSENT and day.entries}
        open_ = {day.person_id for day in some if {Mark.MISSING_IN, Mark.MISSING_OUT} & set(day.marks)} & there
        absent = {day.person_id for day in some if day.status is Status.ABSENT} - there
        away = {day.person_id for day in some if day.status in (Status.LEAVE, Status.HOLIDAY)} - there - absent
        found.append(
            Presence(date=date, there=len(there), incomplete=len(open_), absent=len(absent), away=len(away))
        )  # fmt: skip
    return found


def _by_date(days: Iterable[DayPublic]) -> list[tuple[dt.date, list[DayPublic]]]:
    by: dict[dt.date, list[DayPublic]] = defaultdict(list)
    for day in days:
        by[day.date].append(day)
    return sorted(by.items())


def drawn(show: Chart, days: Sequence[DayPublic], theme: Theme) -> bytes:
    """One of them as an SVG."""
    if show == "arrivals":
        quarters = arrivals(days)
        labels = [one.at for one in quarters]
        hours = [at for at in labels if at.endswith(":00")]
        counts: dict[str, tuple[Tone, list[int]]] = {"arrived": ("accent", [one.people for one in quarters])}
        return bars(labels, counts, theme, "first check-in, by quarter of an hour", "people", hours or labels)
    if show == "lateness":
        late = lateness(days)
        return _of_dates([one.date for one in late], {"late": ("amber", [one.people for one in late])}, theme)
    found = presence(days)
    return _of_dates(
        [one.date for one in found],
        {
            "there": ("green", [one.there - one.incomplete for one in found]),
            "incomplete": ("amber", [one.incomplete for one in found]),
            "away": ("blue", [one.away for one in found]),
            "absent": ("red", [one.absent for one in found]),
        },
        theme,
    )


def _of_dates(dates: Sequence[dt.date], series: dict[str, tuple[Tone, list[int]]], theme: Theme) -> bytes:
    labels = [f"{one.day} {one:%b}" for one in dates]
    apart = max(1, -(-len(labels) // 7))
    return bars(labels, series, theme, "date", "people", labels[::apart])


@endpoint("GET", "/attendance/charts", allow="attendance:read")
async def get_charts(call: Call, query: ChartsQuery) -> ChartsPublic:
    """Arrivals by quarter of an hour, lateness and presence by date, as numbers.

    `GET attendance/chart.svg` draws each of them.
    """
    first, last = query.dates(call.parts.clock.now().astimezone(call.parts.zone).date())
    days = await _days(call, query)
    return await asyncio.to_thread(
        lambda: ChartsPublic(
            since=first, until=last, arrivals=arrivals(days), lateness=lateness(days), presence=presence(days)
        )
    )


@endpoint("GET", "/attendance/chart.svg", allow="attendance:read", gives="image/svg+xml")
async def draw_chart(call: Call, query: ChartQuery) -> Response:
    """One of the charts, drawn; its numbers are those of `GET attendance/charts`."""
    days = await _days(call, query)
    picture = await asyncio.to_thread(drawn, query.show, days, query.theme)
    return Response(picture, media_type="image/svg+xml", headers={**POLICY, "Cache-Control": "no-store"})


async def _days(call: Call, query: Between) -> list[DayPublic]:
    async with call.parts.store.read() as session:
        return await found_days(call, session, query, reach_of(call.who))


ENDPOINTS: tuple[Endpoint, ...] = (get_charts, draw_chart)
