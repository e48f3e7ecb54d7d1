"""Reports that are mailed by a schedule, every mail of them, and whether mail can be sent."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.address import MAILBOX
from server.errors import Forbidden, Invalid, NotFound
from server.events.limits import reach_of
from server.jobs import days_export
from server.jobs.report_days import Kind
from server.jobs.report_times import Frequency
from server.outbound.mail import without_addresses
from server.pipeline.shift_rules import Clock, Zone
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import departments, reports, sites
from server.store.reports import REPORTS, RUN_SORTS, State
from server.store.tables import Report, ReportRun
from server.wire import Form, Time, Wire

RESOURCE = "reports"
Format = Literal["xlsx", "csv"]
Mailbox = Annotated[str, Field(max_length=254, pattern=MAILBOX, examples=["payroll@example.com"])]
Id = Annotated[str, Field(max_length=36)]
EXAMPLE = {
    "name": "Yesterday", "kind": "day", "format": "xlsx", "recipients": ["payroll@example.com"], "frequency": "daily",
    "time": "07:30",
}  # fmt: skip
NOT_NULL = ("name", "kind", "format", "recipients", "frequency", "time", "enabled")


def _once(given: list[str]) -> list[str]:
    """Capitals do not make another one of it."""
    return list({one.lower(): one for one in reversed(given)}.values())[::-1]


Recipients = Annotated[list[Mailbox], Field(min_length=1, max_length=20), AfterValidator(_once)]


class ReportForm(Form):
    name: str = Field(min_length=1, max_length=200)
    kind: Kind = Field(
        "day",
        description="the days of everybody, only the exceptions among them (late, left early, absent, no check-out), "
        "or the month before",
    )
    format: Format = "xlsx"
    recipients: Recipients = Field(description="nobody of them sees the others")
    frequency: Frequency = Field(
        description="of the day before, of the week before from Monday to Sunday, or of the month before"
    )
    weekday: Annotated[int, Field(ge=1, le=7)] | None = Field(None, description="of a weekly one; 1 is Monday")
    month_day: Annotated[int, Field(ge=1, le=28)] | None = Field(None, description="of a monthly one")
    time: Clock = Field(description="on the clocks of `timeZone`")
    time_zone: Zone | None = Field(None, description="null: the server's, as it is now", examples=["Europe/Berlin"])
    site_id: Id | None = Field(None, description="only people of it; null: all")
    department_id: Id | None = Field(None, description="only people of it; null: all that whoever made it may see")
    enabled: bool = True


class ReportEdit(Form):
    """What is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=200)
    kind: Kind | None = None
    format: Format | None = None
    recipients: Recipients | None = None
    frequency: Frequency | None = None
    weekday: Annotated[int, Field(ge=1, le=7)] | None = None
    month_day: Annotated[int, Field(ge=1, le=28)] | None = None
    time: Clock | None = None
    time_zone: Zone | None = None
    site_id: Id | None = None
    department_id: Id | None = None
    enabled: bool | None = None


class Period(Wire):
    first: date = Field(alias="from")
    last: date = Field(alias="to")


class RunPublic(Wire):
    id: str
    report_id: str
    period: Period
    due_at: Time
    state: State
    tries: int
    sent_at: Time | None
    recipients: int
    reason: str | None = Field(description="why it was not sent, or not to everybody")
    rows: int | None = Field(description="in the file; null: it was not made yet")
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, row: ReportRun) -> "RunPublic":
        named = row.model_dump(include=cls.model_fields.keys() - {"period", "reason"})
        reason = row.reason if row.reason is None or _may_change(call) else without_addresses(row.reason)
        return cls.model_validate(
            named | {"period": Period(first=row.first_date, last=row.last_date), "reason": reason}
        )


