"""People: the list, one person, whose face it is, and two that are one."""

from pydantic import EmailStr, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from server.errors import Invalid
from server.events.limits import reach_of
from server.pipeline.shift_rules import Zone
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.photos import uploaded
from server.routes.pictures import picture
from server.routes.privacy import carry_out
from server.routes.responses import Page
from server.store import people, photos
from server.store.tables import Person
from server.store.views import PersonBrief, PersonPublic
from server.wire import Form, Time, Wire

MOST_FOUND = 10


class PersonForm(Form):
    full_name: str = Field(min_length=1, max_length=200)
    employee_id: str | None = Field(None, min_length=1, max_length=64)
    email: EmailStr | None = None
    department_id: str | None = Field(None, max_length=36)
    external_ids: dict[str, str] = Field(default_factory=dict, max_length=20)
    site_id: str | None = Field(None, max_length=36)
    timezone: Zone | None = Field(None, description="null: that of the site")
    active: bool = True


class PersonEdit(PersonForm):
    """What is left out stays as it is; null empties a field."""

    full_name: str = Field("", min_length=1, max_length=200)


class PeopleQuery(Query):
    department_id: str | None = None
    active: bool | None = None
    enrolment: people.Enrolment | None = Field(None, description="how many of the photos that are wanted there are")


class MergeForm(Form):
    other_id: str = Field(max_length=36, description="who turned out to be the same person, and will be gone")


class FaceFound(Wire):
    """Somebody whom the face resembles, and how much. `recognized`: a camera would take it for this person."""

    person: PersonBrief
    similarity: float
    margin: float = Field(description="the lead over everybody else; negative behind the first")
    threshold: float = Field(description="the least similarity that counts, at this number of people")
    recognized: bool
    last_seen_at: Time | None


async def _view(call: Call, session: AsyncSession, person_id: str) -> PersonPublic:
    return PersonPublic.of(await people.summary(session, person_id, reach_of(call.who)))


@endpoint("GET", "/people", allow="people:read", sorts=people.SORTED_BY)
async def list_people(call: Call, query: PeopleQuery) -> Page[PersonPublic]:
    """The people, with how many photos they have and when they were last seen."""
    async with call.parts.store.read() as session:
        found = await people.page(
            session,
            query.wanted,
            department_id=query.department_id,
            active=query.active,
            enrolment=query.enrolment,
            reach=reach_of(call.who),
        )
    return Page.of(query.wanted, [PersonPublic.of(row) for row in found.rows], found.total)


@endpoint("POST", "/people", allow="people:write", status=201)
async def create_person(call: Call, body: PersonForm) -> PersonPublic:
    """A new person; photos come next."""
    person = Person(**body.model_dump())
    async with call.parts.store.transaction() as session:
        await people.save_person(session, person, reach_of(call.who))
        view = await _view(call, session, person.id)
        await call.audit(session, "person.created", "people", person.id, after=view)
    return view


@endpoint("GET", "/people/{person_id}", allow="people:read")
async def get_person(call: Call, person_id: str) -> PersonPublic:
    """One person."""
    async with call.parts.store.read() as session:
        return await _view(call, session, person_id)


@endpoint("PUT", "/people/{person_id}", allow="people:write")
async def edit_person(call: Call, person_id: str, body: PersonEdit) -> PersonPublic:
    """Changes a person. One who is not active is not recognised."""
    async with call.parts.store.transaction() as session:
        person = await people.lock(session, person_id, reach_of(call.who))
        call.check_unchanged(person.updated_at)
        before = await _view(call, session, person_id)
        for name, value in body.model_dump(exclude_unset=True).items():
            setattr(person, name, value)
        await people.save_person(session, person, reach_of(call.who))
        view = await _view(call, session, person_id)
        await call.audit(session, "person.changed", "people", person_id, before=before, after=view)
    await call.parts.roster.changed()
    return view


@endpoint("DELETE", "/people/{person_id}", allow="people:delete", status=204)
async def delete_person(call: Call, person_id: str) -> None:
    """Removes a person with all that shows their face; the receipt of it stays among the erasures."""
    async with call.parts.store.transaction() as session:
        person = await people.lock(session, person_id, reach_of(call.who))
        call.check_unchanged(person.updated_at)
        before = await _view(call, session, person_id)
        receipt = await call.parts.eraser.begin(session, person, "person", call.actor.name)
        await people.remove(session, person)
        await call.audit(session, "person.removed", "people", person_id, before=before)
    await carry_out(call, receipt)


@endpoint("GET", "/people/{person_id}/portrait.jpg", allow="people:read")
async def person_portrait(call: Call, person_id: str) -> Response:
    """The face on the newest photo."""
    async with call.parts.store.read() as session:
        photo = await photos.newest(session, person_id, reach_of(call.who))
    return await picture(call.request, call.parts.objects, photo.portrait_key if photo else None)


@endpoint("POST", "/people/search", allow="people:read", uploads=True)
async def search_by_photo(call: Call) -> Page[FaceFound]:
    """Whose face is on a photo: the most similar people, best first, ten at most. Nothing of the photo is kept.

    422 as with a photo of a person: `no_face`, `several_faces`, `face_too_small` and the like.
    """
    most = MOST_FOUND if call.who.only_departments is None else 20 * MOST_FOUND  # some of them are left out below
    found = await call.parts.enrolment.look_up(await uploaded(call.request), most)
    bars = {match.person_id: call.parts.roster.bar(match).threshold for match in found}
    async with call.parts.store.transaction() as session:
        known = await people.summaries(session, [match.person_id for match in found], reach_of(call.who))
        await call.audit(session, "people.searched", "people", None, after={"found": sorted(known)})
    shown = [
        FaceFound(
            person=PersonBrief.of(known[match.person_id].person), similarity=round(match.similarity, 4),
            margin=round(match.margin, 4), threshold=round(bars[match.person_id], 4),
            recognized=match.similarity >= bars[match.person_id] and match.margin >= call.parts.roster.pack.margin,
            last_seen_at=known[match.person_id].last_seen_at,
        )
        for match in found
        if match.person_id in known
    ][:MOST_FOUND]  # fmt: skip
    return Page(shown, 1, MOST_FOUND, len(shown))


@endpoint("POST", "/people/{person_id}/merge", allow="people:write")
async def merge_people(call: Call, person_id: str, body: MergeForm) -> PersonPublic:
    """Two entries of one person become one: this one gets the photos, sightings and attendance of the other, who goes.

    What this one has stays; what it lacks (employee number, address, department, ids elsewhere) is taken over.
    """
    if body.other_id == person_id:
        raise Invalid.field("otherId", "the_same", "This is the same person. Name another one.")
    reach = reach_of(call.who)
    async with call.parts.store.transaction() as session:
        # In one order, so that two who merge the same pair crosswise wait for each other.
        rows = {key: await people.lock(session, key, reach) for key in sorted((person_id, body.other_id))}
        person, other = rows[person_id], rows[body.other_id]
        call.check_unchanged(person.updated_at)
        before = {"person": await _view(call, session, person_id), "other": await _view(call, session, other.id)}
        await call.parts.access.templates.hand_over(session, other.id, person.id)
        await people.merge(session, person, other)
        view = await _view(call, session, person_id)
        await call.audit(session, "person.merged", "people", person_id, before=before, after=view)
    await call.parts.roster.changed()
    await call.parts.cameras.forget_person(body.other_id)
    return view


ENDPOINTS: tuple[Endpoint, ...] = (
    list_people, create_person, search_by_photo, get_person, edit_person, delete_person, person_portrait, merge_people,
)  # fmt: skip
