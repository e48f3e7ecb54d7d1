"""A person's face is erased everywhere: rows, running cameras, objects, what was told; and the receipt says when.

At once, within the transaction that asks for it, go the rows by which somebody is recognised and seen. What takes long
(each event that was ever stored, each picture) comes after it: in the request where it is little, else in a job.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.errors import RollcallError
from server.objects.objects import Objects
from server.store import deliveries, erasures, scrubbing
from server.store.engine import Store
from server.store.erasures import Scope
from server.store.tables import Erasure, Person

# Up to so many events (and rows of the audit) and pictures, whoever asked waits for the end.
SHORT_EVENTS, SHORT_OBJECTS = 5000, 200
OBJECTS_AT_ONCE = 500

EACH = 1000  # what an erasure counts for in how far a job is

Tell = Callable[[int, int], Awaitable[None]]  # how much of how much is done
TellAll = Callable[[int, int, int], Awaitable[None]]  # the same, and how far that is in all lives of a job


class Gallery(Protocol):
    """What knows the templates, here and in the other processes."""

    async def changed(self) -> None: ...


class Watchers(Protocol):
    """The running cameras."""

    async def forget_person(self, person_id: str) -> None: ...


class Retold(Protocol):
    """What holds events in memory."""

    def rewritten(self) -> None: ...


class Answers(Protocol):
    """What was answered to creations and is kept for a while."""

    async def forget(self, ids: Sequence[str]) -> int: ...


class Names(Protocol):
    """What was done, and to whom."""

    async def redact(self, ids: Sequence[str]) -> int: ...


async def hide(gallery: Gallery, cameras: Watchers, person_id: str) -> None:
    """After that transaction: nobody recognises the face any more."""
    await gallery.changed()
    await cameras.forget_person(person_id)


class Eraser:
    """Begins erasures and finishes them; a finish that was cut off may be repeated."""

    def __init__(
        self, store: Store, objects: Objects, clock: Clock, told: Retold, answers: Answers, audit: Names
    ) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock
        self._told = told
        self._answers = answers
        self._audit = audit

    async def begin(self, session: AsyncSession, person: Person, scope: Scope, asked_by: str) -> Erasure:
        """The rows, within the caller's transaction, and the receipt, which is pending."""
        receipt = Erasure(
            person_id=person.id, scope=scope, state="pending", asked_by=asked_by, created_at=self._clock.now()
        )
        session.add(receipt)
        await session.flush()
        await erasures.sweep(session, receipt)
        return receipt

    async def is_long(self, receipt: Erasure) -> bool:
        """Whether the rest takes longer than somebody should wait for an answer."""
        async with self._store.read() as session:
            told = sum(last - after for _, after, last in await scrubbing.spans(session))
            if receipt.scope == "person":
                told += await scrubbing.audited(session)
        return told > SHORT_EVENTS or len(receipt.left) > SHORT_OBJECTS

    async def finish(self, erasure_id: str, tell: Tell | None = None) -> Erasure:
        """The rest, and the seal of the receipt. Raises what the object storage raises; what else there is to do is
        done by then."""
        async with self._store.transaction() as session:
            receipt = await erasures.lock(session, erasure_id)
            if receipt.state == "done":
                return receipt
            # A camera may have written a picture between the first sweep and its forgetting the person.
            await erasures.sweep(session, receipt)
            ids = await erasures.names_of(session, receipt.person_id)
        away: Exception | None = None
        try:
            for first in range(0, len(receipt.left), OBJECTS_AT_ONCE):
                await self._objects.delete(*receipt.left[first : first + OBJECTS_AT_ONCE])
        except (OSError, RollcallError) as error:
            away = error
        await self._forget_what_was_told(receipt, ids, tell)
        await erasures.settle(self._store)
        if away is not None:
            raise away
        async with self._store.transaction() as session:
            receipt = await erasures.lock(session, erasure_id)
            if receipt.state != "done":
                await erasures.finish(session, receipt, self._clock.now())
        await erasures.settle(self._store)  # the names of the objects, which the receipt has held until now
        return receipt

    async def finish_all(self, tell: TellAll | None = None) -> int:
        """Those that are pending; how many there were."""
        async with self._store.read() as session:
            waiting, sealed = await erasures.pending(session), await erasures.count_done(session)
        for number, erasure_id in enumerate(waiting):
            await self.finish(erasure_id, tell and _one_of(tell, number, len(waiting), sealed))
        return len(waiting)

    async def _forget_what_was_told(self, receipt: Erasure, ids: Sequence[str], tell: Tell | None) -> None:
        forget_who = receipt.scope == "person"
        async with self._store.read() as session:
            spans = await scrubbing.spans(session)
        total, done = sum(last - after for _, after, last in spans), 0
        for topic, first, last in spans:
            for after in range(first, last, scrubbing.AT_ONCE):
                up_to = min(after + scrubbing.AT_ONCE, last)
                await self._scrub(receipt.id, ids, scrubbing.Span(topic, after, up_to), forget_who=forget_who)
                done += up_to - after
                if tell is not None:
                    await tell(done, total)
        self._told.rewritten()
        answers = await self._answers.forget(ids)
        rows = await self._audit.redact(ids) if forget_who else 0
        async with self._store.transaction() as session:
            warnings = await scrubbing.scrub_warnings(session, ids)
            echoes = await deliveries.forget_answers(session, ids, forget_who=forget_who)
            await erasures.note(
                session, receipt.id, events=0, warnings=warnings, answers=answers + echoes, auditRows=rows
            )

    async def _scrub(self, erasure_id: str, ids: Sequence[str], span: scrubbing.Span, *, forget_who: bool) -> None:
        """Looks without a lock: nearly all spans tell nothing of anybody in particular."""
        async with self._store.read() as session:
            if not await scrubbing.tells_of(session, ids, span):
                return
        async with self._store.transaction() as session:
            changed = await scrubbing.scrub_events(session, ids, span, forget_who=forget_who)
            await erasures.note(session, erasure_id, events=changed)


def _one_of(tell: TellAll, number: int, of: int, sealed: int) -> Tell:
    """Tells of one erasure within many. Each looks through the same events, so only those that are done tell a job that
    goes on from one that begins anew: `sealed` before these."""

    async def told(done: int, total: int) -> None:
        await tell(number * total + done, of * total, (sealed + number) * EACH + EACH * done // max(total, 1))

    return told
