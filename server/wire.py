"""What crosses the wire: camelCase there, snake_case here."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel


def rfc3339(at: datetime) -> str:
    """UTC with milliseconds and a Z, such as 2026-01-05T08:00:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_wire(name: str) -> str:
    """A Python name as on the wire."""
    return to_camel(name)


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]


class Wire(BaseModel):
    """What goes out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True)

    def as_json(self) -> dict[str, object]:
        """Plain JSON values under their names on the wire."""
        return self.model_dump(mode="json", by_alias=True)


class Form(Wire):
    """What comes in: unknown fields are refused by name, and nothing is coerced beyond JSON."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
