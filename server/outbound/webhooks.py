"""Webhooks as administrators see them: made, changed, tested, with another secret, and a delivery sent once more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from sqlalchemy import event
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.address import Allowing, redact, resolve_allowed, same_origin, with_password
from server.clock import Clock
from server.errors import Conflict, Detail, Forbidden, Invalid, SourceFailed
from server.ids import new_id
from server.outbound import frappe
from server.outbound.deliverer import CHANNEL
from server.outbound.messages import TEST
from server.outbound.queueing import TYPES, Queueing
from server.outbound.schedule import FOR
from server.outbound.standard import new_secret
from server.store import deliveries, webhooks
from server.store.columns import Row
from server.store.tables import Camera, Delivery, Department, Webhook
from server.store.webhooks import WEBHOOKS, Target

BOTH_COUNT_FOR = timedelta(hours=24)
TEST_FOR = timedelta(minutes=10)
LOOK_UP_WITHIN_S = 5.0
SWITCHED_OFF = "switched_off"
SCHEMES = ("http://", "https://")

Kind = Literal["standard", "frappe"]


class Sealing(Protocol):
    """Seals and opens; see WebhookSeals."""

    def put(self, row: Webhook, target: Target) -> None: ...

    def open(self, row: Webhook) -> Target | None: ...


class Publishing(Protocol):
    """What is needed of the bus."""

    def publish(self, channel: str, payload: bytes) -> None: ...


class Ending(Protocol):
    """What is told of one that is removed; see Noting."""

    async def removed(self, session: AsyncSession, webhook: Webhook, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook as somebody wants it. None of the login: as it is."""

    name: str
    kind: Kind
    url: str
    types: Sequence[str]
    camera_ids: Sequence[str] | None
    department_ids: Sequence[str] | None
    active: bool
    options: Mapping[str, str]
    api_key: str | None = None
    api_secret: str | None = None


