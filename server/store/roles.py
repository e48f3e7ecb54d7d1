"""Roles: what users with them may do."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.tables import Role, User
from server.store.writes import save

_HOW_MANY = select(func.count()).select_from(User).where(User.role_id == Role.id).correlate(Role).scalar_subquery()

SORTS: Sorts = {
    "name": func.lower(Role.name),
    "users": _HOW_MANY,
    "createdAt": Role.created_at,
    "updatedAt": Role.updated_at,
}


async def get(session: AsyncSession, role_id: str) -> tuple[Role, int]:
    """With how many users have it; raises NotFound."""
    row = (await session.exec(select(Role, _HOW_MANY).where(Role.id == role_id))).first()
    if row is None:
        raise NotFound.of("role")
    return row[0], row[1]


async def locked(session: AsyncSession, role_id: str, *, to_remove: bool = False) -> tuple[Role, int]:
    """As `get`, and nobody else changes it until the transaction ends; `to_remove`: nor gives it to a user."""
    statement = select(Role).where(Role.id == role_id).with_for_update(key_share=not to_remove)
    role = (await session.exec(statement.execution_options(populate_existing=True))).first()
    if role is None:
        raise NotFound.of("role")
    count = (await session.exec(select(func.count()).select_from(User).where(User.role_id == role_id))).one()
    return role, count


async def page(session: AsyncSession, wanted: Page, *, builtin: bool | None = None) -> Paged[tuple[Role, int]]:
    """With how many users have each. Search looks at the name."""
    statement = select(Role, _HOW_MANY).where(*matching(wanted.search, col(Role.name)))
    if builtin is not None:
        statement = statement.where(Role.builtin == builtin)
    return await fetch_joined(session, statement, wanted, SORTS, "name")


async def save_role(session: AsyncSession, role: Role, permissions: Sequence[str]) -> Role:
    """Inserts or updates; raises Conflict where the name is taken."""
    role.permissions = sorted(set(permissions))
    return await save(session, role, Conflict("Another role has this name.", code="role_name_taken"))


async def remove(session: AsyncSession, role: Role) -> None:
    await session.delete(role)
    await session.flush()
