"""What people have said about the use of their faces: the newest statement counts."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import PhotoRefused
from server.store.tables import Consent, Person

GIVEN = "given"


async def of_person(session: AsyncSession, person_id: str) -> Sequence[Consent]:
    """Newest first."""
    found: Sequence[Consent] = (
        await session.exec(_newest_first(select(Consent)).where(Consent.person_id == person_id))
    ).all()
    return found


async def check(session: AsyncSession, person_id: str, *, asked_first: bool) -> None:
    """Raises PhotoRefused: `consent_refused` after a refusal or a withdrawal, whatever the setting says; `no_consent`
    without any statement, where consent is asked first."""
    found = await of_person(session, person_id)
    if found and found[0].state != GIVEN:
        raise PhotoRefused("This person has said no to the use of their face.", code="consent_refused")
    if not found and asked_first:
        raise PhotoRefused("Record this person's consent first.", code="no_consent")


def state_of_person() -> Any:
    """The newest state, as a column beside a person."""
    newest = _newest_first(select(Consent.state)).where(Consent.person_id == Person.id)
    return newest.correlate(Person).limit(1).scalar_subquery()


def _newest_first(statement: Any) -> Any:
    return statement.order_by(col(Consent.created_at).desc(), col(Consent.id).desc())
