"""Sites, schedules, holidays and leave: where people work, when, and when not."""

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.events.limits import Reach
from server.pipeline.shift_rules import Zone
from server.routes.collection import Five, Words
from server.routes.endpoint import Endpoint, Query
from server.routes.plausible import AN_ID
from server.store import departments, people, sites, working_time
from server.store.reach import Conditions
from server.store.tables import Holiday, Leave, Schedule
from server.store.working_time import between
from server.wire import Form, Time, Wire

MOST_TURNS = 366
MOST_EXCEPTIONS = 366
Id = Annotated[str, Field(max_length=36)]


class Stamped(Wire):
    """What every row shows."""

    id: str
    created_at: Time
    updated_at: Time


class SiteForm(Form):
    name: str = Field(min_length=1, max_length=200)
    timezone: Zone


class SitePublic(Stamped):
    name: str
    timezone: str


class Dates(Form):
    """From one date to another; both count."""

    first_date: dt.date = Field(alias="from")
    last_date: dt.date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_date < self.first_date:
            raise ValueError("`to` is before `from`")
        return self


class DatesQuery(Query):
    """What lies, at least in part, between two dates; both count."""

    since: dt.date | None = Field(None, alias="from")
    until: dt.date | None = Field(None, alias="to")


class Rotation(Form):
    """Turns that come round again from the anchor on, a day or a week each, with its shifts or none (off)."""

    anchor: dt.date
    unit: Literal["day", "week"] = "day"
    turns: list[Annotated[list[Id], Field(max_length=8)]] = Field(min_length=1, max_length=MOST_TURNS)


class ScheduleForm(Form):
    """Of a person, or of a department; of neither it is everybody's. Without a shift and a rotation they are off."""

    shift_id: Id | None = None
    rotation: Rotation | None = None
    person_id: Id | None = None
    department_id: Id | None = None
    first_date: dt.date = Field(alias="from")
    last_date: dt.date | None = Field(None, alias="to", description="null: for good")
    exception: bool = Field(False, description="goes before every other schedule, on whatever day of the week")
    note: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.last_date is not None and self.last_date < self.first_date:
            raise ValueError("`to` is before `from`")
        if self.person_id is not None and self.department_id is not None:
            raise ValueError("a schedule is of a person or of a department, not of both")
        if self.shift_id is not None and self.rotation is not None:
            raise ValueError("a schedule has one shift or a rotation, not both")
        if self.exception and (self.rotation is not None or self.last_date is None or self._days > MOST_EXCEPTIONS):
            raise ValueError(f"an exception is of at most {MOST_EXCEPTIONS} days, and has no rotation")
        return self

    @property
    def _days(self) -> int:
        return (self.last_date - self.first_date).days + 1 if self.last_date else 0


class SchedulePublic(Stamped):
    shift_id: str | None
    rotation: Rotation | None
    person_id: str | None
    department_id: str | None
    first_date: dt.date = Field(alias="from")
    last_date: dt.date | None = Field(alias="to")
    exception: bool
    note: str


class SchedulesQuery(DatesQuery):
    person_id: str | None = None
    department_id: str | None = None
    shift_id: str | None = None


class HolidayForm(Form):
    date: dt.date
    name: str = Field(min_length=1, max_length=200)
    site_id: Id | None = Field(None, description="null: at every site")


class HolidayPublic(Stamped):
    date: dt.date
    name: str
    site_id: str | None


class HolidaysQuery(DatesQuery):
    site_id: str | None = Field(None, description="those of this site and those of every site")


class LeaveForm(Dates):
    person_id: Id
    kind: str = Field(min_length=1, max_length=40, examples=["vacation"])
    half: Literal["first", "second"] | None = Field(None, description="of a day; null: the whole of each day")
    note: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _half_of_one_day(self) -> Self:
        if self.half is not None and self.first_date != self.last_date:
            raise ValueError("`half` is of one day: `from` and `to` are the same")
        return self


class LeavePublic(Stamped):
    person_id: str
    first_date: dt.date = Field(alias="from")
    last_date: dt.date = Field(alias="to")
    kind: str
    half: str | None
    note: str


