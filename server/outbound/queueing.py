"""Events of the log become deliveries: all that a webhook asked for, each once, in the order of their topic."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.events.limits import Reach, visible
from server.events.topics import TOPIC_KINDS, TopicKind
from server.outbound.schedule import FOR
from server.store import deliveries, webhooks
from server.store.tables import Delivery, EventRow, Webhook
from server.store.webhooks import Turn

AT_ONCE = 200
MOST_PENDING = 10_000
NOT_WANTED = "not_wanted"
# Topics of one screen, and what is not stored, are not for other systems.
KINDS: tuple[TopicKind, ...] = tuple(kind for kind in TOPIC_KINDS if kind.durable and "{" not in kind.address)
TYPES: dict[str, TopicKind] = {one: kind for kind in KINDS for one in kind.event_types}


class Lives(Protocol):
    """The life of the log."""

    async def epoch(self) -> str: ...


def topics_of(types: Iterable[str]) -> list[str]:
    """Where events of these types happen, each once."""
    return list(dict.fromkeys(TYPES[one].address for one in types if one in TYPES))


class Queueing:
    """Moves the cursor of a webhook on. What it has passed is a row; what it has not is in the log."""

    topics: Sequence[str] = tuple(kind.address for kind in KINDS)

    def __init__(self, log: Lives, *, most_pending: int = MOST_PENDING) -> None:
        self._log = log
        self._most_pending = most_pending

    @property
    def most_pending(self) -> int:
        return self._most_pending

    async def epoch(self) -> str:
        return await self._log.epoch()

    async def begin(self, session: AsyncSession, webhook: Webhook, epoch: str) -> None:
        """From now on: what happened before is not told."""
        webhook.epoch, webhook.cursor = epoch, await webhooks.heads(session, topics_of(webhook.types))

    async def follow(self, session: AsyncSession, webhook: Webhook) -> None:
        """Topics that were added are told of from now on, those that are there go on, others are left."""
        heads = await webhooks.heads(session, topics_of(webhook.types))
        webhook.cursor = {topic: webhook.cursor.get(topic, head) for topic, head in heads.items()}

    async def forget_unwanted(self, session: AsyncSession, webhook: Webhook, now: datetime) -> None:
        """What waits and is not wanted any more, as the webhook stands now, is dead."""
        await deliveries.drop(session, webhook.id, now, NOT_WANTED, but=webhook.types)
        if webhook.camera_ids is None and webhook.department_ids is None:
            return
        after = ""
        while found := await deliveries.pending_events(session, webhook.id, after, AT_ONCE):
            after = found[-1][0]
            unwanted = [delivery_id for delivery_id, told in found if not wants(webhook, told)]
            await deliveries.drop_these(session, unwanted, now, NOT_WANTED)

    async def advance(self, session: AsyncSession, webhook: Webhook, turn: Turn, epoch: str, now: datetime) -> bool:
        """Within the transaction that moves the cursor. Whether there is more."""
        if not webhook.active:
            return False
        log = structlog.get_logger(__name__)
        if webhook.epoch != epoch:
            log.warning("webhook_begins_anew", webhook=webhook.id, reason="the history was reset")
            await self.begin(session, webhook, epoch)
            await webhooks.write(session, turn, epoch=epoch, cursor=webhook.cursor)
            return False
        heads = await webhooks.heads(session, list(webhook.cursor))
        behind = [topic for topic, at in webhook.cursor.items() if heads[topic] > at]
        if not behind or await deliveries.count_pending(session, webhook.id) >= self._most_pending:
            return False
        cursor, rows = dict(webhook.cursor), []
        for topic in behind:
            found = await deliveries.events_after(session, topic, cursor[topic], AT_ONCE)
            if not found or found[0].offset != cursor[topic] + 1:
                missed = (found[0].offset if found else heads[topic] + 1) - cursor[topic] - 1
                log.warning("webhook_missed_events", webhook=webhook.id, topic=topic, count=missed)
            cursor[topic] = found[-1].offset if found else heads[topic]
            rows += [_delivery(webhook, event, now) for event in found if wants(webhook, event)]
        await deliveries.add(session, rows)
        await webhooks.write(session, turn, cursor=cursor)
        return any(heads[topic] > cursor[topic] for topic in behind)


def wants(webhook: Webhook, event: EventRow) -> bool:
    """Of those types, and about those cameras and departments, by the rule for whoever is limited to them."""
    return event.type in webhook.types and visible(reach_of(webhook), event.topic, event.source, event.data)


def reach_of(webhook: Webhook) -> Reach:
    """What it is limited to."""
    cameras, departments = (
        None if ids is None else frozenset(ids) for ids in (webhook.camera_ids, webhook.department_ids)
    )
    return Reach(cameras, departments)


def _delivery(webhook: Webhook, event: EventRow, now: datetime) -> Delivery:
    return Delivery(
        webhook_id=webhook.id, message_id=event.id, type=event.type, topic=event.topic, epoch=webhook.epoch,
        offset=event.offset, person_id=deliveries.person_in(event.data), state="pending", next_at=now,
        give_up_at=now + FOR,
    )  # fmt: skip
