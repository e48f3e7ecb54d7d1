"""Departments that people belong to."""

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import Department
from server.store.writes import save

SORTS: Sorts = {
    "name": func.lower(Department.name),
    "createdAt": Department.created_at,
    "updatedAt": Department.updated_at,
}


async def find(session: AsyncSession, department_id: str) -> Department | None:
    return await session.get(Department, department_id)


async def get(session: AsyncSession, department_id: str) -> Department:
    """Raises NotFound."""
    department = await find(session, department_id)
    if department is None:
        raise NotFound.of("department")
    return department


async def find_by_name(session: AsyncSession, name: str) -> Department | None:
    return (await session.exec(select(Department).where(Department.name == name))).first()


async def page(session: AsyncSession, wanted: Page) -> Paged[Department]:
    """Search looks at the name."""
    statement = select(Department).where(*matching(wanted.search, col(Department.name)))
    return await fetch(session, statement, wanted, SORTS, "name")


async def save_department(session: AsyncSession, department: Department) -> Department:
    """Inserts or updates; raises Conflict where the name is taken."""
    clash = Conflict("Another department has this name.", code="department_name_taken")
    return await save(session, department, clash)


async def remove(session: AsyncSession, department: Department) -> None:
    """Its people stay, without a department."""
    await session.delete(department)
    await session.flush()
