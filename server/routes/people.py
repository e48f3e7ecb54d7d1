"""People: the list, one person, and departments."""

from pydantic import EmailStr, Field
from starlette.responses import Response

from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.pictures import picture
from server.routes.responses import Page
from server.store import departments, people, photos
from server.store.tables import Department, Person
from server.store.views import PersonPublic
from server.wire import Form, Time, Wire


class PersonForm(Form):
    full_name: str = Field(min_length=1, max_length=200)
    employee_id: str | None = Field(None, min_length=1, max_length=64)
    email: EmailStr | None = None
    department_id: str | None = Field(None, max_length=36)
    external_ids: dict[str, str] = Field(default_factory=dict, max_length=20)
    active: bool = True


class PersonEdit(PersonForm):
    """What is left out stays as it is; null empties a field."""

    full_name: str = Field("", min_length=1, max_length=200)


class PeopleQuery(Query):
    department_id: str | None = None
    active: bool | None = None


class DepartmentForm(Form):
    name: str = Field(min_length=1, max_length=200)


class DepartmentPublic(Wire):
    id: str
    name: str
    created_at: Time
    updated_at: Time


async def _view(call: Call, person_id: str) -> PersonPublic:
    async with call.parts.store.read() as session:
        return PersonPublic.of(await people.summary(session, person_id))


async def _save(call: Call, person: Person) -> None:
    async with call.parts.store.transaction() as session:
        await people.save_person(session, person)


@endpoint("GET", "/people", allow="people:read")
async def list_people(call: Call, query: PeopleQuery) -> Page[PersonPublic]:
    """The people, with how many photos they have and when they were last seen."""
    async with call.parts.store.read() as session:
        found = await people.page(session, query.wanted, department_id=query.department_id, active=query.active)
    return Page.of(query.wanted, [PersonPublic.of(row) for row in found.rows], found.total)


@endpoint("POST", "/people", allow="people:write", status=201)
async def create_person(call: Call, body: PersonForm) -> PersonPublic:
    """A new person; photos come next."""
    person = Person(**body.model_dump())
    await _save(call, person)
    return await _view(call, person.id)


@endpoint("GET", "/people/{person_id}", allow="people:read")
async def get_person(call: Call, person_id: str) -> PersonPublic:
    """One person."""
    return await _view(call, person_id)


@endpoint("PUT", "/people/{person_id}", allow="people:write")
async def edit_person(call: Call, person_id: str, body: PersonEdit) -> PersonPublic:
    """Changes a person. One who is not active is not recognised."""
    async with call.parts.store.read() as session:
        person = await people.get(session, person_id)
    call.check_unchanged(person.updated_at)
    for name, value in body.model_dump(exclude_unset=True).items():
        setattr(person, name, value)
    await _save(call, person)
    await call.parts.roster.refresh()
    return await _view(call, person_id)


@endpoint("DELETE", "/people/{person_id}", allow="people:delete", status=204)
async def delete_person(call: Call, person_id: str) -> None:
    """Removes a person with photos and templates; they are not recognised any more."""
    async with call.parts.store.transaction() as session:
        person = await people.get(session, person_id)
        call.check_unchanged(person.updated_at)
        keys = await people.remove(session, person)
    await call.parts.roster.refresh()
    await call.parts.cameras.forget_person(person_id)
    for key in keys:
        await call.parts.objects.delete(key)


@endpoint("GET", "/people/{person_id}/portrait.jpg", allow="people:read")
async def person_portrait(call: Call, person_id: str) -> Response:
    """The face on the newest photo."""
    async with call.parts.store.read() as session:
        photo = await photos.newest(session, person_id)
    return await picture(call.request, call.parts.objects, photo.portrait_key if photo else None)


@endpoint("GET", "/departments", allow="people:read")
async def list_departments(call: Call, query: Query) -> Page[DepartmentPublic]:
    """The departments by name."""
    async with call.parts.store.read() as session:
        found = await departments.page(session, query.wanted)
    return Page.of(query.wanted, [DepartmentPublic.model_validate(row) for row in found.rows], found.total)


@endpoint("POST", "/departments", allow="people:write", status=201)
async def create_department(call: Call, body: DepartmentForm) -> DepartmentPublic:
    """A new department."""
    async with call.parts.store.transaction() as session:
        department = await departments.save_department(session, Department(name=body.name))
    return DepartmentPublic.model_validate(department)


ENDPOINTS: tuple[Endpoint, ...] = (
    list_people, create_person, get_person, edit_person, delete_person, person_portrait, list_departments,
    create_department,
)  # fmt: skip
