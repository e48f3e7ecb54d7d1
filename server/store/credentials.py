"""PINs and badges: found by their digests, never by what they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.tables import Credential, Person
from server.store.writes import locked, save

PIN: Literal["pin"] = "pin"
BADGE: Literal["badge"] = "badge"
SORTS: Sorts = {"kind": Credential.kind, "createdAt": Credential.created_at, "lastUsedAt": Credential.last_used_at}


async def of_digests(session: AsyncSession, kind: str, digests: Sequence[str]) -> Sequence[Credential]:
    """Those with one of these digests: one, unless two keys have met."""
    statement = select(Credential).where(Credential.kind == kind, col(Credential.digest).in_(digests))
    # As they are now, also where they were read before somebody else's change.
    return (await session.exec(statement.execution_options(populate_existing=True))).all()


async def pin_of(session: AsyncSession, person_id: str) -> Credential | None:
    return (
        await session.exec(select(Credential).where(Credential.person_id == person_id, Credential.kind == PIN))
    ).first()


async def count(session: AsyncSession, person_id: str) -> int:
    """How many somebody has."""
    counted = select(func.count(col(Credential.id))).where(Credential.person_id == person_id)
    return (await session.exec(counted)).one()


async def page(session: AsyncSession, wanted: Page, person_id: str) -> Paged[Credential]:
    """Of one person: badges, then the PIN."""
    return await fetch(session, select(Credential).where(Credential.person_id == person_id), wanted, SORTS, "kind")


async def lock(session: AsyncSession, person_id: str, credential_id: str) -> Credential:
    """For an edit within the caller's transaction. Raises NotFound, also for one of somebody else's."""
    row = await locked(session, Credential, credential_id)
    if row is None or row.person_id != person_id:
        raise NotFound.of("credential")
    return row


async def keep(session: AsyncSession, row: Credential, clash: Conflict) -> Credential:
    """Inserts or updates; raises `clash` where somebody has the same."""
    return await save(session, row, clash)


async def note_use(session: AsyncSession, row: Credential, at: datetime) -> None:
    """It has been used; that is no edit of it."""
    used = update(Credential).where(col(Credential.id) == row.id).values(last_used_at=at, updated_at=row.updated_at)
    await session.exec(used.execution_options(synchronize_session=False))


async def digest_anew(session: AsyncSession, row: Credential, digest: str, key_id: str) -> None:
    """The same by another key, unless it is another by now; that is no edit of it either."""
    anew = (
        update(Credential)
        .where(col(Credential.id) == row.id, col(Credential.digest) == row.digest)
        .values(digest=digest, key_id=key_id, updated_at=row.updated_at)
    )
    await session.exec(anew.execution_options(synchronize_session=False))


async def remove(session: AsyncSession, row: Credential) -> None:
    await session.delete(row)
    await session.flush()


async def hand_over(session: AsyncSession, person: Person, other: Person) -> None:
    """Badges become the person's, and the PIN where they have none of their own."""
    theirs = update(Credential).where(col(Credential.person_id) == other.id).values(person_id=person.id)
    if await pin_of(session, person.id) is not None:
        theirs = theirs.where(col(Credential.kind) == BADGE)
    await session.exec(theirs.execution_options(synchronize_session=False))


async def count_by_key(session: AsyncSession) -> Mapping[str, int]:
    """How many have been digested with which key."""
    statement = select(Credential.key_id, func.count(col(Credential.id))).group_by(Credential.key_id)
    return dict((await session.exec(statement)).all())
