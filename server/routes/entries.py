"""Check-ins and check-outs with their evidence, entries by hand, and corrections that a second person may have to
agree to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.events.limits import reach_of
from server.events.schema import StoredEvent
from server.pipeline import amend, check_outs
from server.pipeline.amend import Terms, Wish
from server.pipeline.timesheets import zone_of_person
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import corrections, entries, people, sites
from server.store.corrections import CorrectionRow
from server.store.entries import EntryFilter, EntryRow
from server.store.tables import Correction, Entry, Person
from server.store.views import EntryPublic, EntrySaid, PersonBrief
from server.store.writes import locked_in_order
from server.wire import Form, Moment, Time, Wire

RESOURCE = "entries"
AHEAD = timedelta(minutes=1)  # by as much the clocks of two machines may differ
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # what is older was mistyped
Reason = Field(min_length=1, max_length=500, examples=["Forgot to check out; the shift leader confirms."])
Ways = Literal["in", "out"]


class EntriesQuery(Query):
    camera_id: str | None = None
    person_id: str | None = None
    department_id: str | None = None
    direction: Ways | None = None
    origin: Literal["camera", "kiosk", "code", "terminal", "manual", "import"] | None = None
    state: Literal["valid", "pending", "removed", "refused", "all"] = "valid"
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")


class EntryForm(Form):
    person_id: str = Field(max_length=36)
    at: Moment
    direction: Ways
    reason: str = Reason


class EntryChange(Form):
    """What is left out stays."""

    person_id: str | None = Field(None, max_length=36)
    at: Moment | None = None
    direction: Ways | None = None
    reason: str = Reason


class Removal(Form):
    reason: str = Reason


class RemovalQuery(Form):
    reason: str | None = Field(None, max_length=500, description="why, for programs that cannot send a body")


class CorrectionsQuery(Query):
    person_id: str | None = None
    state: Literal["pending", "applied", "refused"] | None = None


class Decision(Form):
    note: str = Field("", max_length=500)


class CorrectionPublic(Wire):
    """What was changed of an entry, or shall be: who, why, before and after."""

    id: str
    entry_id: str
    person: PersonBrief
    timezone: str = Field(description="in which the person's days are")
    kind: str
    before: EntrySaid | None
    after: EntrySaid | None
    reason: str
    state: str
    asked_by: str | None
    asked_by_name: str
    decided_by: str | None
    decided_by_name: str
    decided_at: Time | None
    note: str
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: CorrectionRow, zones: Mapping[str, str], otherwise: str) -> "CorrectionPublic":
        """`zones` of the sites; `otherwise` is the server's."""
        given = ("person", "timezone")
        own = {name: getattr(row.correction, name) for name in cls.model_fields if name not in given}
        return cls(person=PersonBrief.of(row.person), timezone=zone_of_person(row.person, zones, otherwise), **own)


def _shown(row: EntryRow) -> EntryPublic:
    return EntryPublic.of(row.entry, row.person, row.camera_name)


async def _told(call: Call, session: AsyncSession, rows: Sequence[CorrectionRow]) -> list[CorrectionPublic]:
    zones = await sites.zones(session)
    return [CorrectionPublic.of(row, zones, call.parts.zone.key) for row in rows]


def _terms(call: Call, reason: str) -> Terms:
    second = call.parts.runtime.current.attendance.second_person
    return Terms(call.actor, reason, call.parts.clock.now(), needs_second=second)


async def _check(call: Call, session: AsyncSession, person_id: str | None, at: datetime | None) -> None:
    """Somebody whom the caller may see, and a time that has been."""
    await people.check(session, person_id, reach_of(call.who))
    if at is not None and at > call.parts.clock.now() + AHEAD:
        raise Invalid.field("at", "in_the_future", "This time is still to come.")
    if at is not None and at < EARLIEST:
        raise Invalid.field("at", "too_long_ago", "This time is before the year 2000.")


