"""Departments that people belong to."""

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.events.limits import EVERYTHING, Reach
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.reach import departments_within
from server.store.tables import Department
from server.store.writes import locked, save

SORTS: Sorts = {
    "name": func.lower(Department.name),
    "createdAt": Department.created_at,
    "updatedAt": Department.updated_at,
}


async def find(session: AsyncSession, department_id: str) -> Department | None:
    return await session.get(Department, department_id)


async def get(session: AsyncSession, department_id: str, reach: Reach = EVERYTHING) -> Department:
    """Raises NotFound, also for one that is out of reach."""
    department = await find(session, department_id) if reach.has_department(department_id) else None
    if department is None:
        raise NotFound.of("department")
    return department


async def lock(session: AsyncSession, department_id: str) -> Department:
    """The same, for an edit within the caller's transaction."""
    department = await locked(session, Department, department_id)
    if department is None:
        raise NotFound.of("department")
    return department


async def find_by_name(session: AsyncSession, name: str) -> Department | None:
    return (await session.exec(select(Department).where(Department.name == name))).first()


async def names(session: AsyncSession) -> dict[str, str]:
    """Of all of them, by id."""
    return dict((await session.exec(select(Department.id, Department.name))).all())


async def page(session: AsyncSession, wanted: Page, reach: Reach = EVERYTHING) -> Paged[Department]:
    """Search looks at the name."""
    statement = select(Department).where(*matching(wanted.search, col(Department.name)), *departments_within(reach))
    return await fetch(session, statement, wanted, SORTS, "name")


async def save_department(session: AsyncSession, department: Department) -> Department:
    """Inserts or updates; raises Conflict where the name is taken."""
    clash = Conflict("Another department has this name.", code="department_name_taken")
    return await save(session, department, clash)


async def remove(session: AsyncSession, department: Department) -> None:
    """Its people stay, without a department."""
    await session.delete(department)
    await session.flush()
