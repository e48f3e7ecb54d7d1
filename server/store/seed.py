"""What a new database starts with: the built-in roles and a first administrator. Running it again does no harm."""

from collections.abc import Iterable, Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict
from server.store import users
from server.store.tables import Role, User
from server.store.writes import save


async def seed_roles(session: AsyncSession, roles: Mapping[str, Iterable[str]]) -> list[str]:
    """Makes the built-in roles, and makes those that exist as this version has them; the names of those that changed.

    A role of somebody's own making with the same name is left alone.
    """
    changed = []
    for name, permissions in roles.items():
        role = await users.find_role(session, name)
        if role is None:
            role = Role(name=name, builtin=True)
        elif not role.builtin or set(permissions) == set(role.permissions):
            continue
        role.permissions = sorted(permissions)
        await save(session, role, Conflict("Another process seeds at this moment.", code="role_name_taken"))
        changed.append(name)
    return changed


async def seed_admin(
    session: AsyncSession, *, email: str, full_name: str, password_hash: str, role_name: str = "Admin"
) -> User | None:
    """The first administrator; None where there is one, or the address is somebody's, and nothing is changed."""
    if await users.count_active(session, role_name) or await users.find_by_email(session, email):
        return None
    role = await users.get_role(session, role_name)
    user = User(email=email, full_name=full_name, password_hash=password_hash, role_id=role.id)
    return await users.save_user(session, user)
