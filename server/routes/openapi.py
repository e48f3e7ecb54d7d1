"""OpenAPI 3.1, made from the endpoints' own types: what is not an endpoint is not in it, and the other way round."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.routes.endpoint import PUBLIC, SIGNED_IN, Endpoint, item_of

_REF = "#/components/schemas/{model}"
_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "requestId"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "requestId": {"type": ["string", "null"]},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "code", "message"],
                        "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
                    },
                },
            },
        },
    },
}
_META = {
    "type": "object",
    "required": ["page", "pageSize", "total"],
    "properties": {name: {"type": "integer"} for name in ("page", "pageSize", "total")},
}


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document, plain JSON."""
    models: dict[tuple[type[BaseModel], Any], None] = {}
    for one in endpoints:
        if one.body is not None:
            models[(one.body, "validation")] = None
        item, _ = item_of(one.answer)
        if item is not None:
            models[(item, "serialization")] = None
    names, definitions = models_json_schema(list(models), by_alias=True, ref_template=_REF)
    paths: dict[str, Any] = {}
    for one in endpoints:
        paths.setdefault(one.prefix + one.path, {})[one.method.lower()] = _operation(one, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}) | {"Error": _ERROR_SCHEMA},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "rollcall_session"},
            },
        },
    }


def _operation(one: Endpoint, names: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.handler.__name__,
        "summary": one.summary,
        "tags": [one.path.split("/")[1] if one.prefix else "system"],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in one.path_names
        ],
        "responses": {str(one.status): _answer(one, names), "default": _failure()},
        "security": [] if one.allow == PUBLIC else [{"bearer": []}, {"session": []}],
    }
    if one.allow not in (PUBLIC, SIGNED_IN):
        operation["x-permission"] = one.allow
    if one.kiosk:
        operation["x-kiosk"] = "A paired kiosk may too, for its own cameras."
    if one.query is not None:
        schema = one.query.model_json_schema(by_alias=True)
        operation["parameters"] += [
            {"name": name, "in": "query", "required": False, "schema": field}
            for name, field in schema["properties"].items()
        ]
    if one.body is not None:
        operation["requestBody"] = {
            "required": not one.body_optional,
            "content": {"application/json": {"schema": names[(one.body, "validation")]}},
        }
    elif one.takes is not None:
        operation["requestBody"] = {"required": True, "content": {one.takes: {"schema": {"type": "string"}}}}
    elif one.uploads:
        operation["requestBody"] = {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                }
            },
        }
    return operation


def _answer(one: Endpoint, names: dict[Any, Any]) -> dict[str, Any]:
    if one.status == 204:
        return {"description": "Done."}
    item, is_list = item_of(one.answer)
    if item is None:
        kind = one.gives or ("image/jpeg" if re.search(r"\.jpg$", one.path) else "text/plain")
        return {"description": one.summary, "content": {kind: {"schema": {"type": "string"}}}}
    ref = names[(item, "serialization")]
    properties: dict[str, Any] = {
        "success": {"const": True},
        "data": {"type": "array", "items": ref} if is_list else ref,
    }
    if is_list:
        properties["meta"] = _META
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"description": one.summary, "content": {"application/json": {"schema": schema}}}


def _failure() -> dict[str, Any]:
    return {
        "description": "An error, in the envelope of errors.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
