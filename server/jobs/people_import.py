"""Many people at once, by a job or by the command: each once, however often it is begun, with a report of refusals."""

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, PhotoRefused, RollcallError, Unavailable
from server.events.limits import EVERYTHING, Reach
from server.jobs.people_plan import Incoming, Plan, Refusal
from server.jobs.people_source import Source
from server.jobs.spreadsheet import table
from server.jobs.trail import Trail
from server.pipeline.enrol import Enrolment
from server.pipeline.roster import Roster
from server.store import departments, people
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.tables import Department, Person, Photo
from server.store.views import PersonBrief, PhotoPublic

COLUMNS = ("kind", "line", "column", "file", "person", "code", "message")
Tell = Callable[[int, int], Awaitable[None]]


@dataclass(slots=True)
class Report:
    """What came of it. The figures count what is there now, so a repetition comes to the same."""

    people: int = 0
    photos: int = 0
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        return {
            "people": self.people, "photos": self.photos, "refused": len(self.refused), "warnings": len(self.warnings)
        }  # fmt: skip

    def as_table(self) -> bytes:
        """A line for each refusal and each warning, for a spreadsheet. Call it in a thread."""
        rows = [*(("refused", one) for one in self.refused), *(("warning", one) for one in self.warnings)]
        return table(
            [
                COLUMNS,
                *((kind, one.line, one.column, one.file, one.person, one.code, one.message) for kind, one in rows),
            ]
        )


class PeopleImporter:
    """One import at a time goes through it person by person, each in transactions of its own."""

    def __init__(self, store: Store, trail: Trail, enrolment: Enrolment, roster: Roster) -> None:
        self._store = store
        self._trail = trail
        self._enrolment = enrolment
        self._roster = roster

    async def ready(self) -> "PeopleImporter":
        """Itself: for a job that asks for an importer where the networks are loaded already."""
        return self

    async def run(
        self, source: Source, plan: Plan, tell: Tell, *, actor: Actor = SYSTEM, reach: Reach = EVERYTHING,
        report: Report | None = None,
    ) -> Report:  # fmt: skip
        """Goes through the plan. Begun again, it adds nothing twice; may be cancelled: then the `report` that was given
        says what was done. `reach` is the asker's."""
        report, total = Report() if report is None else report, len(plan.people)
        report.refused = list(plan.refusals)
        await self._roster.refresh()
        try:
            for number, one in enumerate(plan.people):
                await tell(number, total)
                await self._take(source, one, report, actor, reach)
            await tell(total, total)
        finally:
            await self._roster.changed()  # names, and whoever was told of some of it only
        return report

    async def _take(self, source: Source, one: Incoming, report: Report, actor: Actor, reach: Reach) -> None:
        def refused(error: RollcallError, file: str = "") -> Refusal:
            if isinstance(error, Unavailable):  # not this person's fault: another time
                raise error
            column, code = ("", error.code)
            if error.details and not isinstance(error, PhotoRefused):
                column, code = _COLUMN_OF.get(error.details[0].field, ""), error.details[0].code
            return Refusal(code, error.message, one.line, column, file, one.full_name)

        try:
            person_id = await self._find_or_add(one, actor, reach)
        except RollcallError as error:
            report.refused += [refused(error, photo) for photo in one.photos or ("",)]
            return
        report.people += 1
        for name in one.photos:
            try:
                photo = await self._photo(person_id, await asyncio.to_thread(source.read, name), actor)
            except RollcallError as error:
                report.refused.append(refused(error, name))
                continue
            report.photos += 1
            report.warnings += [
                Refusal(str(each["code"]), str(each["message"]), one.line, "", name, one.full_name)
                for each in photo.warnings
            ]

    async def _photo(self, person_id: str, picture: bytes, actor: Actor) -> Photo:
        """Its id follows from whose it is and what is on it: so one that is there is found, and not added again."""
        photo_id = await asyncio.to_thread(photo_id_of, person_id, picture)
        async with self._store.read() as session:
            there = await session.get(Photo, photo_id)
        if there is not None:
            return there

        async def note(session: AsyncSession, photo: Photo) -> None:
            after = PhotoPublic.of(photo)
            await self._trail.record(session, actor, "photo.added", "photos", photo.id, after=after)

        return await self._enrolment.add_photo(person_id, picture, note, photo_id=photo_id)

    async def _find_or_add(self, one: Incoming, actor: Actor, reach: Reach) -> str:
        async with self._store.transaction() as session:
            found = await _known(session, one, reach)
            department_id = await self._department(session, one.department, actor, reach)
            if found is None:
                person = Person(
                    full_name=one.full_name, employee_id=one.employee_id or None, email=one.email or None,
                    department_id=department_id, external_ids=one.external_ids,
                )  # fmt: skip
                await people.save_person(session, person, reach)
                after = PersonBrief.of(person)
                await self._trail.record(session, actor, "person.created", "people", person.id, after=after)
                return person.id
            changed = _changes(found, one, department_id)
            if changed:
                before = {name: getattr(found, name) for name in changed}
                for name, value in changed.items():
                    setattr(found, name, value)
                await people.save_person(session, found, reach)
                await self._trail.record(
                    session, actor, "person.changed", "people", found.id, before=before, after=changed
                )
            return found.id

    async def _department(self, session: AsyncSession, name: str, actor: Actor, reach: Reach) -> str | None:
        """Made where there is none of that name, by somebody who is not limited to some."""
        if not name:
            return None
        found = await departments.find_by_name(session, name)
        if found is None and reach.departments is None:
            found = await departments.save_department(session, Department(name=name))
            await self._trail.record(
                session, actor, "department.created", "departments", found.id, after={"name": name}
            )
        if found is None or not reach.has_department(found.id):
            raise Invalid.field("departmentId", "department_not_found", f"There is no department {name}.")
        return found.id


def photo_id_of(person_id: str, picture: bytes) -> str:
    """A UUIDv7 with the time of the person's own, and a digest of both in place of chance."""
    whose = uuid.UUID(person_id)
    digest = int.from_bytes(hashlib.sha256(whose.bytes + picture).digest()[:10])
    time_ms, mask = whose.int >> 80, (1 << 80) - 1
    number = time_ms << 80 | digest & mask
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    return str(uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62))  # variant


async def _known(session: AsyncSession, one: Incoming, reach: Reach) -> Person | None:
    """By the employee's number, else by the name. Raises Conflict where it is not clear who is meant."""
    if one.employee_id:
        found = await people.find_by_employee_id(session, one.employee_id)
        if found is not None and not reach.has_department(found.department_id):
            raise Conflict("Somebody else has this employee number.", code="employee_id_taken")
        return found
    everybody = await people.find_by_name(session, one.full_name)
    named = [person for person in everybody if reach.has_department(person.department_id)]
    if len(named) > 1:
        raise Conflict(
            f"There are {len(named)} people called {one.full_name}; give employee ids in a CSV.", code="name_not_unique"
        )
    return named[0] if named else None


def _changes(person: Person, one: Incoming, department_id: str | None) -> dict[str, object]:
    """What the import says otherwise. What it leaves empty stays."""
    wanted: dict[str, object] = {
        "full_name": one.full_name, "email": one.email, "department_id": department_id,
        "external_ids": {**person.external_ids, **one.external_ids},
    }  # fmt: skip
    return {name: value for name, value in wanted.items() if value and getattr(person, name) != value}


_COLUMN_OF = {"departmentId": "department", "employeeId": "employeeId", "email": "email", "fullName": "fullName"}
