"""Visitors: unknown faces in groups, who they turn out to be, and when a face was seen."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Forbidden, Invalid
from server.events.limits import reach_of
from server.pipeline.enrol import Note
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.photos import uploaded
from server.routes.responses import Page
from server.store import people, visitors
from server.store.reach import sightings_within
from server.store.tables import Person, Photo, Sighting
from server.store.views import PersonBrief, PhotoPublic, SightingPublic
from server.store.visitors import VisitorRow
from server.wire import Form, Time, Wire

MOST_FOUND = 200
REFUSALS = {
    "no_picture": "There is no picture of it any more in which the face can be found.",
    "face_too_small": "The face is too small in the pictures that there are.",
    "too_blurred": "The face is blurred in the pictures that there are.",
    "turned_away": "The face is turned too far away in the pictures that there are.",
    "too_dark": "The face is too dark in the pictures that there are.",
    "no_face": "No face was found in the pictures that there are.",
    "several_faces": "There is another face beside it in the pictures that there are.",
    "enough_views": "There are enough confirmed views of this person already.",
    "no_photo": "This person has no photo yet to compare with. Add one first.",
    "unlike_photos": "The face is not like enough to this person's own photos.",
    "nothing_new": "The face is nearly the same as on a photo that is there: it would add nothing.",
    "resembles_other_person": "The face is too like somebody else's photos.",
    "kept_before": "This view is kept already.",
}


class CameraSeen(Wire):
    id: str | None
    name: str | None


class VisitorPublic(Wire):
    """One unknown face, as far as its sightings may be seen by whoever asks."""

    id: str
    first_seen_at: Time
    last_seen_at: Time
    count: int = Field(description="of its sightings")
    cameras: list[CameraSeen]
    sighting_id: str | None = Field(description="the one with the best face")
    face_url: str | None
    snapshot_url: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: VisitorRow) -> "VisitorPublic":
        best = SightingPublic.of(row.best, None, None) if row.best else None
        return cls(
            id=row.id, first_seen_at=row.first_seen_at, last_seen_at=row.last_seen_at, count=row.count,
            cameras=[CameraSeen(id=camera_id, name=name) for camera_id, name in row.cameras],
            sighting_id=best.id if best else None, face_url=best.face_url if best else None,
            snapshot_url=best.snapshot_url if best else None, created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class AssignForm(Form):
    """Either somebody who is there, or the name of somebody new."""

    person_id: str | None = Field(None, max_length=36)
    full_name: str | None = Field(None, min_length=1, max_length=200)
    employee_id: str | None = Field(None, min_length=1, max_length=64)
    department_id: str | None = Field(None, max_length=36)
    enrol: bool = Field(False, description="the best face becomes a photo, if it is good enough for one")


class WithOther(Form):
    other_id: str = Field(max_length=36, description="the group that turned out to be the same, and will be gone")


class NotKept(Wire):
    """Why a face did not become a photo, with what was measured."""

    code: str
    message: str
    similarity: float | None = Field(None, description="to the person's own photos")
    others: float | None = Field(None, description="to the most similar photo of anybody else")

    @classmethod
    def of(cls, code: str, similarity: float | None = None, others: float | None = None) -> "NotKept":
        rounded = [None if value is None else round(value, 3) for value in (similarity, others)]
        message = REFUSALS.get(code, "The face is not good enough for a photo.")
        return cls(code=code, message=message, similarity=rounded[0], others=rounded[1])


class Assigned(Wire):
    """Whose the sightings are now, how many they were, and what became of the best face."""

    person: PersonBrief
    sightings: int
    photo: PhotoPublic | None
    refused: NotKept | None


class SeenFace(Wire):
    """A sighting of the face: of the person whom it resembles, or of a visitor."""

    sighting: SightingPublic
    visitor_id: str | None
    similarity: float = Field(description="of the photo to the person's photos, or to the visitor's faces")


class VisitorsQuery(Query):
    search: None = Field(None, description="visitors have no name to search for")


@endpoint("GET", "/sightings/unknown", allow="sightings:read", sorts=visitors.SORTS)
async def list_visitors(call: Call, query: VisitorsQuery) -> Page[VisitorPublic]:
    """Unknown faces, grouped across cameras and days; seen last first."""
    async with call.parts.store.read() as session:
        found = await visitors.page(session, query.wanted, reach_of(call.who))
    return Page.of(query.wanted, [VisitorPublic.of(row) for row in found.rows], found.total)


@endpoint("GET", "/sightings/unknown/{visitor_id}", allow="sightings:read")
async def get_visitor(call: Call, visitor_id: str) -> VisitorPublic:
    """One of them."""
    async with call.parts.store.read() as session:
        return VisitorPublic.of(await visitors.get(session, visitor_id, reach_of(call.who)))


def _person(call: Call, body: AssignForm) -> Person | None:
    """Somebody new, if that is meant. Raises Invalid, or Forbidden."""
    if (body.person_id is None) == (body.full_name is None):
        raise Invalid.field("personId", "one_of_two", "Name a person by personId, or somebody new by fullName.")
    if (body.full_name is not None or body.enrol) and not call.who.may("people:write"):
        raise Forbidden("This needs the permission people:write.")
    if body.full_name is None:
        return None
    return Person(full_name=body.full_name, employee_id=body.employee_id, department_id=body.department_id)


@asynccontextmanager
async def _assignment(
    call: Call, visitor_id: str, person_id: str, made: Person | None, session: AsyncSession
) -> AsyncIterator[Sequence[str]]:
    """Around the corrections of one group, in their transaction: what is there before, and the audit of it."""
    reach = reach_of(call.who)
    call.check_unchanged((await visitors.lock(session, visitor_id)).updated_at)
    before = VisitorPublic.of(await visitors.get(session, visitor_id, reach))
    found = [row.id for row in await visitors.sightings_of(session, visitor_id, reach)]
    if made is not None:
        await people.save_person(session, made, reach)
    else:
        await people.check(session, person_id, reach)
    yield found
    after = {"personId": person_id, "sightings": found, "new": made is not None}
    await call.audit(session, "visitor.assigned", "sightings", visitor_id, before=before, after=after)


@endpoint("POST", "/sightings/unknown/{visitor_id}/assign", allow="sightings:write", raises=(409,))
async def assign_visitor(call: Call, visitor_id: str, body: AssignForm) -> Assigned:
    """Says who it was: all its sightings within reach, with their attendance. `enrol` also keeps the best face.

    Somebody new takes `fullName` in the place of `personId`; that and `enrol` need people:write.
    """
    made = _person(call, body)
    person_id = made.id if made is not None else str(body.person_id)
    async with call.parts.store.read() as session:
        which = await visitors.sightings_of(session, visitor_id, reach_of(call.who))
        best = await visitors.best_of(session, [row.id for row in which], 5) if body.enrol else []
    around = partial(_assignment, call, visitor_id, person_id, made)
    moved = await call.parts.recorder.correct_all(person_id, around, by=call.actor)
    photo, refused = await _enrolled(call, best, person_id) if body.enrol else (None, None)
    async with call.parts.store.read() as session:
        person = await people.get(session, person_id)
    return Assigned(person=PersonBrief.of(person), sightings=len(moved), photo=photo, refused=refused)


async def _enrolled(call: Call, best: Sequence[Sighting], person_id: str) -> tuple[PhotoPublic | None, NotKept | None]:
    kept = await call.parts.words.enrol(list(best), person_id, photo_note(call))
    if kept.photo is None:
        return None, NotKept.of(kept.code or "no_picture", kept.similarity, kept.others)
    async with call.parts.store.read() as session:
        named = [str(one["personId"]) for one in kept.photo.warnings if "personId" in one]
        return PhotoPublic.of(kept.photo, await people.within(session, named, reach_of(call.who))), None


def photo_note(call: Call) -> Note:
    """What the audit says of a photo that was taken from a sighting."""

    async def note(session: AsyncSession, photo: Photo) -> None:
        await call.audit(session, "photo.added", "photos", photo.id, after=PhotoPublic.of(photo))

    return note


@endpoint("POST", "/sightings/unknown/{visitor_id}/merge", allow="sightings:write")
async def merge_visitors(call: Call, visitor_id: str, body: WithOther) -> VisitorPublic:
    """Two groups that are one face: this one gets the other's sightings."""
    reach = reach_of(call.who)
    async with call.parts.store.transaction() as session:
        before = {
            "visitor": VisitorPublic.of(await visitors.get(session, visitor_id, reach)),
            "other": VisitorPublic.of(await visitors.get(session, body.other_id, reach)),
        }
        await call.parts.visitors.merge(session, visitor_id, body.other_id)
        view = VisitorPublic.of(await visitors.get(session, visitor_id, reach))
        await call.audit(session, "visitor.merged", "sightings", visitor_id, before=before, after=view)
    return view


