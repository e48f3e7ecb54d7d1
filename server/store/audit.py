"""The audit's table: appended under the chain's row, read by filters, cut at its old end by retention."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, func, insert, or_, text, update
from sqlalchemy import select as in_sql
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.engine import Store
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import AuditChain, AuditRow

SORTS: Sorts = {"position": AuditRow.position, "at": AuditRow.at}
_ENDS: tuple[Any, ...] = (
    AuditChain.head, AuditChain.head_hash, AuditChain.cut, AuditChain.cut_hash, AuditChain.seal,
)  # fmt: skip
CUT = "audit.cut"  # the action that tells of a cut, so that one that nobody made shows

_MAKE_CHAIN = text(
    "INSERT INTO audit_chain (id, head, head_hash, cut, cut_hash, seal) VALUES (1, 0, '', 0, '', '') "
    "ON CONFLICT (id) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, and from where; `name` stays readable when the account is gone."""

    kind: str  # user | key | kiosk | system | nobody
    id: str | None
    name: str
    address: str = ""
    user_agent: str = ""
    request_id: str = ""


SYSTEM = Actor("system", None, "Rollcall")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are wanted; what is None does not matter."""

    actor_id: str | None = None
    actor: str | None = None  # the whole name
    action: str | None = None
    resource: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # itself not counted
    search: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [
            column == value
            for column, value in (
                (col(AuditRow.actor_id), self.actor_id),
                (col(AuditRow.actor_name), self.actor),
                (col(AuditRow.action), self.action),
                (col(AuditRow.resource), self.resource),
                (col(AuditRow.resource_id), self.resource_id),
            )
            if value is not None
        ]
        if self.since is not None:
            found.append(col(AuditRow.at) >= self.since)
        if self.until is not None:
            found.append(col(AuditRow.at) < self.until)
        return found + matching(
            self.search, col(AuditRow.actor_name), col(AuditRow.action), col(AuditRow.resource),
            col(AuditRow.resource_id), col(AuditRow.address),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ends:
    """The chain's row and the table beside it, as they were at one moment."""

    head: int = 0
    head_hash: str = ""
    cut: int = 0
    cut_hash: str = ""
    seal: str = ""  # over these four
    last: int = 0  # the highest position that is there
    told_cut: int = 0  # what the last row about a cut says


async def telling_of(
    session: AsyncSession, ids: Sequence[str], after: int, up_to: int, *, lock: bool = False
) -> Sequence[AuditRow]:
    """Rows after that position, up to and with the other, that tell of one of them; `lock`: for a change."""
    parts = [cast(column, Text).contains(one) for column in (AuditRow.before, AuditRow.after) for one in ids]
    theirs = or_(col(AuditRow.resource_id).in_(ids), *parts)
    statement = select(AuditRow).where(col(AuditRow.position) > after, col(AuditRow.position) <= up_to, theirs)
    if lock:
        statement = statement.with_for_update()
    return (await session.exec(statement.order_by(col(AuditRow.position)))).all()


async def done_since(session: AsyncSession, action: str, resource: str, resource_id: str, at: datetime) -> bool:
    """Whether that was done to it after that time."""
    which = Filter(action=action, resource=resource, resource_id=resource_id)
    found = select(AuditRow.position).where(*which.conditions(), col(AuditRow.at) > at).limit(1)
    return (await session.exec(found)).first() is not None


async def redact(session: AsyncSession, row: AuditRow) -> None:
    """What it tells now, under its seal: the table's triggers let nothing else be changed."""
    changed = update(AuditRow).where(col(AuditRow.position) == row.position)
    values = {"before": row.before, "after": row.after, "redacted": row.redacted}
    await (await session.connection()).execute(changed.values(**values))


