"""The audit: who did what to which row, before and after, in a chain in which a missing or changed row shows."""

import asyncio
import hmac
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access import redaction
from server.address import redact
from server.clock import Clock
from server.ids import new_id
from server.store import audit
from server.store.audit import CUT, SYSTEM, Actor, Ends, Filter
from server.store.engine import Store
from server.store.paging import Page, Paged
from server.store.tables import AuditRow
from server.wire import to_wire

PURPOSE, SEALING = "audit", "audit-ends"
BATCH = 500
CUT_AT_ONCE = 5000
MASK = "***"
_SECRET_NAME = re.compile(r"pass(word|phrase)|hash|secret|token|credential|embedding|keys?$|otp|codes?$|^pin$", re.I)
_TRIES = 5


class Keys(Protocol):
    """What the chain needs of the keyring."""

    def signing(self, purpose: str) -> tuple[str, bytes]:
        """The key that is in use, with its id."""

    def known(self, purpose: str) -> Mapping[str, bytes]:
        """That one and those before it, by id."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the chain found. `reason`: changed, missing, unknown_key, wrong_head or wrong_cut."""

    intact: bool
    rows: int  # that were found good
    head: int
    head_hash: str  # to be kept elsewhere: an older head shows a chain that was rolled back
    cut: int
    first_broken: int | None = None
    reason: str | None = None


