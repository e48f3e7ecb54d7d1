"""What was told of a person, taken out of stored events and out of the warnings on other people's photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import AuditChain, EventRow, EventTopic, Photo

AT_ONCE = 2000  # events that are looked through in one go
EVIDENCE = frozenset(
    {"snapshotUrl", "faceUrl", "photoUrl", "portraitUrl", "clipUrl", "similarity", "margin", "box", "evidence"}
)


@dataclass(frozen=True, slots=True)
class Span:
    """The events of a topic after an offset, up to and with another."""

    topic: str
    after: int
    up_to: int


async def spans(session: AsyncSession) -> list[tuple[str, int, int]]:
    """Every topic with the offset before its oldest event and that of its newest."""
    rows = (await session.exec(select(EventTopic).order_by(EventTopic.topic))).all()
    return [(row.topic, row.oldest - 1, row.head) for row in rows]


async def audited(session: AsyncSession) -> int:
    """How many rows the audit has."""
    chain = await session.get(AuditChain, 1)
    return chain.head - chain.cut if chain is not None else 0


async def tells_of(session: AsyncSession, ids: Sequence[str], span: Span) -> bool:
    """Whether an event of the span names one of them."""
    found = await session.exec(select(EventRow.offset).where(*_telling_of(ids, span)).limit(1))
    return found.first() is not None


async def scrub_events(session: AsyncSession, ids: Sequence[str], span: Span, *, forget_who: bool) -> int:
    """How many events of the span have changed. Two who do the same wait for each other: each is counted once."""
    changed = 0
    wanted = select(EventRow).where(*_telling_of(ids, span)).order_by(col(EventRow.offset)).with_for_update()
    for row in (await session.exec(wanted)).all():
        bare = row.data
        for person_id in ids:
            bare = scrubbed(bare, person_id, forget_who=forget_who)
        if bare != row.data:
            row.data = bare
            session.add(row)
            changed += 1
    await session.flush()
    return changed


def scrubbed(data: dict[str, Any], person_id: str, *, forget_who: bool) -> dict[str, Any]:
    """An event's data without pictures and evidence; `forget_who` takes out whom it tells of too."""
    bare: dict[str, Any] = {}
    for name, value in data.items():
        tells_who = value == person_id or (isinstance(value, dict) and value.get("id") == person_id)
        if name in EVIDENCE or (forget_who and tells_who):
            bare[name] = None
        elif forget_who and (name == "name" or (isinstance(value, str) and person_id in value)):
            bare[name] = ""  # the name of a greeting, the subject of an alert
        else:
            bare[name] = scrubbed(value, person_id, forget_who=forget_who) if isinstance(value, dict) else value
    return bare


async def scrub_warnings(session: AsyncSession, ids: Sequence[str]) -> int:
    """Other people's photos say no more that they resemble this one."""
    named = select(Photo).where(_contains(col(Photo.warnings), ids)).order_by(Photo.id).with_for_update()
    rows = (await session.exec(named)).all()
    for row in rows:
        row.warnings = [one for one in row.warnings if one.get("personId") not in ids]
        session.add(row)
    await session.flush()
    return len(rows)


def _telling_of(ids: Sequence[str], span: Span) -> tuple[Any, ...]:
    offset = col(EventRow.offset)
    return EventRow.topic == span.topic, offset > span.after, offset <= span.up_to, _contains(col(EventRow.data), ids)


def _contains(column: Any, ids: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(cast(column, Text).contains(one) for one in ids))