class LeaveQuery(DatesQuery):
    person_id: str | None = None
    kind: str | None = None


def _columns(form: Form) -> dict[str, Any]:
    return dict(form)


def _schedule_columns(form: ScheduleForm) -> dict[str, Any]:
    return dict(form) | {"rotation": form.rotation.model_dump(mode="json") if form.rotation else None}


def _equal(pairs: tuple[tuple[Any, object], ...]) -> Conditions:
    return [column == value for column, value in pairs if value is not None]


async def _check_schedule(session: AsyncSession, row: Schedule, reach: Reach) -> None:
    await people.check(session, row.person_id, reach)
    if row.department_id is not None:
        known = reach.has_department(row.department_id) and await departments.find(session, row.department_id)
        if not known:
            raise Invalid.field("departmentId", "unknown", "No department with that id.")
    if row.person_id is None and row.department_id is None and reach.departments is not None:
        raise Invalid.field("departmentId", "missing", "Say of which of your departments this is.")
    turns = row.rotation["turns"] if row.rotation else []
    for name, wanted in (
        ("shiftId", {row.shift_id} - {None}),
        ("rotation.turns", {one for turn in turns for one in turn}),
    ):
        if wanted - await working_time.known_shifts(session, wanted):
            raise Invalid.field(name, "unknown", "No shift with that id.")


async def _check_holiday(session: AsyncSession, row: Holiday, _reach: Reach) -> None:
    await sites.check(session, row.site_id)
    await working_time.check_holiday_new(session, row)


async def _check_leave(session: AsyncSession, row: Leave, reach: Reach) -> None:
    await people.check(session, row.person_id, reach)
    await working_time.check_leave_free(session, row)


SITES = Five(
    sites.SITES, "/sites", Words("A site", "The sites by name", "A new site",
    "Removes a site; its people and cameras stay, without one"),
    SiteForm, SitePublic, _columns, SitePublic.model_validate, for_everybody=True,
)  # fmt: skip
SCHEDULES = Five(
    working_time.SCHEDULES, "/schedules",
    Words("A schedule", "The schedules, the newest first", "Who works which shift, on which dates",
    "Removes a schedule; days that are not locked are worked out again without it"),
    ScheduleForm, SchedulePublic, _schedule_columns, SchedulePublic.model_validate, SchedulesQuery,
    lambda query: [
        *between(Schedule.first_date, Schedule.last_date, query.since, query.until),
        *_equal((
            (Schedule.person_id, query.person_id), (Schedule.department_id, query.department_id),
            (Schedule.shift_id, query.shift_id),
        )),
    ],
    _check_schedule,
    example={"shiftId": AN_ID, "personId": AN_ID, "from": "2026-01-05", "to": "2026-03-27"},
)  # fmt: skip
HOLIDAYS = Five(
    working_time.HOLIDAYS, "/holidays", Words("A holiday", "The holidays by date", "A new holiday",
    "Removes a holiday"), HolidayForm, HolidayPublic, _columns, HolidayPublic.model_validate, HolidaysQuery,
    lambda query: [
        *between(Holiday.date, Holiday.date, query.since, query.until), *working_time.of_site(query.site_id)
    ],
    _check_holiday, for_everybody=True,
)  # fmt: skip
LEAVE = Five(
    working_time.LEAVE, "/leave", Words("A leave", "Who is away, the newest first", "A new leave",
    "Removes a leave"), LeaveForm, LeavePublic, _columns, LeavePublic.model_validate, LeaveQuery,
    lambda query: [
        *between(Leave.first_date, Leave.last_date, query.since, query.until),
        *_equal(((Leave.person_id, query.person_id), (Leave.kind, query.kind))),
    ],
    _check_leave,
    example={"personId": AN_ID, "from": "2026-01-05", "to": "2026-01-09", "kind": "vacation"},
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    *SITES.endpoints, *SCHEDULES.endpoints, *HOLIDAYS.endpoints, *LEAVE.endpoints,
)  # fmt: skip
