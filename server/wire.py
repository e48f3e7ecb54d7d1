"""What crosses the wire: camelCase there, snake_case here."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel


def rfc3339(at: datetime) -> str:
    """UTC with milliseconds and a Z, such as 2026-01-05T08:00:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_wire(name: str) -> str:
    """A Python name as on the wire."""
    return to_camel(name)


Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # within a day of the calendar's first or last moment
        return datetime.min.replace(tzinfo=UTC) if at.year == 1 else datetime.max.replace(tzinfo=UTC)


# A time that comes in: with its zone, and turned into one that exists in UTC.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
# As it was typed: spaces around it are part of it.
Password = Annotated[str, StringConstraints(strip_whitespace=False)]


class Wire(BaseModel):
    """What goes out."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        frozen=True,
        json_schema_serialization_defaults_required=True,  # every field goes out, so a client may rely on it
    )

    def as_json(self) -> dict[str, object]:
        """Plain JSON values under their names on the wire."""
        return self.model_dump(mode="json", by_alias=True)


class Form(Wire):
    """What comes in: unknown fields are refused by name, and nothing is coerced beyond JSON."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
