"""Privacy: consent to the use of a face, its erasure, and the receipts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import structlog
from pydantic import AwareDatetime, Field
from starlette.responses import Response, StreamingResponse

from server.errors import Invalid, RollcallError
from server.events.limits import reach_of
from server.jobs import erasure
from server.pipeline import erase
from server.routes.endpoint import Call, Endpoint, Query, ShortQuery, endpoint
from server.routes.responses import Page
from server.store import consents, erasures, jobs, people
from server.store.tables import Consent, Erasure
from server.store.writes import touch
from server.wire import Form, Time, Wire

ZIP = "application/zip"


class ConsentForm(Form):
    state: Literal["given", "refused", "withdrawn"]
    text_version: str = Field(min_length=1, max_length=100, description="which text the person was shown")
    at: AwareDatetime | None = Field(None, description="when they said so; now, if it is left out")
    how: Literal["paper", "screen", "email", "spoken", "other"] = "paper"


class ConsentPublic(Wire):
    id: str
    person_id: str
    state: str
    text_version: str
    at: Time
    how: str
    noted_by: str
    created_at: Time
    updated_at: Time


class ErasureReceipt(Wire):
    """`state` is pending until the last object is gone and what was told has been looked through, which is for a job
    where it is much; `sha256` is then over id, personId, scope, askedBy, counts, createdAt and finishedAt as JSON with
    sorted keys."""

    id: str
    person_id: str
    scope: str
    state: str
    asked_by: str
    counts: Mapping[str, int]
    objects_left: int
    sha256: str | None
    finished_at: Time | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Erasure) -> "ErasureReceipt":
        return cls(
            id=row.id, person_id=row.person_id, scope=row.scope, state=row.state, asked_by=row.asked_by,
            counts=row.counts, objects_left=len(row.left), sha256=row.sha256, finished_at=row.finished_at,
            created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class ErasuresQuery(Query):
    person_id: str | None = Field(None, max_length=36)


async def carry_out(call: Call, receipt: Erasure) -> Erasure:
    """What is left of an erasure once its rows are gone. Where that is much, or the object storage is away, a job goes
    on and the receipt is pending."""
    parts = call.parts
    await erase.hide(parts.roster, parts.cameras, receipt.person_id)
    if not await parts.eraser.is_long(receipt):
        try:
            return await parts.eraser.finish(receipt.id)
        except (OSError, RollcallError) as error:
            structlog.get_logger(__name__).warning("erasure_pending", erasure=receipt.id, reason=type(error).__name__)
    async with parts.store.transaction() as session:
        if not await jobs.waits(session, erasure.NAME):  # one that runs may have looked before this receipt was there
            await parts.jobs.submit(session, erasure.NAME)
    async with parts.store.read() as session:
        return await session.get(Erasure, receipt.id) or receipt


def _noted_at(given: datetime | None, now: datetime) -> datetime:
    if given is not None and given > now:
        raise Invalid.field("at", "in_the_future", "Consent cannot be recorded for a time to come.")
    return given or now


@endpoint("GET", "/people/{person_id}/consent", allow="people:read")
async def list_consents(call: Call, person_id: str, query: ShortQuery) -> Page[ConsentPublic]:
    """What the person has said about the use of their face, newest first."""
    async with call.parts.store.read() as session:
        await people.get(session, person_id, reach_of(call.who))
        rows = await consents.of_person(session, person_id)
    return Page.cut(query.wanted, [ConsentPublic.model_validate(row) for row in rows])


@endpoint("PUT", "/people/{person_id}/consent", allow="people:write")
async def record_consent(call: Call, person_id: str, body: ConsentForm) -> ConsentPublic:
    """Notes what the person has said. A refusal or a withdrawal takes photos and templates away, with a receipt."""
    now, actor, receipt = call.parts.clock.now(), call.actor, None
    async with call.parts.store.transaction() as session:
        person = await people.lock(session, person_id, reach_of(call.who))
        call.check_unchanged(person.updated_at)
        row = Consent(
            person_id=person_id, state=body.state, text_version=body.text_version, at=_noted_at(body.at, now),
            how=body.how, noted_by=actor.name,
        )  # fmt: skip
        session.add(row)
        touch(person)
        session.add(person)
        await session.flush()
        view = ConsentPublic.model_validate(row)
        if body.state != consents.GIVEN:
            receipt = await call.parts.eraser.begin(session, person, "biometrics", actor.name)
        await call.audit(session, f"consent.{body.state}", "people", person_id, after=view)
    if receipt is not None:
        await carry_out(call, receipt)
    return view


@endpoint("DELETE", "/people/{person_id}/biometrics", allow="people:erase")
async def erase_biometrics(call: Call, person_id: str) -> ErasureReceipt:
    """Erases templates, photos, pictures and clips of the person, for good. Attendance stays, without its pictures."""
    async with call.parts.store.transaction() as session:
        person = await people.lock(session, person_id, reach_of(call.who))
        call.check_unchanged(person.updated_at)
        receipt = await call.parts.eraser.begin(session, person, "biometrics", call.actor.name)
        touch(person)
        session.add(person)
        await call.audit(session, "biometrics.erased", "people", person_id, after=ErasureReceipt.of(receipt))
    return ErasureReceipt.of(await carry_out(call, receipt))


@endpoint("GET", "/erasures", allow="people:erase", sorts=erasures.SORTS)
async def list_erasures(call: Call, query: ErasuresQuery) -> Page[ErasureReceipt]:
    """The receipts of erasures, newest first; those of people who are gone too."""
    async with call.parts.store.read() as session:
        if call.who.only_departments is not None:  # nobody knows any more which department somebody was in
            return Page.of(query.wanted, [], 0)
        found = await erasures.page(session, query.wanted, query.person_id)
    return Page.of(query.wanted, [ErasureReceipt.of(row) for row in found.rows], found.total)


@endpoint("GET", "/people/{person_id}/export", allow="people:erase", gives=ZIP)
async def export_person(call: Call, person_id: str) -> Response:
    """All that is held on the person as one ZIP: rows as JSON, photos, and the pictures of their sightings.

    The faces of others are covered in them.
    """
    async with call.parts.store.transaction() as session:
        await people.get(session, person_id, reach_of(call.who))
        await call.audit(session, "person.exported", "people", person_id)
    headers = {
        "Content-Disposition": f'attachment; filename="person-{person_id}.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(call.parts.disclosure.archive(person_id), headers=headers, media_type=ZIP)


ENDPOINTS: tuple[Endpoint, ...] = (list_consents, record_consent, erase_biometrics, list_erasures, export_person)