@endpoint("POST", "/sightings/search", allow="sightings:read", uploads=True)
async def when_seen(call: Call) -> Page[SeenFace]:
    """When the face on a photo was seen: the sightings of the people and the visitors whom it passes for.

    The latest first, 200 at most. Nothing of the photo is kept; 422 as with a photo of a person.
    """
    parts, reach = call.parts, reach_of(call.who)
    face = await parts.enrolment.embedding_of(await uploaded(call.request))
    known = {
        one.person_id: one.similarity
        for one in parts.roster.gallery.search_top(face, 10)
        if one.similarity >= parts.roster.bar(one, face).threshold
    }
    groups = dict(await parts.visitors.found(face))
    async with parts.store.transaction() as session:
        rows = await visitors.seen(session, list(known), list(groups), sightings_within(reach), MOST_FOUND)
        shown = [
            SeenFace(
                sighting=SightingPublic.of(row.sighting, row.person, row.camera_name),
                visitor_id=visitor_id,
                similarity=round(known.get(row.sighting.person_id or "", groups.get(visitor_id or "", 0.0)), 4),
            )
            for row, visitor_id in rows
        ]
        await call.audit(session, "sightings.searched", "sightings", None, after={"found": len(shown)})
    return Page(shown, 1, MOST_FOUND, len(shown))


ENDPOINTS: tuple[Endpoint, ...] = (list_visitors, get_visitor, assign_visitor, merge_visitors, when_seen)