class ReportPublic(Wire):
    id: str
    name: str
    kind: Kind
    format: Format
    recipients: list[str] = Field(description="only their domains for who may not change it")
    frequency: Frequency
    weekday: int | None
    month_day: int | None
    time: str
    time_zone: str
    site_id: str | None
    department_id: str | None
    enabled: bool
    next_at: Time | None = Field(description="when it is due; null: it is not enabled")
    last_run: RunPublic | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, row: Report, last: ReportRun | None = None) -> "ReportPublic":
        named = row.model_dump(include=cls.model_fields.keys() - {"last_run", "recipients"})
        shown = row.recipients if _may_change(call) else [f"…@{one.rpartition('@')[2]}" for one in row.recipients]
        last_run = None if last is None else RunPublic.of(call, last)
        return cls.model_validate(named | {"recipients": shown, "last_run": last_run})


class MailPublic(Wire):
    configured: bool
    address: str | None = Field(alias="from")


class MailTest(Form):
    to: Mailbox


class MailSent(Wire):
    sent: bool


@endpoint("GET", "/reports", allow="events:read", sorts=REPORTS.sorts)
async def list_reports(call: Call, query: Query) -> Page[ReportPublic]:
    """The reports that are mailed by a schedule; who is limited finds those of their own."""
    async with call.parts.store.read() as session:
        found = await REPORTS.page(session, query.wanted, conditions=reports.made_by(_own(call)))
        last = await reports.last_runs(session, [row.id for row in found.rows])
    return Page.of(query.wanted, [ReportPublic.of(call, row, last.get(row.id)) for row in found.rows], found.total)


@endpoint("POST", "/reports", allow="events:write", status=201, raises=(409,), example=EXAMPLE)
async def create_report(call: Call, body: ReportForm) -> ReportPublic:
    """A new report. What it contains is what whoever makes it may see at the time when it is sent.

    Needs `attendance:read` too. 409 `too_many_reports`.
    """
    _check_sees_days(call)
    async with call.parts.store.transaction() as session:
        row = Report(**dict(body), created_by=call.who.user_id)
        await _settle(call, session, row, ("site_id", "department_id"))
        row = await call.parts.reports.create(session, row)
        view = ReportPublic.of(call, row)
        await call.audit(session, "report.created", RESOURCE, row.id, after=view)
    return view


@endpoint("GET", "/reports/mail", allow="events:read")
async def get_mail(call: Call) -> MailPublic:
    """Whether mail can be sent, and from which address."""
    address = call.parts.reports.address
    return MailPublic(configured=address is not None, address=address)


@endpoint("POST", "/reports/mail/test", allow="events:write", raises=(409, 429))
async def try_mail(call: Call, body: MailTest) -> MailSent:
    """Sends a mail that tells of nothing, and waits until the mail server has taken it.

    409 `mail_not_set_up`; 422 `refused` where it does not take the recipient; 503 `mail_not_sent`, with the reason.
    """
    ours = call.parts.reports
    ours.check_set_up()
    await ours.trials.take(call.who.user_id)
    async with call.parts.store.transaction() as session:
        await call.audit(session, "mail.tested", RESOURCE, None, after={"to": body.to})
    await ours.try_out(body.to, call.parts.runtime.current.site.name)
    return MailSent(sent=True)


@endpoint("GET", "/reports/{report_id}", allow="events:read")
async def get_report(call: Call, report_id: str) -> ReportPublic:
    """One report."""
    async with call.parts.store.read() as session:
        row = _found(call, await REPORTS.get(session, report_id))
        last = await reports.last_runs(session, [row.id])
    return ReportPublic.of(call, row, last.get(row.id))


@endpoint("PATCH", "/reports/{report_id}", allow="events:write", example={"enabled": False})
async def edit_report(call: Call, report_id: str, body: ReportEdit) -> ReportPublic:
    """Changes what is named. Whose limits it has stays.

    What is under way is not sent any more where its name, kind, format, recipients, site or department change: its run
    says so, and `POST reports/{id}/send` sends it as it is now. One that is due stays due, unless its schedule changes.

    Needs `attendance:read` too.
    """
    _check_sees_days(call)
    async with call.parts.store.transaction() as session:
        row = _found(call, await REPORTS.lock(session, report_id))
        call.check_unchanged(row.updated_at)
        last = (await reports.last_runs(session, [row.id])).get(row.id)
        before, old = ReportPublic.of(call, row, last), row.model_dump()
        given = {name: value for name, value in dict(body).items() if name in body.model_fields_set}
        given = {name: value for name, value in given.items() if value is not None or name not in NOT_NULL}
        with session.no_autoflush:
            for name, value in given.items():
                setattr(row, name, value)
            await _settle(call, session, row, given)
        changed = [name for name, value in old.items() if getattr(row, name) != value]
        row = await call.parts.reports.change(session, row, changed)
        last = (await reports.last_runs(session, [row.id])).get(row.id)
        view = ReportPublic.of(call, row, last)
        await call.audit(session, "report.changed", RESOURCE, row.id, before=before, after=view)
    return view


