"""What came of a try: the log of it, when the next one is, and the alert when something could not be delivered."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.events.schema import StoredEvent
from server.masking import mask_text
from server.outbound.messages import Answer, Verdict
from server.outbound.schedule import DOWN_AFTER, failed, turned
from server.store import alerts, deliveries, webhooks
from server.store.alerts import Log
from server.store.engine import Store
from server.store.tables import Delivery, DeliveryTry, Webhook
from server.store.webhooks import Turn

ALERT = "webhook_failing"
READABLE = 300  # letters of an answer that are kept
GAVE_UP = "gave_up"
UNALARMING = ("no_employee_id", "person_erased")  # as it should be, and nothing that a receiver could mend


class Noting:
    """Writes it, as long as it is this worker's turn."""

    def __init__(
        self, store: Store, log: Log, clock: Clock, wake: Callable[[Iterable[str]], None],
        on_try: Callable[[str], None] = lambda _outcome: None,
    ) -> None:  # fmt: skip
        self._store = store
        self._log = log
        self._clock = clock
        self._wake = wake
        self._on_try = on_try

    async def note(
        self, turn: Turn, webhook: Webhook, delivery: Delivery, answer: Answer | None, verdict: Verdict
    ) -> bool:
        """Whether to go on with the webhook: not while it rests, and not when it is somebody else's turn."""
        now, tries = self._clock.now(), delivery.tries + (answer is not None)
        came = answer or Answer(None, verdict.result)
        said = verdict.result
        verdict = failed(delivery.result, verdict, came)
        after = turned(
            verdict, came, now=now, tries=tries, failures=webhook.failures,
            give_up_at=delivery.give_up_at,
        )  # fmt: skip
        over = after.next_at is None
        values: dict[str, Any] = {"tries": tries, "result": verdict.result}
        if over:
            state = "delivered" if verdict.outcome == "delivered" else "dead"
            values |= {"state": state, "finished_at": now}
        else:
            values |= {"next_at": after.next_at}
        told: list[StoredEvent] = []
        async with self._store.transaction() as session:
            noted: dict[str, Any] = {"failures": after.failures, "resumes_at": after.resumes_at}
            if verdict.outcome == "gone":
                noted |= {"active": False, "disabled_reason": "gone"}
            if not await webhooks.write(session, turn, **noted):
                return False
            await deliveries.change(session, delivery, **values)
            if answer is not None:
                await deliveries.note_try(session, _try(delivery, answer, said, now))
            if verdict.outcome == "delivered":
                if webhook.failures >= DOWN_AFTER:
                    await deliveries.hurry(session, webhook.id, now)
                # Raised also by what never reached the receiver, so whether it had failed says nothing.
                told = await alerts.clear_alert(session, self._log, ALERT, _subject(webhook), now)
            elif over and verdict.result not in UNALARMING:
                told = await self._alert(session, webhook, verdict.result, now)
        self._on_try(verdict.outcome)
        self._tell(told)
        if verdict.outcome != "delivered":
            structlog.get_logger(__name__).warning(
                "webhook_not_delivered", webhook=webhook.id, delivery=delivery.id, reason=verdict.result, over=over
            )
        return after.resumes_at is None and verdict.outcome != "gone"

    async def give_up(self, session: AsyncSession, webhook: Webhook, now: datetime) -> None:
        """The receiver fails, and the time of these is over: they are dead without another try."""
        if await deliveries.give_up(session, webhook.id, now, GAVE_UP):
            told = await self._alert(session, webhook, GAVE_UP, now)
            event.listen(session.sync_session, "after_commit", lambda _session: self._tell(told))

    async def removed(self, session: AsyncSession, webhook: Webhook, now: datetime) -> None:
        """Its alert is over with it, within the transaction that removes it."""
        told = await alerts.clear_alert(session, self._log, ALERT, _subject(webhook), now)
        event.listen(session.sync_session, "after_commit", lambda _session: self._tell(told))

    async def _alert(self, session: AsyncSession, webhook: Webhook, reason: str, now: datetime) -> list[StoredEvent]:
        message = f"The webhook “{webhook.name}” did not get everything: {reason}. See its deliveries."
        return await alerts.raise_alert(
            session, self._log, kind=ALERT, severity="warning", subject=_subject(webhook), message=message, at=now
        )

    def _tell(self, told: list[StoredEvent]) -> None:
        if told:
            self._wake([alerts.TOPIC])


def _subject(webhook: Webhook) -> str:
    return f"webhooks/{webhook.id}"


def _try(delivery: Delivery, answer: Answer, reason: str, now: datetime) -> DeliveryTry:
    said = answer.body[: READABLE * 4].decode("utf-8", "replace").replace("\0", "")[:READABLE]
    said = mask_text(said)[:READABLE]
    return DeliveryTry(
        delivery_id=delivery.id, at=now, status=answer.status, duration_ms=answer.duration_ms, reason=reason,
        answer=said,
    )  # fmt: skip
