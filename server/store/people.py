"""People: who they are, and the gallery of their templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_many  # SQLModel's own is typed for four at most
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, NotFound
from server.store import departments
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.tables import Department, Person, Photo, Sighting, Template
from server.store.writes import save


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """A person as a list shows one. The photo is the newest."""

    person: Person
    department_name: str | None
    photo_count: int
    photo_id: str | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """One template as the gallery is filled with it: float32, little-endian, unit length."""

    template_id: str
    person_id: str
    full_name: str
    embedding: bytes


async def find(session: AsyncSession, person_id: str) -> Person | None:
    return await session.get(Person, person_id)


async def get(session: AsyncSession, person_id: str) -> Person:
    """Raises NotFound."""
    person = await find(session, person_id)
    if person is None:
        raise NotFound.of("person")
    return person


async def find_by_employee_id(session: AsyncSession, employee_id: str) -> Person | None:
    return (await session.exec(select(Person).where(Person.employee_id == employee_id))).first()


async def find_by_name(session: AsyncSession, full_name: str) -> Sequence[Person]:
    """All who are called exactly so, oldest first."""
    return (await session.exec(select(Person).where(Person.full_name == full_name).order_by(Person.id))).all()


async def page(
    session: AsyncSession,
    wanted: Page,
    *,
    department_id: str | None = None,
    active: bool | None = None,
    enrolled: bool | None = None,
) -> Paged[PersonSummary]:
    """Search looks at the name, the employee's number and the address. `enrolled`: with a photo, or without."""
    statement = _summaries().where(
        *matching(wanted.search, col(Person.full_name), col(Person.employee_id), col(Person.email))
    )
    if department_id is not None:
        statement = statement.where(Person.department_id == department_id)
    if active is not None:
        statement = statement.where(Person.active == active)
    if enrolled is not None:
        has_photo = select(Photo.id).where(Photo.person_id == Person.id).exists()
        statement = statement.where(has_photo if enrolled else ~has_photo)
    sorts: Sorts = {
        "fullName": func.lower(Person.full_name),
        "employeeId": Person.employee_id,
        "department": func.lower(Department.name),
        "photoCount": _photo_count(),
        "lastSeenAt": _last_seen(),
        "createdAt": Person.created_at,
        "updatedAt": Person.updated_at,
    }
    found = await fetch_joined(session, statement, wanted, sorts, "fullName")
    return found.map(lambda row: PersonSummary(*row))


async def summary(session: AsyncSession, person_id: str) -> PersonSummary:
    """One person as the list shows them; raises NotFound."""
    row = (await session.exec(_summaries().where(Person.id == person_id))).first()
    if row is None:
        raise NotFound.of("person")
    return PersonSummary(*row)


async def save_person(session: AsyncSession, person: Person) -> Person:
    """Inserts or updates; raises Conflict where the employee's number is taken, Invalid without such a department."""
    if person.department_id is not None and await departments.find(session, person.department_id) is None:
        raise Invalid.field("departmentId", "department_not_found", "No department with that id.")
    clash = Conflict("Somebody else has this employee number.", code="employee_id_taken")
    return await save(session, person, clash)


async def remove(session: AsyncSession, person: Person) -> list[str]:
    """With photos, templates and entries; sightings become unknown. The keys of the objects that are left over."""
    statement = select(Photo.object_key, Photo.portrait_key).where(Photo.person_id == person.id)
    keys = [key for pair in (await session.exec(statement)).all() for key in pair]
    await session.delete(person)
    await session.flush()
    return keys


async def gallery_rows(session: AsyncSession, pack: str, *, pack_sha256: str | None = None) -> list[GalleryRow]:
    """The templates of active people made by this pack, oldest first; with a hash, by this very build of it."""
    statement = (
        select(Template.id, Template.person_id, Person.full_name, Template.embedding)
        .join(Person)
        .where(Template.pack == pack, col(Person.active))
        .order_by(Template.id)
    )
    if pack_sha256 is not None:
        statement = statement.where(Template.pack_sha256 == pack_sha256)
    return [GalleryRow(*row) for row in (await session.exec(statement)).all()]


async def gallery_mark(session: AsyncSession) -> tuple[object, ...]:
    """Differs from an earlier one where templates, names or who is active may have changed since."""
    templates = select(func.count(col(Template.id)), func.max(Template.id), func.max(Template.updated_at))
    persons = select(func.count(col(Person.id)), func.max(Person.updated_at))
    return (*(await session.exec(templates)).one(), *(await session.exec(persons)).one())


def _summaries() -> Any:
    return select_many(
        Person,
        col(Department.name),
        _photo_count().label("photo_count"),
        _newest_photo().label("photo_id"),
        _last_seen().label("last_seen_at"),
    ).join(Department, isouter=True)


def _photo_count() -> Any:
    return select(func.count(col(Photo.id))).where(Photo.person_id == Person.id).correlate(Person).scalar_subquery()


def _newest_photo() -> Any:
    newest = select(Photo.id).where(Photo.person_id == Person.id).correlate(Person)
    return newest.order_by(col(Photo.created_at).desc(), col(Photo.id).desc()).limit(1).scalar_subquery()


def _last_seen() -> Any:
    """By the newest start, which an index gives, rather than by the greatest end, which needs all of them."""
    latest = select(Sighting.last_seen_at).where(Sighting.person_id == Person.id).correlate(Person)
    return latest.order_by(col(Sighting.started_at).desc()).limit(1).scalar_subquery()
