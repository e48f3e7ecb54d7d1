"""Enrolment: stored whole or not at all."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.demo.clips import enrolment_photo
from server.errors import EditedMeanwhile, NotFound, PhotoRefused
from server.parts import Parts
from server.store import photos
from server.store.tables import Person, Photo
from server.store.templates import KeptTemplate


async def test_a_photo_becomes_a_template(parts: Parts, person: Person) -> None:
    """Row, template, two pictures and the gallery, all from one call."""
    photo = await parts.enrolment.add_photo(person.id, enrolment_photo())
    async with parts.store.read() as session:
        [template] = await photos.templates_of(session, photo.id)
    assert (template.pack, template.pack_sha256) == (parts.roster.pack.name, parts.roster.pack.sha256)
    kept = KeptTemplate(template.id, person.id, template.key_id, template.embedding)
    assert len(parts.access.templates.open(kept) or b"") == 4 * template.dimension
    assert (await parts.objects.get(photo.object_key)).startswith(b"\xff\xd8")
    assert (await parts.objects.get(photo.portrait_key)).startswith(b"\xff\xd8")
    assert parts.roster.gallery.people == 1
    assert photo.quality["sizePx"] > 50


async def test_nobody_is_not_enrolled(parts: Parts, person: Person) -> None:
    """Unknown person: NotFound before any work. A refused photo leaves nothing."""
    with pytest.raises(NotFound):
        await parts.enrolment.add_photo("nobody", enrolment_photo())
    with pytest.raises(PhotoRefused):
        await parts.enrolment.add_photo(person.id, b"no picture")
    assert len(parts.roster.gallery) == 0


async def test_a_failed_transaction_leaves_no_pictures(
    parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be stored in the database does not stay in the objects either."""
    put: list[str] = []
    original = parts.objects.put

    async def remember(key: str, content: bytes) -> None:
        put.append(key)
        await original(key, content)

    async def broken(*_: object) -> Person:
        raise OperationalError("INSERT", {}, OSError("disk is full"))

    monkeypatch.setattr(parts.objects, "put", remember)
    monkeypatch.setattr(parts.enrolment, "_store_rows", broken)
    with pytest.raises(OperationalError):
        await parts.enrolment.add_photo(person.id, enrolment_photo())
    assert len(put) == 2
    for key in put:
        with pytest.raises(NotFound):
            await parts.objects.get(key)
    assert len(parts.roster.gallery) == 0


async def test_several_at_once_all_arrive(parts: Parts, person: Person) -> None:
    """Uploads in parallel wait for one another and are all kept."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(parts.enrolment.add_photo(person.id, enrolment_photo()))
    async with parts.store.read() as session:
        assert await photos.count_of(session, person.id) == 3
    assert (parts.roster.gallery.people, len(parts.roster.gallery)) == (1, 3)


async def test_a_disk_that_fills_up_leaves_no_pictures(
    parts: Parts, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the second picture cannot be stored, the first one does not stay."""
    put: list[str] = []
    original = parts.objects.put

    async def filling_up(key: str, content: bytes) -> None:
        if put:
            raise OSError("No space left on device")
        put.append(key)
        await original(key, content)

    monkeypatch.setattr(parts.objects, "put", filling_up)
    with pytest.raises(OSError, match="No space"):
        await parts.enrolment.add_photo(person.id, enrolment_photo())
    with pytest.raises(NotFound):
        await parts.objects.get(put[0])


async def test_what_is_noted_is_stored_with_it_or_not_at_all(parts: Parts, person: Person) -> None:
    """In the same transaction as the photo, coming and going; a note that refuses keeps things as they were."""
    noted: list[str] = []

    async def note(session: AsyncSession, photo: Photo) -> None:
        assert await photos.count_of(session, person.id) == 1
        noted.append(photo.id)

    async def refuse(session: AsyncSession, photo: Photo) -> None:
        raise EditedMeanwhile("Too late.")

    with pytest.raises(EditedMeanwhile):
        await parts.enrolment.add_photo(person.id, enrolment_photo(), refuse)
    assert len(parts.roster.gallery) == 0
    photo = await parts.enrolment.add_photo(person.id, enrolment_photo(), note)
    with pytest.raises(EditedMeanwhile):
        await parts.enrolment.remove_photo(photo, refuse)
    assert (await parts.objects.get(photo.object_key)).startswith(b"\xff\xd8")
    await parts.enrolment.remove_photo(photo, note)
    assert noted == [photo.id, photo.id]
    assert len(parts.roster.gallery) == 0
