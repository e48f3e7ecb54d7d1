"""Whether anybody is there yet: the first user is made once."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import Role, User


async def nobody_yet(session: AsyncSession) -> bool:
    return (await session.exec(select(User.id).limit(1))).first() is None


async def lock_role(session: AsyncSession, name: str) -> Role:
    """Until the transaction ends, no user with this role is made elsewhere."""
    return (await session.exec(select(Role).where(Role.name == name).with_for_update())).one()
