"""Single values in the query of a request that is not answered with JSON: read, and described, from one place."""

from dataclasses import dataclass
from typing import Any, Protocol

from server.errors import BadRequest
from server.routes.call import Call

DIGITS = 9  # more are no number that anybody means


class Asked(Protocol):
    """One parameter: its name, what it is for, and what it may be."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number in a range."""

    name: str
    description: str
    default: int
    least: int
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most, "default": self.default}

    def of(self, call: Call) -> int:
        """Raises BadRequest."""
        given = call.request.query_params.get(self.name, str(self.default))
        if not given.isdecimal() or len(given) > DIGITS or not self.least <= int(given) <= self.most:
            said = f"{self.name} is a whole number from {self.least} to {self.most}."
            raise BadRequest(said, code=f"bad_{self.name}")
        return int(given)


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no; no where it is left out."""

    name: str
    description: str

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "boolean", "default": False}

    def of(self, call: Call) -> bool:
        """Raises BadRequest."""
        given = call.request.query_params.get(self.name, "false")
        if given not in ("true", "false"):
            raise BadRequest(f"{self.name} is true or false.", code=f"bad_{self.name}")
        return given == "true"
