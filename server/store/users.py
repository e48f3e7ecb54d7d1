"""Users and their roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, NotFound
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.tables import Role, User
from server.store.writes import save

SORTS: Sorts = {
    "email": User.email,
    "fullName": func.lower(User.full_name),
    "role": Role.name,
    "lastLoginAt": User.last_login_at,
    "createdAt": User.created_at,
    "updatedAt": User.updated_at,
}


@dataclass(frozen=True, slots=True)
class Account:
    """A user with the role that says what they may do."""

    user: User
    role: Role


async def find(session: AsyncSession, user_id: str) -> Account | None:
    return await _one(session, User.id == user_id)


async def get(session: AsyncSession, user_id: str) -> Account:
    """Raises NotFound."""
    account = await find(session, user_id)
    if account is None:
        raise NotFound.of("user")
    return account


async def find_by_email(session: AsyncSession, email: str) -> Account | None:
    """Capitals do not matter."""
    return await _one(session, User.email == email.strip().lower())


async def page(
    session: AsyncSession, wanted: Page, *, role: str | None = None, active: bool | None = None
) -> Paged[Account]:
    """Search looks at the address and the name."""
    statement = select(User, Role).join(Role).where(*matching(wanted.search, col(User.email), col(User.full_name)))
    if role is not None:
        statement = statement.where(Role.name == role)
    if active is not None:
        statement = statement.where(User.active == active)
    found = await fetch_joined(session, statement, wanted, SORTS, "email")
    return found.map(lambda row: Account(*row))


async def save_user(session: AsyncSession, user: User) -> User:
    """Inserts or updates; raises Conflict where the address is taken."""
    user.email = user.email.strip().lower()
    return await save(session, user, Conflict("Somebody has this email address already.", code="email_taken"))


async def note_login(session: AsyncSession, user_id: str, at: datetime, fresh_hash: str | None = None) -> None:
    """Not an edit: whoever has the user open in a form can still save it."""
    values: dict[str, object] = {"last_login_at": at, "updated_at": User.updated_at}
    if fresh_hash is not None:
        values["password_hash"] = fresh_hash
    await session.exec(update(User).where(col(User.id) == user_id).values(values))


async def remove(session: AsyncSession, user: User) -> None:
    """With all sessions of theirs."""
    await session.delete(user)
    await session.flush()


async def count_active(session: AsyncSession, role_name: str, *, besides: str | None = None) -> int:
    """How many can sign in with this role, not counting the one with the id `besides`."""
    statement = select(func.count()).select_from(User).join(Role).where(Role.name == role_name, col(User.active))
    if besides is not None:
        statement = statement.where(User.id != besides)
    return (await session.exec(statement)).one()


async def roles(session: AsyncSession) -> Sequence[Role]:
    """By name."""
    return (await session.exec(select(Role).order_by(Role.name))).all()


async def find_role(session: AsyncSession, name: str) -> Role | None:
    return (await session.exec(select(Role).where(Role.name == name))).first()


async def get_role(session: AsyncSession, name: str) -> Role:
    """For a form that names a role: raises Invalid on the field `role`."""
    role = await find_role(session, name)
    if role is None:
        raise Invalid.field("role", "unknown_role", "There is no role with that name.")
    return role


async def _one(session: AsyncSession, condition: bool) -> Account | None:
    row = (await session.exec(select(User, Role).join(Role).where(condition))).first()
    return Account(*row) if row else None