class Audit:
    """Appends to the chain within the transaction of what it tells, and reads, checks and shortens it."""

    def __init__(self, store: Store, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def record(
        self,
        session: AsyncSession,
        actor: Actor,
        action: str,
        resource: str,
        resource_id: str | None,
        *,
        before: object = None,
        after: object = None,
    ) -> None:
        """Who did `action` (such as `user.changed`) to which row. Secrets in `before` and `after` are masked.

        Call it within the transaction of the change, and before events are appended: it holds the chain until the
        commit, and everybody takes the two in this order.
        """
        shown_before, shown_after = shown(before), shown(after)
        ends = await audit.lock_chain(session)
        key_id, key = self._keys.signing(PURPOSE)
        row = AuditRow(
            position=ends.head + 1, id=new_id(), at=self._clock.now().astimezone(UTC), actor_kind=actor.kind,
            actor_id=actor.id, actor_name=_text(actor.name, 254), action=action, resource=resource,
            resource_id=resource_id, before=shown_before, after=shown_after, address=_text(actor.address, 64),
            user_agent=_text(actor.user_agent, 400), request_id=_text(actor.request_id, 64), key_id=key_id, hash="",
        )  # fmt: skip
        row.hash = _hash(key, ends.head_hash, row)
        await audit.append(session, row, self._seal(row.position, row.hash, ends.cut, ends.cut_hash))

    async def page(self, wanted: Page, chosen: Filter) -> Paged[AuditRow]:
        """The newest first unless asked otherwise."""
        async with self._store.read() as session:
            return await audit.page(session, wanted, chosen)

    def export(self, chosen: Filter) -> AsyncIterator[Sequence[AuditRow]]:
        """All that is wanted in batches, oldest first."""
        return audit.batches(self._store, chosen, BATCH)

    async def verify(self) -> Verification:
        """Walks along the whole chain, from the cut to the head. What is appended meanwhile is not looked at."""
        for _ in range(_TRIES):
            async with self._store.read() as session:
                ends = await audit.ends(session)
            found = await self._walk(ends)
            async with self._store.read() as session:
                now = await audit.ends(session)
            if found.intact or now.cut == ends.cut:
                break  # otherwise retention removed rows under our feet
        return found

    async def cut(self, before: datetime) -> int:
        """For retention: removes the rows of before that time, and says so in the chain. How many."""
        before = min(before, self._clock.now())  # what is told of the cut itself stays
        removed = 0
        while count := await self._cut_some(before):
            removed += count
        return removed

    async def _cut_some(self, before: datetime) -> int:
        async with self._store.transaction() as session:
            already = (await audit.lock_chain(session)).cut
            found = await audit.cut_at(session, before, CUT_AT_ONCE)
            if found is None:
                return 0
            up_to, its_hash = found
            await self.record(session, SYSTEM, CUT, PURPOSE, None, after={"up_to": up_to, "before": before})
            ends = await audit.lock_chain(session)
            await audit.cut(session, up_to, its_hash, self._seal(ends.head, ends.head_hash, up_to, its_hash))
            return up_to - already

    async def redact(self, ids: Sequence[str]) -> int:
        """Takes out what names these people, who were erased; in how many rows. The chain goes on as it was."""
        changed = 0
        async with self._store.read() as session:
            ends = await audit.ends(session)
        for after in range(ends.cut, ends.head, BATCH):
            async with self._store.read() as session:
                tell = await audit.telling_of(session, ids, after, after + BATCH)
            if not tell:  # nearly always, and without a lock
                continue
            async with self._store.transaction() as session:
                rows = await audit.telling_of(session, ids, after, after + BATCH, lock=True)
                session.expunge_all()  # the table's triggers let no more be changed than redact() does
                for row in [row for row in rows if self._redacted(row, ids)]:
                    await audit.redact(session, row)
                    changed += 1
        return changed

    def _redacted(self, row: AuditRow, ids: Sequence[str]) -> bool:
        """Changes it, and says whether there was anything to change."""
        before, after = redaction.redacted(row, ids)
        if (before, after) == (row.before, row.after):
            return False
        row.before, row.after = before, after
        row.redacted = redaction.seal(*self._keys.signing(redaction.PURPOSE), row)
        return True

    def _seal(self, head: int, head_hash: str, cut: int, cut_hash: str) -> str:
        key_id, key = self._keys.signing(SEALING)
        return f"{key_id}:{_sealed(key, head, head_hash, cut, cut_hash)}"

    def _seal_fits(self, ends: Ends) -> bool:
        """Rows that were removed at the end, with the head put back to match, leave a seal that nobody can make."""
        key_id, _, seal = ends.seal.partition(":")
        key = self._keys.known(SEALING).get(key_id)
        if key is None:
            return not ends.head and not ends.seal
        return hmac.compare_digest(_sealed(key, ends.head, ends.head_hash, ends.cut, ends.cut_hash), seal)

    async def _walk(self, ends: Ends) -> Verification:
        good, previous, position = 0, ends.cut_hash, ends.cut
        keys, seals = self._keys.known(PURPOSE), self._keys.known(redaction.PURPOSE)

        def result(broken: int | None = None, reason: str | None = None) -> Verification:
            return Verification(broken is None, good, ends.head, ends.head_hash, ends.cut, broken, reason)

        if ends.told_cut != ends.cut:
            return result(ends.cut, "wrong_cut")
        while position < ends.head:
            async with self._store.read() as session:
                rows = await audit.batch(session, position, min(BATCH, ends.head - position))
            checked, previous, reason = await asyncio.to_thread(_check, keys, seals, position, previous, rows)
            good, position = good + checked, position + checked
            if reason is not None or not rows:
                return result(position + 1, reason or "missing")
        if previous != ends.head_hash or ends.last > ends.head:
            return result(ends.head + (ends.last > ends.head), "wrong_head")
        return result() if self._seal_fits(ends) else result(ends.head, "wrong_head")


def shown(value: object) -> dict[str, Any] | None:
    """A view, a form or a mapping as JSON under its names on the wire, without anything secret."""
    if value is None:
        return None
    if not isinstance(value, BaseModel) and isinstance(value, Mapping):
        value = {to_wire(name) if "_" in name else name: one for name, one in value.items()}
    plain = to_jsonable_python(value, by_alias=True, bytes_mode="base64")
    if not isinstance(plain, dict):
        raise TypeError(f"{type(value).__name__} is not told by fields.")
    return {name: _masked(name, one) for name, one in plain.items()}


def _masked(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name) and value is not None and not isinstance(value, bool):
        return MASK
    if isinstance(value, dict):
        return {str(inner): _masked(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list):
        return [_masked("", one) for one in value]
    return redact(value.replace("\0", "")) if isinstance(value, str) else value


def _text(value: str, most: int) -> str:
    return value.replace("\0", "")[:most]


def _hash(key: bytes, previous: str, row: AuditRow) -> str:
    """Over everything in the row and the hash before it, in a form that does not depend on the database."""
    told = row.model_dump(exclude={"hash", "at", "redacted"}) | {
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "previous": previous,
    }
    plain = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, plain.encode(), "sha256").hex()


def _sealed(key: bytes, head: int, head_hash: str, cut: int, cut_hash: str) -> str:
    return hmac.digest(key, f"{head}:{head_hash}:{cut}:{cut_hash}".encode(), "sha256").hex()


def _check(
    keys: Mapping[str, bytes], seals: Mapping[str, bytes], position: int, previous: str, rows: Sequence[AuditRow]
) -> tuple[int, str, str | None]:
    """How many of the rows after that position are good, the hash of the last one, and what is wrong with the next."""
    good = 0
    for row in rows:
        if row.position != position + good + 1:
            return good, previous, "missing"
        key = keys.get(row.key_id)
        if key is None:
            return good, previous, "unknown_key"
        if row.redacted is not None:  # what its hash was made of is gone; the next row's is made of its hash
            intact = redaction.fits(seals, row)
        else:
            intact = hmac.compare_digest(_hash(key, previous, row), row.hash)
        if not intact:
            return good, previous, "changed"
        good, previous = good + 1, row.hash
    return good, previous, None
