"""Shifts: the windows of a day in which people are expected, and what counts by their rules."""

from typing import Any

from pydantic import Field
from pydantic.alias_generators import to_camel
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.events.limits import Reach
from server.pipeline.shift_rules import ShiftRules, as_rules
from server.routes.collection import Five, Words
from server.routes.endpoint import Endpoint
from server.routes.working_time import Stamped
from server.store import working_time
from server.store.tables import Shift

EXAMPLE = {
    "name": "Night", "start": "22:00", "end": "06:00", "breakMinutes": 45, "graceLateMinutes": 5,
    "graceEarlyMinutes": 5, "timezone": "Europe/Berlin", "days": [1, 2, 3, 4, 5],
}  # fmt: skip


class ShiftForm(ShiftRules):
    name: str = Field(min_length=1, max_length=200)


class ShiftPublic(ShiftRules, Stamped):
    name: str


def _columns(form: ShiftForm) -> dict[str, Any]:
    return {"name": form.name, "rules": form.model_dump(mode="json", exclude={"name"})}


def _shown(row: Shift) -> ShiftPublic:
    stamps = {"id": row.id, "created_at": row.created_at, "updated_at": row.updated_at}
    return ShiftPublic.model_validate({**row.rules, **stamps, "name": row.name})


async def _check(_session: AsyncSession, row: Shift, _reach: Reach) -> None:
    """The rules themselves say what cannot be, and of which field."""
    try:
        as_rules(row, "UTC")
    except ValueError as error:
        field, _, message = str(error).partition(": ")
        raise Invalid.field(to_camel(field), "invalid", f"{message[:1].upper()}{message[1:]}.") from error


async def _check_removal(session: AsyncSession, row: Shift, _reach: Reach) -> None:
    await working_time.check_shift_unused(session, row.id)


SHIFTS = Five(
    working_time.SHIFTS, "/shifts",
    Words("A shift", "The shifts by name", "A new shift", "Removes a shift that no schedule uses"),
    ShiftForm, ShiftPublic, _columns, _shown, check=_check, check_removal=_check_removal, for_everybody=True,
    example=EXAMPLE,
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = SHIFTS.endpoints
