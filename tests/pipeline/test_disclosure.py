"""The archive of a person is written from front to end, and a picture that cannot be read does not end it."""

from io import BytesIO
from zipfile import ZipFile

from server.demo.clips import enrolment_photo
from server.errors import Unavailable
from server.parts import Parts
from server.store import photos
from server.store.tables import Person


async def archived(parts: Parts, person: Person) -> ZipFile:
    pieces = [piece async for piece in parts.disclosure.archive(person.id)]
    assert len(pieces) > 2
    return ZipFile(BytesIO(b"".join(pieces)))


async def test_with_their_photos(parts: Parts, person: Person, portraits: None) -> None:
    """Both pictures of a photo; the rows beside them."""
    photo = await parts.enrolment.add_photo(person.id, enrolment_photo())
    with await archived(parts, person) as archive:
        assert archive.testzip() is None
        pictures = sorted(name for name in archive.namelist() if name.startswith("pictures/"))
        assert pictures == [f"pictures/photos/{photo.id}-face.jpg", f"pictures/photos/{photo.id}.jpg"]
        assert photo.id in archive.read("templates.jsonl").decode()
        assert "not-included.txt" not in archive.namelist()


async def test_a_storage_that_is_away(parts: Parts, person: Person, portraits: None) -> None:
    """What it holds is named as missing; the rest is there."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())

    async def away(key: str) -> bytes:
        raise Unavailable("The object storage is away.", code="storage_unavailable")

    parts.objects.get = away  # type: ignore[method-assign]
    with await archived(parts, person) as archive:
        assert archive.read("not-included.txt").decode().count("could not be read") == 2
        assert person.full_name in archive.read("person.json").decode()
    async with parts.store.read() as session:
        assert await photos.count_of(session, person.id) == 1