async def _correct(
    call: Call,
    entry_id: str,
    action: str,
    do: Callable[[AsyncSession, Entry], Awaitable[Correction]],
    *,
    whose: str | None = None,
) -> EntryPublic:
    """A correction with its audit and its event, in one transaction."""
    async with call.parts.store.transaction() as session:
        row = await entries.lock(session, entry_id, reach_of(call.who), also=whose)
        call.check_unchanged(row.entry.updated_at)
        before = _shown(row)
        correction = await do(session, row.entry)
        await session.flush()
        view = _shown(await entries.get(session, entry_id))
        await call.audit(session, action, RESOURCE, entry_id, before=before, after=view)
        stored = await _tell(call, session, row.entry, correction)
    call.parts.recorder.wake(stored)
    return view


async def _tell(call: Call, session: AsyncSession, entry: Entry, correction: Correction) -> list[StoredEvent]:
    parts, now = call.parts, call.parts.clock.now()
    stored = await parts.recorder.append(session, await amend.told(session, entry, correction, now))
    before = (correction.before or {}).get("personId")
    for person_id in dict.fromkeys((entry.person_id, before)) if correction.state == "applied" else ():
        stored += await check_outs.settle(
            session, parts.recorder, person_id, parts.runtime.current.attendance, parts.zone.key, now
        )
    return stored


@endpoint("GET", "/attendance/entries", allow="attendance:read", sorts=entries.SORTS)
async def list_entries(call: Call, query: EntriesQuery) -> Page[EntryPublic]:
    """Check-ins and check-outs with their evidence, newest first.

    Those that count; `state` asks for those that wait for a second person, were removed or refused, or for all.
    """
    which = EntryFilter(
        camera_id=query.camera_id, person_id=query.person_id, department_id=query.department_id,
        direction=query.direction, origin=query.origin, state=None if query.state == "all" else query.state,
        start=query.since, end=query.until,
    )  # fmt: skip
    async with call.parts.store.read() as session:
        found = await entries.page(session, query.wanted, which, reach_of(call.who))
    return Page.of(query.wanted, [_shown(row) for row in found.rows], found.total)


@endpoint("POST", "/attendance/entries", allow="attendance:write", status=201, raises=(409,))
async def add_entry(call: Call, body: EntryForm) -> EntryPublic:
    """A check-in or check-out that no camera has seen, with the reason.

    409 `entry_exists`: the person has one at that time in that direction. Where the settings ask for a second person,
    it is `pending` until somebody else agrees.
    """
    async with call.parts.store.transaction() as session:
        await _check(call, session, body.person_id, body.at)
        entry = Entry(person_id=body.person_id, at=body.at, direction=body.direction, origin="manual")
        correction = await amend.add(session, entry, _terms(call, body.reason))
        view = _shown(await entries.get(session, entry.id))
        await call.audit(session, "entry.added", RESOURCE, entry.id, after=view)
        stored = await _tell(call, session, entry, correction)
    call.parts.recorder.wake(stored)
    return view


@endpoint("GET", "/attendance/entries/{entry_id}", allow="attendance:read")
async def get_entry(call: Call, entry_id: str) -> EntryPublic:
    """One entry, whatever its state."""
    async with call.parts.store.read() as session:
        return _shown(await entries.get(session, entry_id, reach_of(call.who)))


@endpoint("PATCH", "/attendance/entries/{entry_id}", allow="attendance:correct", raises=(409,))
async def correct_entry(call: Call, entry_id: str, body: EntryChange) -> EntryPublic:
    """Corrects whose it is, its time or its direction. What it said first stays in `original`.

    409 `correction_pending` while an earlier correction waits for a second person, `entry_removed` for one that does
    not count.
    """
    wish = Wish(body.person_id, body.at, body.direction)

    async def do(session: AsyncSession, entry: Entry) -> Correction:
        await _check(call, session, body.person_id, body.at)
        return await amend.replace(session, entry, wish, _terms(call, body.reason))

    if wish == Wish():
        raise Invalid.field("at", "nothing_to_change", "Say what is to be changed: personId, at or direction.")
    return await _correct(call, entry_id, "entry.corrected", do, whose=body.person_id)


