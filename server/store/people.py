"""People: who they are, and what a list says of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from sqlalchemy import and_, exists, func, or_
from sqlalchemy import select as select_many  # SQLModel's own is typed for four at most
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store import consents, credentials, departments, entries, sites, terminals
from server.store.columns import utc_now
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.reach import people_within
from server.store.tables import (
    Alert,
    AuditRow,
    Consent,
    Delivery,
    Department,
    Entry,
    FrozenDay,
    Leave,
    Person,
    Photo,
    RefusedView,
    Schedule,
    Sighting,
    Template,
    TerminalLine,
)
from server.store.writes import locked, save, touch

PHOTOS_WANTED = 3  # straight, left, right
Enrolment = Literal["none", "partial", "complete"]


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """A person as a list shows one. The photo is the newest."""

    person: Person
    department_name: str | None
    photo_count: int
    photo_id: str | None
    last_seen_at: datetime | None
    consent: str | None = None

    @property
    def enrolment(self) -> Enrolment:
        """How far the enrolment is: by one photo somebody is recognised, by all that are wanted surely."""
        if self.photo_count == 0:
            return "none"
        return "partial" if self.photo_count < PHOTOS_WANTED else "complete"


async def find(session: AsyncSession, person_id: str) -> Person | None:
    return await session.get(Person, person_id)


async def get(session: AsyncSession, person_id: str, reach: Reach = EVERYTHING) -> Person:
    """Raises NotFound, also for one who is out of reach."""
    return _within(await find(session, person_id), reach)


async def lock(session: AsyncSession, person_id: str, reach: Reach = EVERYTHING) -> Person:
    """The same, for an edit within the caller's transaction."""
    return _within(await locked(session, Person, person_id), reach)


async def within(session: AsyncSession, person_ids: Iterable[str], reach: Reach) -> set[str]:
    """Those of them that are there and within reach."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return set()
    statement = select(Person.id).where(col(Person.id).in_(wanted), *people_within(reach))
    return set((await session.exec(statement)).all())


async def check(session: AsyncSession, person_id: str | None, reach: Reach) -> None:
    """Raises Invalid where somebody is named who is not there, or out of reach."""
    if person_id is not None and not await within(session, [person_id], reach):
        raise Invalid.field("personId", "unknown", "No person with that id.")


async def count(session: AsyncSession) -> int:
    """Everybody."""
    return (await session.exec(select(func.count(col(Person.id))))).one()


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
    enrolment: Enrolment | None = None,
    reach: Reach = EVERYTHING,
) -> Paged[PersonSummary]:
    """Search looks at the name, the employee's number and the address. `enrolled`: with a photo, or without."""
    words = matching(wanted.search, col(Person.full_name), col(Person.employee_id), col(Person.email))
    statement = _summaries(reach).where(*words)
    if department_id is not None:
        statement = statement.where(Person.department_id == department_id)
    if active is not None:
        statement = statement.where(Person.active == active)
    if enrolled is not None:
        has_photo = select(Photo.id).where(Photo.person_id == Person.id).exists()
        statement = statement.where(has_photo if enrolled else ~has_photo)
    if enrolment is not None:
        count = _photo_count()
        has = {
            "none": count == 0,
            "partial": and_(count > 0, count < PHOTOS_WANTED),
            "complete": count >= PHOTOS_WANTED,
        }
        statement = statement.where(has[enrolment])
    found = await fetch_joined(session, statement, wanted, _sorts(reach), "fullName")
    return found.map(lambda row: PersonSummary(*row))


async def summary(session: AsyncSession, person_id: str, reach: Reach = EVERYTHING) -> PersonSummary:
    """One person as the list shows them; raises NotFound."""
    row = (await session.exec(_summaries(reach).where(Person.id == person_id))).first()
    if row is None:
        raise NotFound.of("person")
    return PersonSummary(*row)