async def lock_chain(session: AsyncSession) -> Ends:
    """Its ends; nobody else appends until the transaction ends. Makes the chain's row at first use."""
    connection = await session.connection()
    wanted = in_sql(*_ENDS).where(col(AuditChain.id) == 1).with_for_update()
    found = (await connection.execute(wanted)).first()
    if found is None:
        await connection.execute(_MAKE_CHAIN)
        found = (await connection.execute(wanted)).one()
    return Ends(*tuple(found))


async def append(session: AsyncSession, row: AuditRow, seal: str) -> None:
    """The row as the chain's new head, under a new seal; call it with the chain locked."""
    connection = await session.connection()
    await connection.execute(insert(AuditRow).values(row.model_dump()))
    moved = update(AuditChain).where(col(AuditChain.id) == 1).values(head=row.position, head_hash=row.hash, seal=seal)
    await connection.execute(moved)


async def page(session: AsyncSession, wanted: Page, chosen: Filter) -> Paged[AuditRow]:
    """The newest first unless asked otherwise."""
    return await fetch(session, select(AuditRow).where(*chosen.conditions()), wanted, SORTS, "-position")


async def batch(session: AsyncSession, after: int, limit: int, chosen: Filter | None = None) -> Sequence[AuditRow]:
    """The next rows after a position, oldest first."""
    conditions = chosen.conditions() if chosen else []
    statement = select(AuditRow).where(col(AuditRow.position) > after, *conditions)
    return (await session.exec(statement.order_by(col(AuditRow.position)).limit(limit))).all()


async def batches(store: Store, chosen: Filter, size: int) -> AsyncIterator[Sequence[AuditRow]]:
    """All that is wanted, oldest first. Between two batches no connection is held: who reads may be slow."""
    after = 0
    while True:
        async with store.read() as session:
            rows = await batch(session, after, size, chosen)
        if rows:
            yield rows
            after = rows[-1].position
        if len(rows) < size:
            return


async def ends(session: AsyncSession) -> Ends:
    """Read in one statement, so that what is appended meanwhile makes no difference between its parts."""
    last = select(func.max(AuditRow.position)).scalar_subquery()
    told = select(AuditRow.after).where(AuditRow.action == CUT).order_by(col(AuditRow.position).desc()).limit(1)
    chain = [func.max(column) for column in _ENDS]
    statement = in_sql(*chain, last, told.scalar_subquery()).where(col(AuditChain.id) == 1)
    found = tuple((await (await session.connection()).execute(statement)).one())
    head, head_hash, cut, cut_hash, seal, highest, after = found
    told_cut = (after or {}).get("upTo", 0)
    return Ends(head or 0, head_hash or "", cut or 0, cut_hash or "", seal or "", highest or 0, told_cut)


async def cut_at(session: AsyncSession, before: datetime, most: int) -> tuple[int, str] | None:
    """How far the rows of before that time may be removed, at most so many at once, and the hash there.

    Call it with the chain locked; None where there is nothing to remove.
    """
    cut = (await session.exec(select(AuditChain.cut).where(AuditChain.id == 1))).one()
    kept = select(func.min(AuditRow.position)).where(col(AuditRow.position) > cut, col(AuditRow.at) >= before)
    first_kept = (await session.exec(kept)).one()
    wanted = select(AuditRow.position, AuditRow.hash).where(
        col(AuditRow.position) > cut, col(AuditRow.position) <= cut + most
    )
    if first_kept is not None:
        wanted = wanted.where(col(AuditRow.position) < first_kept)
    found = (await session.exec(wanted.order_by(col(AuditRow.position).desc()).limit(1))).first()
    return (found[0], found[1]) if found else None


async def cut(session: AsyncSession, up_to: int, its_hash: str, seal: str) -> None:
    """Removes the rows up to that position. The chain says so first: the table's triggers look there."""
    connection = await session.connection()
    moved = update(AuditChain).where(col(AuditChain.id) == 1).values(cut=up_to, cut_hash=its_hash, seal=seal)
    await connection.execute(moved)
    await connection.execute(delete(AuditRow).where(col(AuditRow.position) <= up_to))
