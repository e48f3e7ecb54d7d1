"""What an operator's word teaches: refused views, confirmed views, and a visitor's best face."""

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, grace_hopper, read_picture
from server.identity.gallery import Match
from server.loading import Models
from server.parts import Parts
from server.pipeline.evidence import take_evidence
from server.store import photos, visitors
from server.store.paging import Page
from server.store.tables import Camera, Person, Photo, RefusedView, Sighting
from tests.opened import models
from tests.pipeline.conftest import change

Pixels = NDArray[np.uint8]


async def no_note(_session: AsyncSession, _photo: Photo) -> None:
    """Nothing is noted."""


async def seen(parts: Parts, camera: Camera, clock: ManualClock, image: Pixels, person_id: str | None) -> Sighting:
    """A closed sighting with the pictures of this frame."""
    found: Models = models()
    [faces] = found.detector.detect([image])
    evidence = take_evidence(image, faces.boxes[0], 90)
    clock.advance(60)
    opened = change(camera, "recognized" if person_id else "unknown", clock.now(), person_id)
    closed = change(camera, "closed", clock.now(), person_id, like=opened)
    await parts.recorder.record(camera.id, [opened], {opened.sighting.id: evidence})
    await parts.recorder.record(camera.id, [closed], {})
    async with parts.store.read() as session:
        return await session.get_one(Sighting, opened.sighting.id)


def another_view() -> Pixels:
    """The same face as on the photo, darker, softer and tilted: like it, but not the same picture."""
    image = read_picture(astronaut())
    height, width = image.shape[:2]
    turned = cv2.warpAffine(image, cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1.0), (width, height))
    squeezed = cv2.resize(turned, (int(width * 0.78), height))
    return np.asarray(cv2.convertScaleAbs(squeezed, alpha=0.7, beta=5), np.uint8)


async def test_a_refused_view_is_remembered_over_a_restart(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, portraits: None
) -> None:
    """The same face has to be more like the person than like what they are not; said once, kept once, sealed."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    row = await seen(parts, camera, clock, read_picture(grace_hopper()), person.id)
    row = await parts.recorder.correct(row.id, None)
    for _ in range(2):
        assert await parts.words.not_this(row, person.id)
    async with parts.store.read() as session:
        [view] = (await session.exec(select(RefusedView))).all()
        [group] = (await visitors.page(session, Page())).rows
    assert (view.person_id, view.sighting_id, group.count) == (person.id, row.id, 1)
    assert view.key_id
    look = parts.words
    parts.roster.refused.replace({})
    look._mark = None
    await look.refresh()
    face = await parts.enrolment.embedding_of(grace_hopper().read_bytes())
    match = Match(person.id, "t", 0.7, 0.5)
    bar = parts.roster.bar(match, face)
    assert bar.refused is not None
    assert bar.refused > 0.7
    assert bar.threshold > bar.refused
    own = await parts.enrolment.embedding_of(enrolment_photo())
    assert parts.roster.bar(match, own).threshold < 0.7


async def test_the_word_that_it_is_this_person_takes_the_refusal_back(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, portraits: None
) -> None:
    """Of that sighting; and an erased person leaves no refused view."""
    row = await seen(parts, camera, clock, read_picture(grace_hopper()), person.id)
    await parts.recorder.correct(row.id, None)
    assert await parts.words.not_this(row, person.id)
    await parts.recorder.correct(row.id, person.id)
    async with parts.store.read() as session:
        assert (await session.exec(select(RefusedView))).all() == []
    assert await parts.words.not_this(row, person.id)
    async with parts.store.transaction() as session:
        await session.delete(await session.get_one(Person, person.id))
    async with parts.store.read() as session:
        assert (await session.exec(select(RefusedView))).all() == []
    assert not await parts.words.not_this(row, person.id)


async def test_without_a_picture_nothing_is_taught(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock
) -> None:
    """Retention was here first: the word counts for the sighting, and that is all."""
    opened = change(camera, "recognized", clock.now(), person.id)
    await parts.recorder.record(camera.id, [opened], {})
    async with parts.store.read() as session:
        row = await session.get_one(Sighting, opened.sighting.id)
    assert not await parts.words.not_this(row, person.id)
    assert (await parts.words.keep_view(row, person.id, no_note)).code == "no_picture"
    row.snapshot_key = "sightings/gone.jpg"
    assert (await parts.words.enrol([row], person.id, no_note)).code == "no_picture"


async def test_a_confirmed_view_becomes_a_template_behind_the_bar(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, portraits: None
) -> None:
    """Another view of the same face is kept, once; somebody else's is not, whoever says so."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    row = await seen(parts, camera, clock, another_view(), person.id)
    kept = await parts.words.keep_view(row, person.id, no_note)
    assert kept.code is None, kept
    assert len(parts.roster.gallery.templates_of(person.id)) == 2
    async with parts.store.read() as session:
        measured = [one.quality for one in await photos.of_person(session, person.id)]
    assert [one.get("sightingId") for one in measured] == [row.id, None]
    assert (await parts.words.keep_view(row, person.id, no_note)).code == "kept_before"
    hopper = await seen(parts, camera, clock, read_picture(grace_hopper()), person.id)
    assert (await parts.words.keep_view(hopper, person.id, no_note)).code == "unlike_photos"
    again = await seen(parts, camera, clock, another_view(), person.id)
    assert (await parts.words.keep_view(again, person.id, no_note)).code == "nothing_new"


async def test_a_small_face_is_not_kept(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, portraits: None
) -> None:
    """The camera recognises it, a template needs more."""
    await parts.enrolment.add_photo(person.id, enrolment_photo())
    small = cv2.resize(another_view(), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    row = await seen(parts, camera, clock, np.asarray(small, np.uint8), person.id)
    assert (await parts.words.keep_view(row, person.id, no_note)).code in ("face_too_small", "too_blurred")
    assert (await parts.words.enrol([row], person.id, no_note)).code in ("face_too_small", "too_blurred")


async def test_the_best_face_of_a_visitor_is_enrolled(
    parts: Parts, camera: Camera, person: Person, clock: ManualClock, portraits: None
) -> None:
    """The first that passes the bar of an enrolment."""
    blank = change(camera, "unknown", clock.now())
    await parts.recorder.record(camera.id, [blank], {})
    async with parts.store.read() as session:
        nothing = await session.get_one(Sighting, blank.sighting.id)
    row = await seen(parts, camera, clock, read_picture(grace_hopper()), None)
    kept = await parts.words.enrol([nothing, row], person.id, no_note)
    assert kept.photo is not None
    assert parts.roster.gallery.templates_of(person.id)
