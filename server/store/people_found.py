"""People by what other programs know of them: an id, a number, an email, an id elsewhere."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import Person

_COLUMNS = {"personId": col(Person.id), "employeeId": col(Person.employee_id), "email": func.lower(col(Person.email))}


async def found_by(session: AsyncSession, column: str, said: str) -> Sequence[Person]:
    """Who has that `personId`, `employeeId` or `email` (in whichever case)."""
    value = said.lower() if column == "email" else said
    return (await session.exec(select(Person).where(_COLUMNS[column] == value).limit(2))).all()


async def by_external_ids(session: AsyncSession) -> Mapping[tuple[str, str], Sequence[str]]:
    """Ids of people by name and value of each id elsewhere. Not in SQL: databases search JSON differently."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person_id, ids in (await session.exec(select(Person.id, Person.external_ids))).all():
        for name, value in ids.items():
            found[name, value].append(person_id)
    return found
