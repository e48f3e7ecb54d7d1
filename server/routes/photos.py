"""Photos of a person: enrolment by upload, and the pictures."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Invalid
from server.events.limits import reach_of
from server.routes.endpoint import Call, Endpoint, ShortQuery, endpoint
from server.routes.intake import form_of
from server.routes.pictures import picture
from server.routes.responses import Page
from server.store import people, photos
from server.store.tables import Photo
from server.store.views import PhotoPublic


async def uploaded(request: Request) -> bytes:
    """The file in the field `file` of a multipart form."""
    async with form_of(request, "picture") as (_, file):
        content = await file.read()
    if not content:
        raise Invalid.field("file", "empty", "The file is empty.")
    return content


async def _photo(call: Call, person_id: str, photo_id: str) -> Photo:
    async with call.parts.store.read() as session:
        return await photos.get(session, person_id, photo_id, reach_of(call.who))


async def _shown(call: Call, session: AsyncSession, rows: Sequence[Photo]) -> list[PhotoPublic]:
    """Whom a photo resembles is told to those who may see that person, as things are now."""
    if call.who.only_departments is None:
        return [PhotoPublic.of(row) for row in rows]
    named = [str(one["personId"]) for row in rows for one in row.warnings if "personId" in one]
    known = await people.within(session, named, reach_of(call.who))
    return [PhotoPublic.of(row, known) for row in rows]


@endpoint("GET", "/people/{person_id}/photos", allow="people:read")
async def list_photos(call: Call, person_id: str, query: ShortQuery) -> Page[PhotoPublic]:
    """The accepted photos, newest first."""
    async with call.parts.store.read() as session:
        await people.get(session, person_id, reach_of(call.who))
        shown = await _shown(call, session, await photos.of_person(session, person_id))
    return Page.cut(query.wanted, shown)


@endpoint("POST", "/people/{person_id}/photos", allow="people:write", status=201, uploads=True)
async def add_photo(call: Call, person_id: str) -> PhotoPublic:
    """Enrols by a photo: accepted with its quality, or refused with the reason. Matched from the answer on."""
    async with call.parts.store.read() as session:
        await people.get(session, person_id, reach_of(call.who))

    async def note(session: AsyncSession, photo: Photo) -> None:
        await people.get(session, person_id, reach_of(call.who))  # perhaps moved while it was examined
        await call.audit(session, "photo.added", "photos", photo.id, after=PhotoPublic.of(photo))

    photo = await call.parts.enrolment.add_photo(person_id, await uploaded(call.request), note)
    async with call.parts.store.read() as session:
        return (await _shown(call, session, [photo]))[0]


@endpoint("DELETE", "/people/{person_id}/photos/{photo_id}", allow="people:write", status=204)
async def delete_photo(call: Call, person_id: str, photo_id: str) -> None:
    """Removes the photo and its template."""

    async def note(session: AsyncSession, photo: Photo) -> None:
        call.check_unchanged(photo.updated_at)
        await call.audit(session, "photo.removed", "photos", photo.id, before=PhotoPublic.of(photo))

    await call.parts.enrolment.remove_photo(await _photo(call, person_id, photo_id), note)


@endpoint("GET", "/people/{person_id}/photos/{photo_id}/image.jpg", allow="people:read")
async def photo_image(call: Call, person_id: str, photo_id: str) -> Response:
    """The photo, upright."""
    photo = await _photo(call, person_id, photo_id)
    return await picture(call.request, call.parts.objects, photo.object_key)


ENDPOINTS: tuple[Endpoint, ...] = (list_photos, add_photo, delete_photo, photo_image)
