"""Webhooks: receivers of events, and who delivers to one at the moment, which is one process at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.collections import Collection as Rows
from server.store.tables import Delivery, EventTopic, Webhook

WEBHOOKS: Rows[Webhook] = Rows(
    Webhook,
    "webhook",
    {
        "name": func.lower(Webhook.name),
        "kind": Webhook.kind,
        "active": Webhook.active,
        "createdAt": Webhook.created_at,
        "updatedAt": Webhook.updated_at,
    },
    "name",
    (col(Webhook.name),),  # not the address: whoever may not see all of it could find it out letter by letter
)
MOST = 200


@dataclass(frozen=True, slots=True)
class Target:
    """The sealed part of a webhook: where it is and what proves that it is us. Never shown whole."""

    url: str
    secret: str = ""  # whsec_…; the present one
    previous: str = ""  # the one before, for as long as it counts
    api_key: str = ""  # of Frappe
    api_secret: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who delivers to a webhook, and until when."""

    webhook_id: str
    worker: str


async def count(session: AsyncSession) -> int:
    return (await session.exec(select(func.count()).select_from(Webhook))).one()


async def waiting(
    session: AsyncSession, now: datetime, heads: Mapping[str, int], limit: int, most_pending: int
) -> list[str]:
    """The ids of those that nobody serves and for which there is something to do, the longest unserved first.

    One that is behind the log and has no room for more has nothing to do before something of it is due.
    """
    free = or_(col(Webhook.lease_until).is_(None), col(Webhook.lease_until) < now)
    rested = or_(col(Webhook.resumes_at).is_(None), col(Webhook.resumes_at) <= now)
    found_of: tuple[Any, ...] = (Webhook.id, Webhook.cursor, Webhook.active, rested.label("rested"))
    chosen: Any = select
    statement = chosen(*found_of, _due(now).label("due")).where(free)
    statement = statement.order_by(col(Webhook.served_at).nulls_first(), col(Webhook.id))
    rows = (await (await session.connection()).execute(statement)).all()
    behind = [row.id for row in rows if row.active and _behind(row.cursor, heads)]
    waits = (col(Delivery.webhook_id).in_(behind), Delivery.state == "pending")
    counted = select(Delivery.webhook_id).where(*waits).group_by(Delivery.webhook_id)
    full = (await session.exec(counted.having(func.count() >= most_pending))).all() if behind else ()
    more = set(behind) - set(full)
    return [row.id for row in rows if (row.due and row.rested) or row.id in more][:limit]


async def take(session: AsyncSession, turn: Turn, now: datetime, lease: timedelta) -> Webhook | None:
    """The webhook, served by this worker from now on; None where somebody else does. One statement."""
    free = or_(col(Webhook.lease_until).is_(None), col(Webhook.lease_until) < now)
    values = {"worker": turn.worker, "lease_until": now + lease, "served_at": now}
    taken = await session.exec(update(Webhook).where(col(Webhook.id) == turn.webhook_id, free).values(**_quiet(values)))
    return await session.get_one(Webhook, turn.webhook_id, populate_existing=True) if taken.rowcount else None


async def write(session: AsyncSession, turn: Turn, **values: Any) -> bool:
    """What the one who serves it notes; false where it is somebody else's turn by now. No edit: its stamp stays."""
    ours = (col(Webhook.id) == turn.webhook_id, col(Webhook.worker) == turn.worker)
    return (await session.exec(update(Webhook).where(*ours).values(**_quiet(values)))).rowcount > 0


async def rest_no_longer(session: AsyncSession, webhook_id: str) -> None:
    """Somebody wants a try now, whatever the receiver has asked for."""
    await session.exec(update(Webhook).where(col(Webhook.id) == webhook_id).values(**_quiet({"resumes_at": None})))


async def heads(session: AsyncSession, topics: Collection[str]) -> dict[str, int]:
    """The newest offset of each of these topics, within the transaction."""
    rows = (await session.exec(select(EventTopic).where(col(EventTopic.topic).in_(topics)))).all()
    found = {row.topic: row.head for row in rows}
    return {topic: found.get(topic, 0) for topic in topics}


async def sealed_otherwise(session: AsyncSession, key_id: str) -> Sequence[tuple[str, str]]:
    """The ids and sealed parts of those that are under another key."""
    return (await session.exec(select(Webhook.id, Webhook.sealed).where(Webhook.key_id != key_id))).all()


async def reseal(session: AsyncSession, webhook_id: str, was: str, key_id: str, sealed: str) -> None:
    """The same, sealed anew; what was changed meanwhile stays."""
    wanted = (col(Webhook.id) == webhook_id, col(Webhook.sealed) == was)
    await session.exec(update(Webhook).where(*wanted).values(**_quiet({"key_id": key_id, "sealed": sealed})))


async def count_by_key(session: AsyncSession) -> dict[str, int]:
    """How many are sealed with which key."""
    counted = select(Webhook.key_id, func.count()).group_by(Webhook.key_id)
    return dict((await session.exec(counted)).all())


def _behind(cursor: Mapping[str, int], heads: Mapping[str, int]) -> bool:
    return any(heads.get(topic, 0) > at for topic, at in cursor.items())


def _due(now: datetime) -> ColumnElement[bool]:
    return (
        select(Delivery.id)
        .where(
            Delivery.webhook_id == Webhook.id,
            Delivery.state == "pending",
            col(Delivery.next_at) <= now,
            or_(col(Webhook.active), col(Delivery.topic) == ""),
        )
        .exists()
    )


def _quiet(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "updated_at": Webhook.updated_at}
