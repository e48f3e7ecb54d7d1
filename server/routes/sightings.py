"""Sightings: who was seen where, the pictures of it, and an operator's word on who it was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from server.errors import Forbidden, Invalid
from server.events.limits import reach_of
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.pictures import picture
from server.routes.responses import Page
from server.routes.visitors import NotKept, photo_note
from server.store import people, sightings
from server.store.sightings import SightingFilter, SightingRow
from server.store.tables import Sighting
from server.store.views import SightingPublic
from server.wire import Form, Moment


class SightingsQuery(Query):
    camera_id: str | None = None
    person_id: str | None = None
    state: Literal["open", "closed"] | None = None
    unknown: bool | None = None
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")


class WhoItWas(Form):
    person_id: str | None = Field(max_length=36)
    keep_view: bool = Field(False, description="the face becomes a further photo of the person, if it is good enough")


class SightingNamed(SightingPublic):
    """The sighting as it is now, and what the word on it has taught."""

    view_kept: bool = False
    view_refused: NotKept | None = None
    refusal_remembered: bool = Field(False, description="whether the view now counts as not being that person")


async def _row(call: Call, sighting_id: str) -> Sighting:
    async with call.parts.store.read() as session:
        return (await sightings.get(session, sighting_id, reach_of(call.who))).sighting


async def _view(call: Call, sighting_id: str) -> SightingPublic:
    async with call.parts.store.read() as session:
        return _shown(await sightings.get(session, sighting_id, reach_of(call.who)))


@asynccontextmanager
async def _correction(
    call: Call, sighting_id: str, person_id: str | None, was: list[str], session: AsyncSession
) -> AsyncIterator[None]:
    """Around a correction in its transaction: nobody has changed it meanwhile, and the audit tells of it."""
    row = await sightings.lock(session, sighting_id, reach_of(call.who), also=person_id)
    call.check_unchanged(row.sighting.updated_at)
    await people.check(session, person_id, reach_of(call.who))
    before = _shown(row)
    if row.sighting.person_id not in (None, person_id):
        was.append(str(row.sighting.person_id))
    yield
    after = _shown(await sightings.get(session, sighting_id))
    await call.audit(session, "sighting.corrected", "sightings", sighting_id, before=before, after=after)


def _shown(row: SightingRow) -> SightingPublic:
    return SightingPublic.of(row.sighting, row.person, row.camera_name)


@endpoint("GET", "/sightings", allow="sightings:read", sorts=sightings.SORTS)
async def list_sightings(call: Call, query: SightingsQuery) -> Page[SightingPublic]:
    """The sightings, newest first."""
    which = SightingFilter(
        camera_id=query.camera_id, person_id=query.person_id, state=query.state, unknown=query.unknown,
        start=query.since, end=query.until,
    )  # fmt: skip
    async with call.parts.store.read() as session:
        found = await sightings.page(session, query.wanted, which, reach_of(call.who))
    return Page.of(query.wanted, [_shown(row) for row in found.rows], found.total)


@endpoint("GET", "/sightings/{sighting_id}", allow="sightings:read")
async def get_sighting(call: Call, sighting_id: str) -> SightingPublic:
    """One sighting with its evidence."""
    return await _view(call, sighting_id)


@endpoint("PATCH", "/sightings/{sighting_id}", allow="sightings:write")
async def name_sighting(call: Call, sighting_id: str, body: WhoItWas) -> SightingNamed:
    """Says who it was, or with null that it was not the person named; attendance follows.

    What it was not is remembered. `keepView` keeps the face for the person named, behind a strict bar.
    """
    if body.keep_view and body.person_id is None:
        raise Invalid.field("keepView", "nobody", "Say whose view it is, by personId.")
    if body.keep_view and not call.who.may("people:write"):
        raise Forbidden("This needs the permission people:write.")
    was: list[str] = []
    around = partial(_correction, call, sighting_id, body.person_id, was)
    row = await call.parts.recorder.correct(sighting_id, body.person_id, around, by=call.actor)
    if row.camera_id is not None:
        await call.parts.cameras.correct(row.camera_id, sighting_id, body.person_id)
    remembered = [await call.parts.words.not_this(row, person_id) for person_id in was]
    kept = None
    if body.keep_view and body.person_id is not None:
        kept = await call.parts.words.keep_view(row, body.person_id, photo_note(call))
    view = await _view(call, sighting_id)
    return SightingNamed(
        **dict(view),
        view_kept=kept is not None and kept.photo is not None,
        view_refused=NotKept.of(kept.code, kept.similarity, kept.others) if kept is not None and kept.code else None,
        refusal_remembered=any(remembered),
    )


@endpoint("GET", "/sightings/{sighting_id}/snapshot.jpg", allow="sightings:read")
async def sighting_snapshot(call: Call, sighting_id: str) -> Response:
    """The frame that decided it."""
    return await picture(call.request, call.parts.objects, (await _row(call, sighting_id)).snapshot_key)


@endpoint("GET", "/sightings/{sighting_id}/face.jpg", allow="sightings:read")
async def sighting_face(call: Call, sighting_id: str) -> Response:
    """The face in that frame."""
    return await picture(call.request, call.parts.objects, (await _row(call, sighting_id)).face_key)


ENDPOINTS: tuple[Endpoint, ...] = (list_sightings, get_sighting, name_sighting, sighting_snapshot, sighting_face)
