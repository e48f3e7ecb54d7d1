"""Examples from schemas: each is one that its schema allows."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from server.routes.plausible import A_TIME, AN_ID
from server.routes.samples import sample

DEFINITIONS: dict[str, Any] = {
    "CameraPublic": {"type": "object", "properties": {"role": {"type": "string"}, "name": {"type": "string"}}},
    "Tree": {"type": "object", "properties": {"branches": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}},
}


@pytest.mark.parametrize(
    ("schema", "name", "wanted"),
    [
        ({"type": "string", "examples": ["first", "second"]}, "email", "first"),
        ({"const": 7}, "email", 7),
        ({"enum": ["in", "out"]}, "direction", "in"),
        ({"type": "string"}, "email", "ada@example.com"),
        ({"type": "integer"}, "email", 1),
        ({"type": "string"}, "shiftId", AN_ID),
        ({"type": "string", "maxLength": 4}, "shiftId", "text"),
        ({"type": "string", "format": "date-time"}, "name", A_TIME),
        ({"type": "string", "minLength": 6, "maxLength": 6}, "x", "textxx"),
        ({"type": "string", "maxLength": 2}, "x", "te"),
        ({"type": "boolean"}, "x", True),
        ({"type": "boolean", "default": False}, "x", False),
        ({"type": "integer", "minimum": 16, "maximum": 20}, "x", 16),
        ({"type": "integer", "maximum": 0}, "x", 0),
        ({"type": "number", "exclusiveMinimum": 3}, "x", 4),
        ({"type": "null"}, "x", None),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "x", 1),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "codecs", ["h264", "h264"]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}]}, "x", [1, True]),
        ({"type": "array", "maxItems": 0}, "x", []),
        ({"$ref": "#/$defs/CameraPublic"}, "", {"role": "in", "name": "Front door"}),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "x", {}),
    ],
)
def test_the_nearest_example_counts(schema: dict[str, Any], name: str, wanted: object) -> None:
    """Its own, then what a field of that name holds in that class or anywhere, then the plainest that is allowed."""
    found = sample(schema, DEFINITIONS, name)
    assert found == wanted
    Draft202012Validator({**schema, "$defs": DEFINITIONS}).validate(found)


def test_a_tree_ends() -> None:
    """A class that holds itself is followed some way down only."""
    assert sample({"$ref": "#/$defs/Tree"}, DEFINITIONS)["branches"]