@endpoint("DELETE", "/reports/{report_id}", allow="events:delete", status=204)
async def delete_report(call: Call, report_id: str) -> None:
    """Removes a report with its runs; what is under way is not sent any more."""
    async with call.parts.store.transaction() as session:
        row = _found(call, await REPORTS.lock(session, report_id))
        call.check_unchanged(row.updated_at)
        await call.audit(session, "report.removed", RESOURCE, row.id, before=ReportPublic.of(call, row))
        await call.parts.reports.remove(session, row)


@endpoint("POST", "/reports/{report_id}/send", allow="events:write", status=202, raises=(409, 429))
async def send_report(call: Call, report_id: str) -> RunPublic:
    """Sends it now, of the latest whole period; the list of runs tells what came of it.

    Needs `attendance:read` too. 409 `mail_not_set_up`; 429 `too_many_runs`.
    """
    _check_sees_days(call)
    async with call.parts.store.transaction() as session:
        row = _found(call, await REPORTS.lock(session, report_id))
        run = await call.parts.reports.send(session, row)
        await call.audit(session, "report.sent", RESOURCE, row.id, after={"run": run.id})
    return RunPublic.of(call, run)


@endpoint("GET", "/reports/{report_id}/runs", allow="events:read", sorts=RUN_SORTS)
async def list_report_runs(call: Call, report_id: str, query: Query) -> Page[RunPublic]:
    """Every mail of a report, newest first."""
    async with call.parts.store.read() as session:
        _found(call, await REPORTS.get(session, report_id))
        found = await reports.page_runs(session, query.wanted, report_id)
    return Page.of(query.wanted, [RunPublic.of(call, row) for row in found.rows], found.total)


async def _settle(call: Call, session: AsyncSession, row: Report, named: Iterable[str]) -> None:
    """Raises Invalid for what does not go together, and for a site or department, if named, that is not there."""
    if row.kind == "month" and row.frequency != "monthly":
        raise Invalid.field("frequency", "not_supported", "The month is sent monthly.")
    row.weekday = row.weekday if row.frequency == "weekly" else None
    row.month_day = row.month_day if row.frequency == "monthly" else None
    if row.frequency == "weekly" and row.weekday is None:
        raise Invalid.field("weekday", "missing", "Say on which day of the week.")
    if row.frequency == "monthly" and row.month_day is None:
        raise Invalid.field("monthDay", "missing", "Say on which day of the month.")
    row.time_zone = row.time_zone or call.parts.zone.key
    if "site_id" in named:
        await sites.check(session, row.site_id)
    if "department_id" in named and row.department_id is not None:
        try:
            await departments.get(session, row.department_id, reach_of(call.who))
        except NotFound:
            raise Invalid.field("departmentId", "unknown", "No department with that id.") from None


def _check_sees_days(call: Call) -> None:
    """Raises Forbidden: who may not read days has none of them sent."""
    if not call.who.may(days_export.PERMISSION):
        raise Forbidden(f"To have days sent somewhere needs the permission {days_export.PERMISSION}.")


def _own(call: Call) -> str | None:
    """Whoever is limited has to do with their own only."""
    return call.who.user_id if call.who.limited else None


def _found(call: Call, row: Report) -> Report:
    """Raises NotFound."""
    if _own(call) not in (None, row.created_by):
        raise NotFound.of("report")
    return row


def _may_change(call: Call) -> bool:
    return call.who.may("events:write")


ENDPOINTS: tuple[Endpoint, ...] = (
    list_reports, create_report, get_mail, try_mail, get_report, edit_report, delete_report, send_report,
    list_report_runs,
)  # fmt: skip
