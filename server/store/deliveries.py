"""Deliveries: what goes to a webhook, when it is tried next, and every try of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, case, func, or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.tables import Delivery, DeliveryTry, EventRow, EventTopic

SORTS: Sorts = {
    "createdAt": Delivery.created_at,
    "updatedAt": Delivery.updated_at,
    "nextAt": Delivery.next_at,
    "finishedAt": Delivery.finished_at,
    "type": Delivery.type,
    "state": Delivery.state,
    "tries": Delivery.tries,
}
State = Literal["pending", "delivered", "dead"]
BACK = "receiver_back"  # the result of one that waits and is tried anew because the receiver is back
KEEPS_FAILING = "keeps_failing"  # of one for which it fails again all the same


@dataclass(frozen=True, slots=True)
class Tally:
    """How a webhook stands."""

    pending: int = 0
    dead: int = 0
    last_delivered_at: datetime | None = None


async def add(session: AsyncSession, rows: Sequence[Delivery]) -> None:
    session.add_all(rows)
    await session.flush()


async def get(session: AsyncSession, webhook_id: str, delivery_id: str, *, locked: bool = False) -> Delivery:
    """Raises NotFound."""
    statement = select(Delivery).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    row = (await session.exec(statement.with_for_update() if locked else statement)).first()
    if row is None:
        raise NotFound.of("delivery")
    return row


async def page(
    session: AsyncSession, wanted: Page, webhook_id: str, *, state: State | None = None, type_: str | None = None
) -> Paged[Delivery]:
    statement = select(Delivery).where(Delivery.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(Delivery.state == state)
    if type_ is not None:
        statement = statement.where(Delivery.type == type_)
    if wanted.search:
        statement = statement.where(col(Delivery.type).icontains(wanted.search, autoescape=True))
    return await fetch(session, statement, wanted, SORTS, "-createdAt")


async def due(session: AsyncSession, webhook_id: str, now: datetime, *, tests_only: bool) -> Delivery | None:
    """Which may be tried now: tests, then the order of the log, then those that have failed. So neither keeps what is
    new waiting."""
    wanted = [col(Delivery.webhook_id) == webhook_id, col(Delivery.state) == "pending", col(Delivery.next_at) <= now]
    if tests_only:
        wanted.append(col(Delivery.topic) == "")
    result = col(Delivery.result)
    rank = case((col(Delivery.topic) == "", 0), (or_(result.is_(None), result == BACK), 1), else_=2)
    statement = select(Delivery).where(*wanted).order_by(rank, col(Delivery.id)).limit(1)
    return (await session.exec(statement)).first()


async def count_pending(session: AsyncSession, webhook_id: str) -> int:
    wanted = (Delivery.webhook_id == webhook_id, Delivery.state == "pending")
    return (await session.exec(select(func.count()).select_from(Delivery).where(*wanted))).one()


async def count_all_pending(session: AsyncSession) -> int:
    """Of all webhooks."""
    return (await session.exec(select(func.count()).select_from(Delivery).where(Delivery.state == "pending"))).one()


async def tallies(session: AsyncSession, webhook_ids: Collection[str]) -> dict[str, Tally]:
    """Of each webhook."""
    state = col(Delivery.state)
    pending, dead = func.count().filter(state == "pending"), func.count().filter(state == "dead")
    last = func.max(Delivery.finished_at).filter(state == "delivered")
    counted = select(Delivery.webhook_id, pending, dead, last).where(col(Delivery.webhook_id).in_(webhook_ids))
    rows = (await session.exec(counted.group_by(Delivery.webhook_id))).all()
    return {row[0]: Tally(row[1], row[2], row[3]) for row in rows}


async def note_try(session: AsyncSession, one: DeliveryTry) -> None:
    session.add(one)
    await session.flush()


async def tries_of(session: AsyncSession, delivery_ids: Collection[str]) -> dict[str, list[DeliveryTry]]:
    """Of each delivery, the first first."""
    wanted = select(DeliveryTry).where(col(DeliveryTry.delivery_id).in_(delivery_ids)).order_by(DeliveryTry.id)
    found: dict[str, list[DeliveryTry]] = {}
    for row in (await session.exec(wanted)).all():
        found.setdefault(row.delivery_id, []).append(row)
    return found


async def change(session: AsyncSession, delivery: Delivery, **values: Any) -> bool:
    """Writes the end or the next try of one that is pending; false where somebody has changed it meanwhile."""
    unchanged = (
        col(Delivery.id) == delivery.id, col(Delivery.state) == "pending", col(Delivery.tries) == delivery.tries,
    )  # fmt: skip
    return (await session.exec(update(Delivery).where(*unchanged).values(**values))).rowcount > 0


async def hurry(session: AsyncSession, webhook_id: str, now: datetime) -> None:
    """The receiver is back: what it had no answer for is tried now, once. What it refused is not, nor what it fails
    for whenever it is back."""
    result = col(Delivery.result)
    away = or_(result.not_like("http_4%"), result == "http_429") & result.not_in((BACK, KEEPS_FAILING))
    waits = (col(Delivery.webhook_id) == webhook_id, col(Delivery.state) == "pending", away)
    await session.exec(update(Delivery).where(*waits).values(next_at=now, result=BACK))


async def give_up(session: AsyncSession, webhook_id: str, now: datetime, reason: str) -> int:
    """Those whose time is over are dead; how many."""
    over = (col(Delivery.webhook_id) == webhook_id, col(Delivery.state) == "pending", col(Delivery.give_up_at) <= now)
    values = {"state": "dead", "result": reason, "finished_at": now}
    return (await session.exec(update(Delivery).where(*over).values(**values))).rowcount


async def drop(session: AsyncSession, webhook_id: str, now: datetime, reason: str, *, but: Collection[str] = ()) -> int:
    """Events that wait are dead, but for those of some types; how many. Tests stay."""
    waits = (col(Delivery.webhook_id) == webhook_id, col(Delivery.state) == "pending", col(Delivery.topic) != "")
    dropped = update(Delivery).where(*waits, col(Delivery.type).not_in(but))
    return (await session.exec(dropped.values(state="dead", result=reason, finished_at=now))).rowcount


async def drop_these(session: AsyncSession, ids: Collection[str], now: datetime, reason: str) -> None:
    dropped = update(Delivery).where(col(Delivery.id).in_(ids), col(Delivery.state) == "pending")
    await session.exec(dropped.values(state="dead", result=reason, finished_at=now))


async def pending_types(session: AsyncSession, webhook_id: str) -> Sequence[str]:
    """Of the events that wait, each type once."""
    waits = (col(Delivery.webhook_id) == webhook_id, col(Delivery.state) == "pending", col(Delivery.topic) != "")
    return (await session.exec(select(Delivery.type).where(*waits).distinct())).all()


async def pending_events(
    session: AsyncSession, webhook_id: str, after: str, limit: int
) -> Sequence[tuple[str, EventRow]]:
    """The ids after that one of deliveries that wait, and what each tells, as far as the log still has it."""
    tells = and_(col(EventRow.topic) == Delivery.topic, col(EventRow.offset) == Delivery.offset)
    wanted = select(Delivery.id, EventRow).join(EventRow, tells).where(Delivery.webhook_id == webhook_id)
    wanted = wanted.where(Delivery.state == "pending", col(Delivery.id) > after)
    return (await session.exec(wanted.order_by(col(Delivery.id)).limit(limit))).all()


async def event_of(session: AsyncSession, delivery: Delivery) -> EventRow | None:
    """As it stands in the log now; None where it is gone."""
    wanted = select(EventRow).where(EventRow.topic == delivery.topic, EventRow.offset == delivery.offset)
    return (await session.exec(wanted)).first()


async def events_after(session: AsyncSession, topic: str, after: int, limit: int) -> Sequence[EventRow]:
    """In order. Fewer than there were, where the log does not reach back that far any more."""
    wanted = select(EventRow).where(EventRow.topic == topic, col(EventRow.offset) > after)
    return (await session.exec(wanted.order_by(col(EventRow.offset)).limit(limit))).all()


async def oldest(session: AsyncSession, topic: str) -> int:
    row = await session.get(EventTopic, topic)
    return row.oldest if row else 1


async def forget_old(session: AsyncSession, before: datetime, limit: int) -> int:
    """Removes those that ended before that time, with their tries; how many."""
    old = select(Delivery.id).where(col(Delivery.finished_at) < before).order_by(col(Delivery.finished_at)).limit(limit)
    ids = (await session.exec(old)).all()
    if ids:
        await session.exec(delete(DeliveryTry).where(col(DeliveryTry.delivery_id).in_(ids)))
        await session.exec(delete(Delivery).where(col(Delivery.id).in_(ids)))
    return len(ids)


async def forget_answers(session: AsyncSession, person_ids: Sequence[str], *, forget_who: bool) -> int:
    """What receivers said to events about these people: they may have said it back. How many tries that were."""
    about = select(Delivery.id).where(col(Delivery.person_id).in_(person_ids))
    said = update(DeliveryTry).where(col(DeliveryTry.delivery_id).in_(about), col(DeliveryTry.answer) != "")
    changed: int = (await session.exec(_plain(said.values(answer="")))).rowcount
    if forget_who:
        told = update(Delivery).where(col(Delivery.person_id).in_(person_ids))
        await session.exec(_plain(told.values(person_id=None)))
    return changed


def person_in(data: Mapping[str, Any]) -> str | None:
    """Whom an event tells of."""
    person = data.get("person")
    found = person.get("id") if isinstance(person, dict) else data.get("personId")
    return found if isinstance(found, str) else None


def _plain(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
