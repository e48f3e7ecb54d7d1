"""Sightings: who was seen where, the pictures of it, and an operator's word on who it was."""

from typing import Literal

from pydantic import AwareDatetime, Field
from starlette.responses import Response

from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.pictures import picture
from server.routes.responses import Page
from server.store import sightings
from server.store.sightings import SightingFilter, SightingRow
from server.store.tables import Sighting
from server.store.views import SightingPublic
from server.wire import Form


class SightingsQuery(Query):
    camera_id: str | None = None
    person_id: str | None = None
    state: Literal["open", "closed"] | None = None
    unknown: bool | None = None
    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = Field(None, alias="to")


class WhoItWas(Form):
    person_id: str | None = Field(max_length=36)


async def _row(call: Call, sighting_id: str) -> Sighting:
    async with call.parts.store.read() as session:
        return (await sightings.get(session, sighting_id)).sighting


async def _view(call: Call, sighting_id: str) -> SightingPublic:
    async with call.parts.store.read() as session:
        return _shown(await sightings.get(session, sighting_id))


def _shown(row: SightingRow) -> SightingPublic:
    return SightingPublic.of(row.sighting, row.person, row.camera_name)


@endpoint("GET", "/sightings", allow="sightings:read")
async def list_sightings(call: Call, query: SightingsQuery) -> Page[SightingPublic]:
    """The sightings, newest first."""
    which = SightingFilter(
        camera_id=query.camera_id, person_id=query.person_id, state=query.state, unknown=query.unknown,
        start=query.since, end=query.until,
    )  # fmt: skip
    async with call.parts.store.read() as session:
        found = await sightings.page(session, query.wanted, which)
    return Page.of(query.wanted, [_shown(row) for row in found.rows], found.total)


@endpoint("GET", "/sightings/{sighting_id}", allow="sightings:read")
async def get_sighting(call: Call, sighting_id: str) -> SightingPublic:
    """One sighting with its evidence."""
    return await _view(call, sighting_id)


@endpoint("PATCH", "/sightings/{sighting_id}", allow="sightings:write")
async def name_sighting(call: Call, sighting_id: str, body: WhoItWas) -> SightingPublic:
    """Says who it was, or with null that it was not the person named; attendance follows."""
    call.check_unchanged((await _row(call, sighting_id)).updated_at)
    row = await call.parts.recorder.correct(sighting_id, body.person_id)
    if row.camera_id is not None:
        await call.parts.cameras.correct(row.camera_id, sighting_id, body.person_id)
    return await _view(call, sighting_id)


@endpoint("GET", "/sightings/{sighting_id}/snapshot.jpg", allow="sightings:read")
async def sighting_snapshot(call: Call, sighting_id: str) -> Response:
    """The frame that decided it."""
    return await picture(call.request, call.parts.objects, (await _row(call, sighting_id)).snapshot_key)


@endpoint("GET", "/sightings/{sighting_id}/face.jpg", allow="sightings:read")
async def sighting_face(call: Call, sighting_id: str) -> Response:
    """The face in that frame."""
    return await picture(call.request, call.parts.objects, (await _row(call, sighting_id)).face_key)


ENDPOINTS: tuple[Endpoint, ...] = (list_sightings, get_sighting, name_sighting, sighting_snapshot, sighting_face)
