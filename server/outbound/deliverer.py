"""Delivers: turns events of the log into deliveries, sends what is due, and writes what came of each try.

Nothing depends on this process: where it stands is in the rows. One process at a time serves a webhook, under a lease
that runs out when it is killed; what it had sent and not yet noted is sent again with the same id. The clocks of the
machines may differ by less than a lease.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.events.hub import LOG_CHANNEL, Wires
from server.events.limits import reduced
from server.outbound.messages import INTERNAL_ERROR, TEST, Answer, Message, Receiver, Request, Unsendable, Verdict
from server.outbound.noting import Noting
from server.outbound.queueing import Queueing, reach_of
from server.outbound.rounds import Rounds
from server.store import deliveries, webhooks
from server.store.engine import Store
from server.store.tables import Delivery, Webhook
from server.store.webhooks import MOST, Target, Turn

CHANNEL = "outbound"


class Seals(Protocol):
    """Opens what is sealed of a webhook."""

    def open(self, row: Webhook) -> Target | None: ...


class Sending(Protocol):
    """Sends a request; see Sender."""

    async def send(self, request: Request) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a turn is good, how often it is looked for more, how many are served at once, and for how long."""

    lease_s: float = 30.0
    poll_s: float = 2.0
    at_once: int = 16
    turn_s: float = 20.0


class Deliverer:
    """One in a process that works on jobs."""

    def __init__(
        self,
        store: Store,
        bus: Wires,
        clock: Clock,
        seals: Seals,
        sender: Callable[[], AbstractAsyncContextManager[Sending]],
        receivers: Mapping[str, Receiver],
        queueing: Queueing,
        noting: Noting,
        *,
        name: str,
        pace: Pace | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._seals = seals
        self._open_sender = sender
        self._receivers = receivers
        self._queueing = queueing
        self._noting = noting
        self._name = name
        self._pace = pace or Pace()
        # There is more in the log, or somebody has asked for a try.
        self._rounds = Rounds(
            bus, (LOG_CHANNEL, CHANNEL), self._waiting, what="webhook", at_once=self._pace.at_once,
            poll_s=self._pace.poll_s,
        )  # fmt: skip
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """The owner's task: until cancelled."""
        async with self._open_sender() as sender:
            await self._rounds.run(partial(self._serve, sender))

    async def _waiting(self, room: int) -> list[str]:
        if not room:
            return []
        async with self._store.read() as session:
            heads = await webhooks.heads(session, self._queueing.topics)
            return await webhooks.waiting(session, self._clock.now(), heads, MOST, self._queueing.most_pending)

    async def _serve(self, sender: Sending, webhook_id: str) -> bool:
        """One turn: as much as there is, but no longer than others may be kept waiting. Whether there is more."""
        turn = Turn(webhook_id, self._name)
        async with self._store.transaction() as session:
            lease = timedelta(seconds=self._pace.lease_s)
            taken = await webhooks.take(session, turn, self._clock.now(), lease)
        if taken is None:
            return False
        try:
            more = await self._turn(turn, sender)
        except asyncio.CancelledError:
            await self._release(turn)
            raise
        await self._release(turn)
        return more

    async def _turn(self, turn: Turn, sender: Sending) -> bool:
        """Whether there is more to do, or may be by what was heard meanwhile."""
        began_s = self._clock.monotonic()
        while True:
            heard = self._rounds.heard
            more = await self._step(turn, sender)
            if not more or self._clock.monotonic() - began_s >= self._pace.turn_s:
                return more or self._rounds.heard != heard

    async def _release(self, turn: Turn) -> None:
        async with self._store.transaction() as session:
            await webhooks.write(session, turn, worker=None, lease_until=None)

    async def _step(self, turn: Turn, sender: Sending) -> bool:
        """New events become deliveries, and one that is due is tried. Whether there may be more to do now."""
        epoch = await self._queueing.epoch()
        async with self._store.transaction() as session:
            now = self._clock.now()
            if not await webhooks.write(session, turn, lease_until=now + timedelta(seconds=self._pace.lease_s)):
                return False
            webhook = await session.get_one(Webhook, turn.webhook_id, populate_existing=True)
            more = await self._queueing.advance(session, webhook, turn, epoch, now)
            if webhook.resumes_at is not None and webhook.resumes_at > now:
                return more
            if webhook.failures:
                await self._noting.give_up(session, webhook, now)
            delivery = await deliveries.due(session, webhook.id, now, tests_only=not webhook.active)
            if delivery is None:
                return more
            message = await self._message(session, webhook, delivery, epoch)
        answer, verdict = await self._try(webhook, message, sender)
        return await self._noting.note(turn, webhook, delivery, answer, verdict)

    async def _message(
        self, session: AsyncSession, webhook: Webhook, delivery: Delivery, epoch: str
    ) -> Message | Unsendable:
        now = self._clock.now()
        if not delivery.topic:
            source = f"webhooks/{webhook.id}"
            return Message(delivery.message_id, TEST, delivery.created_at, source, {"webhookId": webhook.id}, now)
        if delivery.epoch != epoch:
            return Unsendable("history_reset")
        event = await deliveries.event_of(session, delivery)
        if event is None:
            return Unsendable("event_gone")
        data = reduced(reach_of(webhook), event.topic, event.data)
        return Message(event.id, event.type, event.time, event.source, event.data if data is None else data, now)

    async def _try(
        self, webhook: Webhook, message: Message | Unsendable, sender: Sending
    ) -> tuple[Answer | None, Verdict]:
        """No answer where nothing is to be sent. A fault of ours is a try that failed."""
        receiver, target = self._receivers[webhook.kind], self._seals.open(webhook)
        if target is None:
            return None, Verdict("dead", "secret_unreadable")
        answer = Answer(None, INTERNAL_ERROR)
        try:
            request = message if isinstance(message, Unsendable) else receiver.request(webhook, target, message)
            if isinstance(request, Unsendable):
                return None, Verdict("dead", request.result)
            answer = await sender.send(request)
            return answer, receiver.judge(answer)
        except Exception as error:  # noqa: BLE001 - the kinds are many, and none may hold up the others
            self._log.error("webhook_fault", webhook=webhook.id, kind=webhook.kind, reason=type(error).__name__)
            return replace(answer, reason=INTERNAL_ERROR), Verdict("again", INTERNAL_ERROR)