@endpoint("DELETE", "/attendance/entries/{entry_id}", allow="attendance:correct", status=204, raises=(409, 422))
async def remove_entry(call: Call, entry_id: str, body: Removal | None, query: RemovalQuery) -> None:
    """It does not count any more; the row stays, and the correction says who removed it and why.

    The reason is in the body or in the query. 409 as with a correction.
    """
    reason = body.reason if body else (query.reason or "").strip()
    if not reason:
        raise Invalid.field("reason", "missing", "Say why.")

    async def do(session: AsyncSession, entry: Entry) -> Correction:
        return await amend.remove(session, entry, _terms(call, reason))

    await _correct(call, entry_id, "entry.removed", do)


@endpoint("GET", "/attendance/entries/{entry_id}/corrections", allow="attendance:read", sorts=corrections.SORTS)
async def list_corrections_of_entry(call: Call, entry_id: str, query: Query) -> Page[CorrectionPublic]:
    """What was changed of one entry, newest first."""
    reach = reach_of(call.who)
    async with call.parts.store.read() as session:
        await entries.get(session, entry_id, reach)
        found = await corrections.page(session, query.wanted, reach, entry_id=entry_id)
        shown = await _told(call, session, found.rows)
    return Page.of(query.wanted, shown, found.total)


@endpoint("GET", "/attendance/corrections", allow="attendance:read", sorts=corrections.SORTS)
async def list_corrections(call: Call, query: CorrectionsQuery) -> Page[CorrectionPublic]:
    """Corrections, newest first; `state=pending` are those that wait for a second person."""
    async with call.parts.store.read() as session:
        found = await corrections.page(
            session, query.wanted, reach_of(call.who), person_id=query.person_id, state=query.state
        )
        shown = await _told(call, session, found.rows)
    return Page.of(query.wanted, shown, found.total)


async def _decide(call: Call, correction_id: str, agreed: bool, body: Decision | None) -> CorrectionPublic:
    terms = Terms(call.actor, body.note if body else "", call.parts.clock.now())
    async with call.parts.store.transaction() as session:
        row = await corrections.get(session, correction_id, reach_of(call.who))
        call.check_unchanged(row.correction.updated_at)
        to_be = (row.correction.after or {}).get("personId")
        await locked_in_order(session, Person, row.entry.person_id, to_be)
        await amend.decide(session, row, agreed, terms)
        [view] = await _told(call, session, [await corrections.get(session, correction_id)])
        action = "correction.approved" if agreed else "correction.refused"
        await call.audit(session, action, "corrections", correction_id, after=view)
        stored = await _tell(call, session, row.entry, row.correction)
    call.parts.recorder.wake(stored)
    return view


@endpoint(
    "POST", "/attendance/corrections/{correction_id}/approve", allow="attendance:correct", raises=(404, 409),
    replaces=True,
)  # fmt: skip
async def approve_correction(call: Call, correction_id: str, body: Decision | None) -> CorrectionPublic:
    """A second person agrees, and the correction counts.

    403 `same_person` for whoever asked for it, 409 `already_decided`.
    """
    return await _decide(call, correction_id, True, body)


@endpoint(
    "POST", "/attendance/corrections/{correction_id}/refuse", allow="attendance:correct", raises=(404, 409),
    replaces=True,
)  # fmt: skip
async def refuse_correction(call: Call, correction_id: str, body: Decision | None) -> CorrectionPublic:
    """A second person does not agree, and all stays as it was. 403 and 409 as with approving."""
    return await _decide(call, correction_id, False, body)


ENDPOINTS: tuple[Endpoint, ...] = (
    list_entries, add_entry, get_entry, correct_entry, remove_entry, list_corrections_of_entry, list_corrections,
    approve_correction, refuse_correction,
)  # fmt: skip
