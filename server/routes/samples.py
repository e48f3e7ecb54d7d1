"""Examples for the API's description, made from the schemas, so that there is one of everything and each is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.routes.plausible import AN_ID, FIELDS, FORMATS, OF_CLASS

_DEPTH = 8
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "boolean": (bool,),
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a document a value is wanted."""

    definitions: Mapping[str, Any]
    name: str
    owner: str = ""
    depth: int = 0

    def inside(self, name: str) -> "_Place":
        return replace(self, name=name, depth=self.depth + 1)


def sample(schema: Mapping[str, Any], definitions: Mapping[str, Any], name: str = "") -> Any:
    """One value that the schema allows: its own example, or one by the field's name, or the plainest."""
    return _sample(schema, _Place(definitions, name))


def _sample(schema: Mapping[str, Any], place: _Place) -> Any:
    if "$ref" in schema:
        return _referred(schema, place)
    if schema.get("examples"):
        return schema["examples"][0]
    for word in ("example", "const"):
        if word in schema:
            return schema[word]
    key = f"{place.owner}.{place.name}"
    if key in OF_CLASS:
        return OF_CLASS[key]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            something = [one for one in schema[word] if one.get("type") != "null"]
            return _sample(something[0], place) if something else None
    return _by_kind(schema, place)


def _referred(schema: Mapping[str, Any], place: _Place) -> Any:
    owner = schema["$ref"].rpartition("/")[2]
    found = {**place.definitions[owner], **{key: value for key, value in schema.items() if key != "$ref"}}
    return _sample(found, replace(place, owner=owner.partition("-")[0]))


def _by_kind(schema: Mapping[str, Any], place: _Place) -> Any:
    named = _named(schema, place)
    if named is not None:
        return named
    if schema.get("default") is not None:
        return schema["default"]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _object(schema, place)
    if kind == "array":
        return _array(schema, place)
    if kind == "string":
        return _text(schema)
    if kind in ("integer", "number"):
        return _number(schema)
    return {"boolean": True}.get(str(kind))


def _named(schema: Mapping[str, Any], place: _Place) -> Any:
    """What a field of this name usually holds, where its kind and limits allow it."""
    value = FIELDS.get(place.name)
    if value is None and place.name.endswith("Id"):
        value = AN_ID
    if value is None or not isinstance(value, _KINDS.get(str(schema.get("type")), ())) or "format" in schema:
        return None
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return None
    return value


def _object(schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
    fields: Mapping[str, Any] = schema.get("properties", {}) if place.depth < _DEPTH else {}
    return {name: _sample(each, place.inside(name)) for name, each in fields.items()}


def _array(schema: Mapping[str, Any], place: _Place) -> list[Any]:
    if place.depth >= _DEPTH or schema.get("maxItems") == 0:
        return []
    inside = place.inside(place.name.removesuffix("s"))
    if "prefixItems" in schema:
        return [_sample(one, inside) for one in schema["prefixItems"]]
    return [_sample(schema.get("items", {}), inside)] * max(1, schema.get("minItems", 1))


def _text(schema: Mapping[str, Any]) -> str:
    value = FORMATS.get(str(schema.get("format")), "text")
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(value))
    return value.ljust(least, "x")[: max(most, 0)] if "format" not in schema else value


def _number(schema: Mapping[str, Any]) -> int | float:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None and "exclusiveMinimum" in schema:
        least = schema["exclusiveMinimum"] + 1
    value = 1 if least is None else max(1, least)
    return value if most is None else min(value, most)
