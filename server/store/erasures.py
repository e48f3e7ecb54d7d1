"""The rows by which somebody is recognised and seen, erased by their indexes, and the receipts of it."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, text
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.engine import Store
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.tables import AuditRow, Clip, Entry, Erasure, Photo, RefusedView, Sighting, Template

Scope = Literal["biometrics", "person"]
SORTS: Sorts = {"createdAt": Erasure.created_at}
# What an erased sighting says in the place of what it did.
BARE: dict[str, Any] = {
    "box": [], **dict.fromkeys(("snapshot_key", "face_key", "similarity", "margin", "liveness", "evidence")),
}  # fmt: skip


async def sweep(session: AsyncSession, receipt: Erasure) -> None:
    """Removes all that shows the person's face and notes it on the receipt. What was swept before is not counted anew.

    The objects are removed after the transaction: until then, their keys are on the receipt.
    """
    person_id, keys, counts = receipt.person_id, list(receipt.left), dict(receipt.counts)

    def count(name: str, more: int) -> None:
        counts[name] = counts.get(name, 0) + more

    photos = (
        await session.exec(select(Photo.object_key, Photo.portrait_key).where(Photo.person_id == person_id))
    ).all()
    keys += [key for row in photos for key in row]
    count("photos", len(photos))
    mine = col(Template.person_id) == person_id
    count("templates", (await session.exec(_plain(delete(Template).where(mine)))).rowcount)
    await session.exec(_plain(delete(Photo).where(col(Photo.person_id) == person_id)))
    not_them = col(RefusedView.person_id) == person_id
    count("refusedViews", (await session.exec(_plain(delete(RefusedView).where(not_them)))).rowcount)

    seen = select(Sighting.id).where(Sighting.person_id == person_id)
    clips = (await session.exec(select(Clip.object_key).where(col(Clip.sighting_id).in_(seen)))).all()
    keys += clips
    count("clips", len(clips))
    await session.exec(_plain(delete(Clip).where(col(Clip.sighting_id).in_(seen))))

    kept = select(Sighting.snapshot_key, Sighting.face_key).where(Sighting.person_id == person_id)
    pictures = [key for row in (await session.exec(kept)).all() for key in row if key is not None]
    count("sightingPictures", len(pictures))
    changed = update(Sighting).where(col(Sighting.person_id) == person_id)
    await session.exec(_plain(changed.values(**BARE)))

    entered = (await session.exec(select(Entry.snapshot_key).where(Entry.person_id == person_id))).all()
    keys += [*pictures, *(key for key in entered if key is not None)]
    bare: dict[str, Any] = dict.fromkeys(("snapshot_key", "similarity", "margin"))
    await session.exec(_plain(update(Entry).where(col(Entry.person_id) == person_id).values(**bare)))

    receipt.left, receipt.counts = sorted(set(keys)), counts
    session.add(receipt)
    await session.flush()


async def begun_since(session: AsyncSession, person_id: str, at: datetime) -> bool:
    """Whether an erasure of the person has begun after that time, of whatever scope."""
    found = select(Erasure.id).where(Erasure.person_id == person_id, col(Erasure.created_at) > at).limit(1)
    return (await session.exec(found)).first() is not None


async def note(session: AsyncSession, erasure_id: str, **more: int) -> None:
    """So much more was done, as the receipt counts it until it is sealed."""
    receipt = await lock(session, erasure_id)
    if receipt.state == "done":  # by somebody beside us, who has counted all
        return
    counts = dict(receipt.counts)
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
    receipt.counts = counts
    session.add(receipt)
    await session.flush()


async def lock(session: AsyncSession, erasure_id: str) -> Erasure:
    """The receipt, for a change within the caller's transaction."""
    return await session.get_one(Erasure, erasure_id, with_for_update=True, populate_existing=True)


async def names_of(session: AsyncSession, person_id: str) -> list[str]:
    """The id of the person, and those of entries of the same person that were merged into theirs: what was told before
    has the other one."""
    ids = [person_id]
    for one in ids:
        merged = select(AuditRow.before).where(
            AuditRow.resource == "people", col(AuditRow.resource_id) == one, AuditRow.action == "person.merged"
        )
        for before in (await session.exec(merged)).all():
            other = ((before or {}).get("other") or {}).get("id")
            if isinstance(other, str) and other not in ids:
                ids.append(other)
    return ids


async def finish(session: AsyncSession, receipt: Erasure, at: datetime) -> None:
    """Everything is gone: the receipt says when, and is sealed by its hash."""
    receipt.counts = {**receipt.counts, "objects": receipt.counts.get("objects", 0) + len(receipt.left)}
    receipt.left, receipt.state, receipt.finished_at = [], "done", at
    receipt.sha256 = hash_of(receipt)
    session.add(receipt)
    await session.flush()


def hash_of(receipt: Erasure) -> str:
    """SHA-256 of the facts as JSON: keys in order, no spaces, times in RFC 3339 with six decimals."""
    times = {"createdAt": receipt.created_at, "finishedAt": receipt.finished_at}
    facts = {
        "id": receipt.id, "personId": receipt.person_id, "scope": receipt.scope, "askedBy": receipt.asked_by,
        "counts": receipt.counts,
        **{name: at.isoformat(timespec="microseconds") if at else None for name, at in times.items()},
    }  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def page(session: AsyncSession, wanted: Page, person_id: str | None = None) -> Paged[Erasure]:
    """Newest first."""
    statement = select(Erasure)
    if person_id is not None:
        statement = statement.where(Erasure.person_id == person_id)
    return await fetch(session, statement, wanted, SORTS, "-createdAt")


async def pending(session: AsyncSession) -> Sequence[str]:
    """The ids of those that are not done, oldest first."""
    found = select(Erasure.id).where(Erasure.state == "pending").order_by(col(Erasure.created_at), Erasure.id)
    return (await session.exec(found)).all()


async def count_done(session: AsyncSession) -> int:
    """How many are done, ever."""
    return (await session.exec(select(func.count()).select_from(Erasure).where(Erasure.state == "done"))).one()


async def settle(store: Store) -> None:
    """Overwrites what SQLite's log still holds of the rows as they were."""
    if store.is_sqlite:
        async with store.engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _plain(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
