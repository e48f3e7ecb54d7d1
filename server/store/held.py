"""Everything that the database holds on one person, table by table."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from sqlalchemy import Text, cast, or_
from sqlmodel import SQLModel, col, select

from server.store import erasures
from server.store.engine import Store
from server.store.tables import (
    AuditRow,
    Clip,
    Consent,
    Correction,
    Credential,
    Delivery,
    Department,
    Entry,
    Erasure,
    EventRow,
    FrozenDay,
    Leave,
    Person,
    Photo,
    RefusedView,
    Schedule,
    Sighting,
    Template,
    TerminalLine,
)
from server.wire import to_wire

AT_ONCE = 500
# Not theirs to have: what is sealed, where the pictures lie, and what only proves that a row is whole.
_WITHHELD = frozenset(
    {"embedding", "key_id", "object_key", "portrait_key", "snapshot_key", "face_key", "hash", "left", "address",
     "user_agent", "request_id", "digest", "request_key"}
)  # fmt: skip


def told(row: SQLModel) -> dict[str, Any]:
    """A row as plain JSON under its names on the wire."""
    return {to_wire(name): value for name, value in row.model_dump(mode="json", exclude=set(_WITHHELD)).items()}


async def person(store: Store, person_id: str) -> dict[str, Any]:
    """The person and the name of their department."""
    async with store.read() as session:
        row = await session.get_one(Person, person_id)
        department = await session.get(Department, row.department_id) if row.department_id else None
    return told(row) | {"department": department.name if department else None}


async def names(store: Store, person_id: str) -> list[str]:
    """The ids under which something may have been told of the person: theirs, and those that were merged into it."""
    async with store.read() as session:
        return await erasures.names_of(session, person_id)


def tables(person_id: str, names: Sequence[str] = ()) -> dict[str, Any]:
    """What to ask for, by the name under which it is told; each in the order in which it came about.

    Rows go over to whom they are merged into; what was told before has the other id, which is one of `names`.
    """
    ids = {person_id, *names}
    seen = select(Sighting.id).where(Sighting.person_id == person_id)
    about = col(AuditRow.resource_id).in_(ids)
    entries = select(Entry).where(Entry.person_id == person_id)
    return {
        "consents": select(Consent).where(Consent.person_id == person_id).order_by(Consent.id),
        "credentials": select(Credential).where(Credential.person_id == person_id).order_by(Credential.id),
        "photos": select(Photo).where(Photo.person_id == person_id).order_by(Photo.id),
        "templates": select(Template).where(Template.person_id == person_id).order_by(Template.id),
        "sightings": select(Sighting).where(Sighting.person_id == person_id).order_by(Sighting.id),
        "refusedViews": select(RefusedView).where(RefusedView.person_id == person_id).order_by(RefusedView.id),
        "clips": select(Clip).where(col(Clip.sighting_id).in_(seen)).order_by(Clip.id),
        "entries": entries.order_by(Entry.id),
        "terminalLines": select(TerminalLine).where(TerminalLine.person_id == person_id).order_by(TerminalLine.id),
        "corrections": select(Correction)
        .where(col(Correction.entry_id).in_(entries.with_only_columns(col(Entry.id))))
        .order_by(Correction.id),
        "schedules": select(Schedule).where(Schedule.person_id == person_id).order_by(Schedule.id),
        "leave": select(Leave).where(Leave.person_id == person_id).order_by(Leave.id),
        "lockedDays": select(FrozenDay).where(FrozenDay.person_id == person_id).order_by(FrozenDay.id),
        "deliveries": select(Delivery).where(Delivery.person_id == person_id).order_by(Delivery.id),
        "erasures": select(Erasure).where(Erasure.person_id == person_id).order_by(Erasure.id),
        "audit": select(AuditRow).where(AuditRow.resource == "people", about).order_by(col(AuditRow.position)),
        "events": select(EventRow)
        .where(or_(*(cast(col(EventRow.data), Text).contains(one) for one in ids)))
        .order_by(EventRow.topic, col(EventRow.offset)),
    }


async def rows(store: Store, statement: Any) -> AsyncGenerator[Sequence[Any]]:
    """Of one of them, in batches."""
    first = 0
    while True:
        async with store.read() as session:
            found = (await session.exec(statement.offset(first).limit(AT_ONCE))).all()
        if found:
            yield found
        if len(found) < AT_ONCE:
            return
        first += AT_ONCE