async def summaries(session: AsyncSession, person_ids: Sequence[str], reach: Reach) -> dict[str, PersonSummary]:
    """Of those of them that are there and within reach, by id."""
    found = (await session.exec(_summaries(reach).where(col(Person.id).in_(person_ids)))).all() if person_ids else []
    return {row[0].id: PersonSummary(*row) for row in found}


async def at_work(
    session: AsyncSession,
    first: date,
    last: date,
    reach: Reach,
    *,
    person_id: str | None = None,
    department_id: str | None = None,
    site_id: str | None = None,
) -> Sequence[Person]:
    """Whose days there are: everybody who is active, and who has entries between these dates (UTC), by name."""
    start, end = (datetime.combine(day, time.min, UTC) for day in (first, last))
    has_entries = exists().where(
        col(Entry.person_id) == col(Person.id),
        col(Entry.at) >= start,
        col(Entry.at) < end,
        col(Entry.state) == entries.VALID,
    )
    statement = select(Person).where(or_(col(Person.active).is_(True), has_entries), *people_within(reach))
    for column, value in (
        (Person.id, person_id), (Person.department_id, department_id), (Person.site_id, site_id),
    ):  # fmt: skip
        if value is not None:
            statement = statement.where(column == value)
    return (await session.exec(statement.order_by(func.lower(Person.full_name), col(Person.id)))).all()


async def merge(session: AsyncSession, person: Person, other: Person) -> None:
    """`person` gets all that is `other`'s, who is removed. Both are locked."""
    for table in (Photo, Template, Sighting, Entry, Consent, Schedule, Leave, TerminalLine, Delivery):
        moved = update(table).where(col(table.person_id) == other.id).values(person_id=person.id)
        await session.exec(moved.execution_options(synchronize_session=False))
    await credentials.hand_over(session, person, other)
    known = select(col(FrozenDay.date)).where(
        FrozenDay.person_id == person.id
    )  # of two for a date, the person's own stays
    paid = update(FrozenDay).where(col(FrozenDay.person_id) == other.id, col(FrozenDay.date).not_in(known))
    await session.exec(paid.values(person_id=person.id).execution_options(synchronize_session=False))
    taken_over = {
        name: getattr(other, name) for name in ("employee_id", "email", "department_id", "site_id", "timezone")
    }
    external_ids = {**other.external_ids, **person.external_ids}
    await _forget_alerts(session, other.id)
    session.expire(other)
    await session.delete(other)
    await session.flush()  # before its number is somebody else's
    for name, value in taken_over.items():
        if getattr(person, name) is None:
            setattr(person, name, value)
    person.external_ids = external_ids
    touch(person)
    session.add(person)
    await session.flush()
    await terminals.call_for(session, person)


async def heir_of(session: AsyncSession, person_id: str) -> str | None:
    """Whom somebody who is gone was merged into, as far back as the audit goes. Whoever that is may be gone, too: then
    it is their heir, and None where there is nobody."""
    asked = {person_id}
    while True:
        other = col(AuditRow.before)["other"]["id"].as_string()
        merged = select(AuditRow.resource_id).where(AuditRow.action == "person.merged", other == person_id)
        heir = (await session.exec(merged.order_by(col(AuditRow.position).desc()).limit(1))).first()
        if heir is None or heir in asked:
            return None
        if await session.get(Person, heir) is not None:
            return heir
        asked.add(heir)
        person_id = heir


async def save_person(session: AsyncSession, person: Person, reach: Reach = EVERYTHING) -> Person:
    """Inserts or updates; raises Conflict where the employee's number is taken, Invalid without such a department
    (within reach)."""
    lost = terminals.pins_before(person)
    if person.department_id is None and reach.departments is not None:
        raise Invalid.field("departmentId", "missing", "Choose one of your departments.")
    if person.department_id is not None:
        with session.no_autoflush:  # a clash is for save() to tell
            department = await departments.find(session, person.department_id)
        if department is None or not reach.has_department(department.id):
            raise Invalid.field("departmentId", "department_not_found", "No department with that id.")
    await sites.check(session, person.site_id)
    person.inactive_since = None if person.active else person.inactive_since or utc_now()
    clash = Conflict("Somebody else has this employee number.", code="employee_id_taken")
    await save(session, person, clash)
    await terminals.call_for(session, person, lost)
    return person