class Webhooks:
    """Everything within the caller's transaction; once that is committed, whoever delivers looks."""

    def __init__(
        self, bus: Publishing, clock: Clock, rules: Allowing, seals: Sealing, queueing: Queueing, noting: Ending
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._rules = rules
        self._seals = seals
        self._queueing = queueing
        self._noting = noting

    async def check(self, wanted: Wanted, may: Callable[[str], bool], present: str | None = None) -> None:
        """What can be told before the transaction: the address and the types. Raises Invalid, or Forbidden for events
        that whoever asks may not read themselves. `present` is the address as it is shown now, which may stay."""
        unknown = [one for one in wanted.types if one not in TYPES]
        if unknown:
            raise Invalid.field("types", "unknown_type", f"There are no events of the type {unknown[0]}.")
        if wanted.kind == "frappe" and set(wanted.types) - set(frappe.TYPES):
            raise Invalid.field("types", "not_supported", "Frappe HR takes check-ins and check-outs only.")
        for type_ in wanted.types:
            _check_may(type_, may)
        if wanted.url != present:
            await self._check_address(wanted.url)

    async def epoch(self) -> str:
        """The life of the log, to be asked for before the transaction."""
        return await self._queueing.epoch()

    async def create(self, session: AsyncSession, wanted: Wanted, epoch: str) -> tuple[Webhook, str | None]:
        """The row, and the secret where there is one: it is not told again."""
        if await webhooks.count(session) >= webhooks.MOST:
            raise Conflict(f"There are {webhooks.MOST} webhooks. Remove one first.", code="too_many_webhooks")
        if wanted.kind == "frappe":
            _check_login(wanted, "Give the key and the secret of a user of Frappe.")
        await self._check_named(session, wanted)
        secret = new_secret() if wanted.kind == "standard" else ""
        target = Target(wanted.url, secret, "", wanted.api_key or "", wanted.api_secret or "")
        row = Webhook(**_shown(wanted))
        self._seals.put(row, target)
        await self._queueing.begin(session, row, epoch)
        return await WEBHOOKS.save(session, row), secret or None

    async def change(
        self, session: AsyncSession, row: Webhook, wanted: Wanted, epoch: str, may: Callable[[str], bool]
    ) -> Webhook:
        """The address as it is shown stands for the present one. Switched on again, it begins now, and what waited is
        dead; so is what is not wanted any more. Raises Forbidden where what still waits would go to another address
        and whoever asks may not read it."""
        if wanted.kind != row.kind:
            raise Invalid.field("kind", "fixed", "The kind stays. Make another one instead.")
        await self._check_named(session, wanted)
        target = self._target(row)
        url = target.url if wanted.url == row.url else with_password(wanted.url, target.url)
        if wanted.kind == "frappe" and not same_origin(url, target.url):
            _check_login(wanted, "It was given for another address. Give it again for this one.")
        shown = _shown(replace(wanted, url=url))
        begins = wanted.active and not row.active
        with session.no_autoflush:
            for name, value in shown.items():
                setattr(row, name, value)
            self._seals.put(
                row,
                replace(
                    target, url=url, api_key=wanted.api_key or target.api_key,
                    api_secret=wanted.api_secret or target.api_secret,
                ),
            )  # fmt: skip
            if begins:
                row.failures, row.resumes_at, row.disabled_reason = 0, None, None
                await self._queueing.begin(session, row, epoch)
            else:
                await self._queueing.follow(session, row)
        await session.flush()
        now = self._clock.now()
        if begins:
            await deliveries.drop(session, row.id, now, SWITCHED_OFF)
        else:
            await self._queueing.forget_unwanted(session, row, now)
        if url != target.url:
            for type_ in await deliveries.pending_types(session, row.id):
                _check_may(type_, may)
        self._look(session)
        return await WEBHOOKS.save(session, row)

    async def remove(self, session: AsyncSession, row: Webhook) -> None:
        """With what waits for it, the log of its deliveries, and its alert."""
        await WEBHOOKS.remove(session, row)
        await self._noting.removed(session, row, self._clock.now())

    async def rotate(self, session: AsyncSession, row: Webhook) -> str:
        """Another secret. The one before counts too for a day; one before that does not any more. Raises Conflict."""
        if row.kind != "standard":
            raise Conflict("Only webhooks that are signed have a secret of ours.", code="no_secret")
        target, secret = self._target(row), new_secret()
        self._seals.put(row, replace(target, secret=secret, previous=target.secret))
        row.previous_until = self._clock.now() + BOTH_COUNT_FOR
        await WEBHOOKS.save(session, row)
        return secret

    async def test(self, session: AsyncSession, row: Webhook) -> Delivery:
        """A message that tells of nothing, sent at once, also by one that is switched off."""
        now = self._clock.now()
        one = Delivery(
            webhook_id=row.id, message_id=new_id(), type=TEST, state="pending", next_at=now, give_up_at=now + TEST_FOR
        )
        await deliveries.add(session, [one])
        await webhooks.rest_no_longer(session, row.id)
        self._look(session)
        return one

    async def redeliver(
        self, session: AsyncSession, row: Webhook, delivery: Delivery, may: Callable[[str], bool]
    ) -> Delivery:
        """Once more, from the beginning, with the same id. Raises Conflict where it is switched off, and Forbidden
        where whoever asks may not read such events."""
        if delivery.topic:
            _check_may(delivery.type, may)
        if not row.active and delivery.topic:
            raise Conflict("This webhook is switched off. Switch it on first.", code="webhook_inactive")
        now = self._clock.now()
        delivery.state, delivery.result, delivery.finished_at = "pending", None, None
        delivery.next_at, delivery.give_up_at = now, now + (FOR if delivery.topic else TEST_FOR)
        session.add(delivery)
        await session.flush()
        await webhooks.rest_no_longer(session, row.id)
        self._look(session)
        return delivery

    def _look(self, session: AsyncSession) -> None:
        event.listen(session.sync_session, "after_commit", lambda _session: self._bus.publish(CHANNEL, b""))

    def _target(self, row: Webhook) -> Target:
        target = self._seals.open(row)
        if target is None:
            raise Conflict(
                "What is kept of this webhook is sealed with a key that is not here. Make it anew.", code="key_missing"
            )
        return target

    async def _check_address(self, url: str) -> None:
        if not url.lower().startswith(SCHEMES) or not url.isprintable() or " " in url:
            raise Invalid.field("url", "malformed", "The address starts with https:// or http://.")
        if "…" in url:
            raise Invalid.field("url", "incomplete", "Give the whole address again, with what is left out here.")
        # What is not known now is taken: each connection is looked at.
        with suppress(SourceFailed, TimeoutError):
            async with asyncio.timeout(LOOK_UP_WITHIN_S):
                await resolve_allowed(url, self._rules, field="url")

    async def _check_named(self, session: AsyncSession, wanted: Wanted) -> None:
        named: tuple[tuple[str, type[Row], Sequence[str] | None], ...] = (
            ("cameraIds", Camera, wanted.camera_ids), ("departmentIds", Department, wanted.department_ids),
        )  # fmt: skip
        for field, table, ids in named:
            known = set((await session.exec(select(table.id).where(col(table.id).in_(ids or ())))).all())
            wrong = [
                Detail(f"{field}.{n}", "not_found", "There is none with that id.")
                for n, one in enumerate(ids or ())
                if one not in known
            ]
            if wrong:
                raise Invalid("Something that is named does not exist.", details=tuple(wrong))


def _check_may(type_: str, may: Callable[[str], bool]) -> None:
    """Raises Forbidden. What no version knows any more nobody may have sent."""
    permission = TYPES[type_].permission if type_ in TYPES else None
    if permission is None:
        raise Forbidden(f"There are no events of the type {type_} any more.")
    if not may(permission):
        raise Forbidden(f"To have events of the type {type_} sent somewhere needs the permission {permission}.")


def _check_login(wanted: Wanted, message: str) -> None:
    """Raises Invalid."""
    if not (wanted.api_key and wanted.api_secret):
        missing = "apiKey" if not wanted.api_key else "apiSecret"
        raise Invalid.field(f"frappe.{missing}", "missing", message)


def _shown(wanted: Wanted) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "kind": wanted.kind,
        "url": redact(wanted.url),
        "types": list(dict.fromkeys(wanted.types)),
        "camera_ids": None if wanted.camera_ids is None else list(dict.fromkeys(wanted.camera_ids)),
        "department_ids": None if wanted.department_ids is None else list(dict.fromkeys(wanted.department_ids)),
        "active": wanted.active,
        "options": dict(wanted.options),
    }
