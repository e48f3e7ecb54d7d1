"""Users and their roles."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, null
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, NotFound
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.tables import Camera, Department, Role, User
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


async def find(session: AsyncSession, user_id: str, *, lock: bool = False) -> Account | None:
    """`lock` keeps every other change of this user waiting until the transaction ends."""
    return await _one(session, User.id == user_id, lock=lock)


async def get(session: AsyncSession, user_id: str, *, lock: bool = False) -> Account:
    """Raises NotFound."""
    account = await find(session, user_id, lock=lock)
    if account is None:
        raise NotFound.of("user")
    return account


async def names(session: AsyncSession, ids: Collection[str]) -> dict[str, str]:
    """Of those that are still there."""
    if not ids:
        return {}
    return dict((await session.exec(select(User.id, User.full_name).where(col(User.id).in_(ids)))).all())


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
    """How many can sign in with this role and are not limited, not counting the one with the id `besides`."""
    unlimited = (col(User.camera_ids).is_(null()), col(User.department_ids).is_(null()))
    statement = select(func.count()).select_from(User).join(Role)
    statement = statement.where(Role.name == role_name, col(User.active), *unlimited)
    if besides is not None:
        statement = statement.where(User.id != besides)
    return (await session.exec(statement)).one()


async def check_limits(
    session: AsyncSession,
    camera_ids: Sequence[str] | None,
    department_ids: Sequence[str] | None,
    *,
    held: Sequence[str] = (),
) -> None:
    """Raises Invalid on the field that names a camera or a department that is not there.

    Those `held` already may be gone: a form that sends them back is not wrong.
    """
    for ids, column, field, noun in (
        (camera_ids, col(Camera.id), "cameraIds", "camera"),
        (department_ids, col(Department.id), "departmentIds", "department"),
    ):
        known = {*held, *((await session.exec(select(column).where(column.in_(ids)))).all() if ids else ())}
        for index, one in enumerate(ids or ()):
            if one not in known:
                raise Invalid.field(f"{field}.{index}", f"{noun}_not_found", f"No {noun} with that id.")


async def roles(session: AsyncSession) -> Sequence[Role]:
    """By name."""
    return (await session.exec(select(Role).order_by(Role.name))).all()


async def find_role(session: AsyncSession, name: str, *, keep: bool = False) -> Role | None:
    """`keep` lets nobody remove the role until the transaction ends."""
    statement = select(Role).where(Role.name == name)
    if keep:
        statement = statement.with_for_update(read=True, key_share=True)
    return (await session.exec(statement)).first()


async def get_role(session: AsyncSession, name: str) -> Role:
    """For a form that names a role, which stays until the transaction ends: raises Invalid on the field `role`."""
    role = await find_role(session, name, keep=True)
    if role is None:
        raise Invalid.field("role", "unknown_role", "There is no role with that name.")
    return role


async def lock_role(session: AsyncSession, name: str) -> None:
    """Whoever counts the users of a role takes its row first, so that two at once do not both find the other there."""
    statement = select(Role.id).where(Role.name == name).with_for_update(key_share=True)
    await session.exec(statement)


async def _one(session: AsyncSession, condition: bool, *, lock: bool = False) -> Account | None:
    if lock:
        # The user alone: PostgreSQL, having waited for one whose role changes meanwhile, would join the new user to the
        # role of before, and find nobody.
        alone = select(User).where(condition).with_for_update().execution_options(populate_existing=True)
        user = (await session.exec(alone)).first()
        return Account(user, await session.get_one(Role, user.role_id)) if user else None
    row = (await session.exec(select(User, Role).join(Role).where(condition))).first()
    return Account(*row) if row else None
