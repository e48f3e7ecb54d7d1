"""Signings-in: one row each, which is also the family of its refresh tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import Role, Session, User

SORTS: Sorts = {
    "createdAt": Session.created_at,
    "expiresAt": Session.expires_at,
    "lastUsedAt": Session.last_used_at,
    "updatedAt": Session.updated_at,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A session with whose it is and what they may do, read together."""

    session: Session
    user: User
    role: Role

    def holds(self, now: datetime) -> bool:
        """Not ended, not run out, and its user may still sign in."""
        return self.session.ended_at is None and self.session.expires_at > now and self.user.active


async def add(session: AsyncSession, row: Session) -> Session:
    session.add(row)
    await session.flush()
    return row


async def standing(session: AsyncSession, session_id: str, *, lock: bool = False) -> Standing | None:
    """`lock` keeps every other rotation of this session waiting until the transaction ends."""
    return await _one(session, Session.id == session_id, lock=lock)


async def standings(session: AsyncSession, session_ids: Sequence[str]) -> dict[str, Standing]:
    """Of those that there are, by the id."""
    rows = await session.exec(_joined().where(col(Session.id).in_(session_ids)))
    return {row[0].id: Standing(*row) for row in rows}


async def standing_by_cookie(session: AsyncSession, cookie_hash: str) -> Standing | None:
    return await _one(session, Session.cookie_hash == cookie_hash)


async def open_of_user(session: AsyncSession, user_id: str, now: datetime) -> Sequence[Session]:
    """Those that still hold, newest first."""
    statement = select(Session).where(
        Session.user_id == user_id, col(Session.ended_at).is_(None), col(Session.expires_at) > now
    )
    return (await session.exec(statement.order_by(col(Session.created_at).desc(), col(Session.id).desc()))).all()


async def page(
    session: AsyncSession, wanted: Page, user_id: str, now: datetime, opened_after: datetime
) -> Paged[Session]:
    """Those of a user that still hold, none of before a time. Search looks at the browser and the address."""
    statement = select(Session).where(
        Session.user_id == user_id, col(Session.ended_at).is_(None), col(Session.expires_at) > now,
        col(Session.created_at) > opened_after,
        *matching(wanted.search, col(Session.user_agent), col(Session.address)),
    )  # fmt: skip
    return await fetch(session, statement, wanted, SORTS, "-createdAt")


async def end(session: AsyncSession, row: Session, at: datetime, reason: str) -> None:
    """Ends one. One that has ended keeps its first reason."""
    if row.ended_at is None:
        row.ended_at, row.end_reason = at, reason
        session.add(row)
        await session.flush()


async def end_all_of(
    session: AsyncSession, user_id: str, at: datetime, reason: str, *, besides: str | None = None
) -> list[str]:
    """Ends every open session of a user but the one with the id `besides`; their ids."""
    rows = [row for row in await open_of_user(session, user_id, at) if row.id != besides]
    for row in rows:
        await end(session, row, at, reason)
    return [row.id for row in rows]


async def note_use(session: AsyncSession, session_id: str, at: datetime) -> None:
    """Not an edit."""
    values = {"last_used_at": at, "updated_at": Session.updated_at}
    await session.exec(update(Session).where(col(Session.id) == session_id).values(values))


async def forget_old(session: AsyncSession, before: datetime) -> int:
    """Deletes what ended or ran out before that time; how many."""
    old = or_(col(Session.ended_at) < before, col(Session.expires_at) < before)
    count = (await session.exec(select(func.count()).select_from(Session).where(old))).one()
    await session.exec(delete(Session).where(old))
    return count


async def _one(session: AsyncSession, condition: bool, *, lock: bool = False) -> Standing | None:
    statement = _joined().where(condition)
    if lock:
        statement = statement.with_for_update(of=Session)
    row = (await session.exec(statement)).first()
    return Standing(*row) if row else None


def _joined() -> Select[Session, User, Role]:
    return select(Session, User, Role).join(User, col(Session.user_id) == col(User.id)).join(Role)
