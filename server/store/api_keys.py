"""API keys: the programs' own ways in, each with whose it is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from server.errors import Conflict, NotFound
from server.store.paging import Page, Paged, Sorts, fetch_joined, matching
from server.store.tables import ApiKey, Role, User
from server.store.writes import save

SORTS: Sorts = {
    "name": func.lower(ApiKey.name),
    "owner": User.email,
    "expiresAt": ApiKey.expires_at,
    "lastUsedAt": ApiKey.last_used_at,
    "createdAt": ApiKey.created_at,
    "updatedAt": ApiKey.updated_at,
}


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """A key with whose it is and what they may do, read together."""

    key: ApiKey
    user: User
    role: Role

    def holds(self, now: datetime) -> bool:
        """Not run out, and its owner may still sign in."""
        return self.user.active and (self.key.expires_at is None or self.key.expires_at > now)

    @property
    def permissions(self) -> frozenset[str]:
        """What the key names, as far as its owner may do it now."""
        return frozenset(self.key.permissions) & frozenset(self.role.permissions)


async def find(session: AsyncSession, key_id: str) -> KeyStanding | None:
    return await _one(session, ApiKey.id == key_id)


async def find_by_hash(session: AsyncSession, key_hash: str) -> KeyStanding | None:
    return await _one(session, ApiKey.key_hash == key_hash)


async def get(session: AsyncSession, key_id: str, *, owner_id: str | None = None, lock: bool = False) -> KeyStanding:
    """Raises NotFound, also for a key of somebody else where an owner is given."""
    found = await _one(session, ApiKey.id == key_id, lock=lock)
    if found is None or owner_id not in (None, found.user.id):
        raise NotFound("No API key with that id.", code="api_key_not_found")
    return found


async def page(session: AsyncSession, wanted: Page, *, owner_id: str | None = None) -> Paged[KeyStanding]:
    """Search looks at the name, the beginning of the key and the owner's address."""
    found = matching(wanted.search, col(ApiKey.name), col(ApiKey.prefix), col(User.email))
    statement = _joined().where(*found)
    if owner_id is not None:
        statement = statement.where(ApiKey.user_id == owner_id)
    rows = await fetch_joined(session, statement, wanted, SORTS, "name")
    return rows.map(lambda row: KeyStanding(*row))


async def count_of(session: AsyncSession, owner_id: str) -> int:
    """How many keys somebody has."""
    return (await session.exec(select(func.count()).select_from(ApiKey).where(ApiKey.user_id == owner_id))).one()


async def save_key(session: AsyncSession, key: ApiKey) -> ApiKey:
    """Inserts or updates."""
    return await save(session, key, Conflict("This key is taken. Try again.", code="key_taken"))


async def note_use(session: AsyncSession, key_id: str, at: datetime, address: str) -> None:
    """Not an edit: whoever has the key open in a form can still change it."""
    values: dict[str, object] = {"last_used_at": at, "updated_at": ApiKey.updated_at}
    if address:
        values["last_address"] = address[:64]
    await session.exec(update(ApiKey).where(col(ApiKey.id) == key_id).values(values))


async def remove(session: AsyncSession, key: ApiKey) -> None:
    await session.delete(key)
    await session.flush()


def _joined() -> Select[ApiKey, User, Role]:
    return select(ApiKey, User, Role).join(User, col(ApiKey.user_id) == col(User.id)).join(Role)


async def _one(session: AsyncSession, condition: bool, *, lock: bool = False) -> KeyStanding | None:
    statement = _joined().where(condition)
    if lock:
        statement = statement.with_for_update(of=ApiKey)
    row = (await session.exec(statement)).first()
    return KeyStanding(*row) if row else None
