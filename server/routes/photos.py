"""Photos of a person: enrolment by upload, and the pictures."""

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.errors import BadRequest, Invalid, UnsupportedMedia
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.pictures import picture
from server.routes.responses import Page
from server.store import people, photos
from server.store.tables import Photo
from server.store.views import PhotoPublic


async def uploaded(request: Request) -> bytes:
    """The file in the field `file` of a multipart form."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia("Send the picture as multipart/form-data, in the field file.")
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid.field("file", "missing", "Send the picture in the field file.")
            content = await file.read()
    except HTTPException as error:
        raise BadRequest(f"The form cannot be read: {error.detail}", code="malformed_form") from None
    if not content:
        raise Invalid.field("file", "empty", "The file is empty.")
    return content


async def _photo(call: Call, person_id: str, photo_id: str) -> Photo:
    async with call.parts.store.read() as session:
        return await photos.get(session, person_id, photo_id)


@endpoint("GET", "/people/{person_id}/photos", allow="people:read")
async def list_photos(call: Call, person_id: str, query: Query) -> Page[PhotoPublic]:
    """The accepted photos, newest first."""
    async with call.parts.store.read() as session:
        await people.get(session, person_id)
        rows = await photos.of_person(session, person_id)
    return Page.cut(query.wanted, [PhotoPublic.of(row) for row in rows])


@endpoint("POST", "/people/{person_id}/photos", allow="people:write", status=201, uploads=True)
async def add_photo(call: Call, person_id: str) -> PhotoPublic:
    """Enrols by a photo: accepted with its quality, or refused with the reason. Matched from the answer on."""
    return PhotoPublic.of(await call.parts.enrolment.add_photo(person_id, await uploaded(call.request)))


@endpoint("DELETE", "/people/{person_id}/photos/{photo_id}", allow="people:write", status=204)
async def delete_photo(call: Call, person_id: str, photo_id: str) -> None:
    """Removes the photo and its template."""
    await call.parts.enrolment.remove_photo(await _photo(call, person_id, photo_id))


@endpoint("GET", "/people/{person_id}/photos/{photo_id}/image.jpg", allow="people:read")
async def photo_image(call: Call, person_id: str, photo_id: str) -> Response:
    """The photo, upright."""
    photo = await _photo(call, person_id, photo_id)
    return await picture(call.request, call.parts.objects, photo.object_key)


ENDPOINTS: tuple[Endpoint, ...] = (list_photos, add_photo, delete_photo, photo_image)