async def long_inactive(
    session: AsyncSession, before: datetime, limit: int, *, person_id: str | None = None
) -> Sequence[str]:
    """Those who have been so since before that time, and of whom something is left that shows their face; or whether
    one of them is that person."""
    left = (
        select(Photo.id).where(Photo.person_id == Person.id),
        select(Template.id).where(Template.person_id == Person.id),
        select(RefusedView.id).where(RefusedView.person_id == Person.id),
        select(Sighting.id).where(
            Sighting.person_id == Person.id,
            or_(col(Sighting.snapshot_key).is_not(None), col(Sighting.face_key).is_not(None)),
        ),
    )
    statement = select(Person.id).where(
        col(Person.active).is_(False), col(Person.inactive_since) < before, or_(*(one.exists() for one in left))
    )
    if person_id is not None:
        statement = statement.where(Person.id == person_id)
    return (await session.exec(statement.order_by(Person.id).limit(limit))).all()


async def remove(session: AsyncSession, person: Person) -> list[str]:
    """With photos and templates; sightings become unknown, and entries stay without saying whose they were. The keys of
    the objects that are left over."""
    statement = select(Photo.object_key, Photo.portrait_key).where(Photo.person_id == person.id)
    keys = [key for pair in (await session.exec(statement)).all() for key in pair]
    await terminals.forget_person(session, person)
    await entries.make_anonymous(session, person)
    await _forget_alerts(session, person.id)
    await session.delete(person)
    await session.flush()
    return keys


async def _forget_alerts(session: AsyncSession, person_id: str) -> None:
    """What was told of their days."""
    await session.exec(delete(Alert).where(col(Alert.subject).startswith(f"people/{person_id}/", autoescape=True)))


def _within(person: Person | None, reach: Reach) -> Person:
    if person is None or not reach.has_department(person.department_id):
        raise NotFound.of("person")
    return person


def _summaries(reach: Reach) -> Any:
    found = select_many(
        Person,
        col(Department.name),
        _photo_count().label("photo_count"),
        _newest_photo().label("photo_id"),
        _last_seen(reach).label("last_seen_at"),
        consents.state_of_person().label("consent"),
    )
    return found.join(Department, isouter=True).where(*people_within(reach))


def _photo_count() -> Any:
    return select(func.count(col(Photo.id))).where(Photo.person_id == Person.id).correlate(Person).scalar_subquery()


def _newest_photo() -> Any:
    newest = select(Photo.id).where(Photo.person_id == Person.id).correlate(Person)
    return newest.order_by(col(Photo.created_at).desc(), col(Photo.id).desc()).limit(1).scalar_subquery()


def _last_seen(reach: Reach) -> Any:
    """By the newest start, which an index gives, rather than by the greatest end, which needs all of them."""
    latest = select(Sighting.last_seen_at).where(Sighting.person_id == Person.id).correlate(Person)
    if reach.cameras is not None:
        latest = latest.where(col(Sighting.camera_id).in_(sorted(reach.cameras)))
    return latest.order_by(col(Sighting.started_at).desc()).limit(1).scalar_subquery()


def _sorts(reach: Reach) -> Sorts:
    return {
        "fullName": func.lower(Person.full_name),
        "employeeId": Person.employee_id,
        "department": func.lower(Department.name),
        "photoCount": _photo_count(),
        "lastSeenAt": _last_seen(reach),
        "createdAt": Person.created_at,
        "updatedAt": Person.updated_at,
    }


SORTED_BY = tuple(_sorts(EVERYTHING))
