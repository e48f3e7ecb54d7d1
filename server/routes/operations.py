"""One operation of the API's description: what an endpoint takes, answers and asks for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, get_origin

from server.routes.endpoint import KIOSK, PUBLIC, SIGNED_IN, Endpoint, item_of
from server.routes.idempotent import HEADER as IDEMPOTENCY_KEY
from server.routes.idempotent import REPLAYED
from server.routes.identify import SAFE_METHODS
from server.routes.plausible import AN_ID
from server.routes.refusals import refusals
from server.routes.responses import Following, Page
from server.routes.samples import sample

Names = Mapping[Any, Any]
META = {
    "type": "object",
    "required": ["page", "pageSize", "total"],
    "properties": {
        "page": {"type": "integer", "minimum": 1},
        "pageSize": {"type": "integer", "minimum": 1},
        "total": {"type": "integer", "minimum": 0, "description": "of all pages together"},
    },
}
PLACE = {
    "type": "object",
    "required": ["next", "recovered"],
    "properties": {
        "next": {"type": "string", "description": "to ask after, the next time"},
        "recovered": {"type": "boolean", "description": "whether all that followed is there or still to come"},
    },
}
_Meta = tuple[str, Mapping[str, Any]]
# By the class of a list: what describes its meta, and an example.
_META: Mapping[Any, _Meta | None] = {
    None: None,
    Page: ("Meta", {"page": 1, "pageSize": 20, "total": 1}),
    Following: ("Place", {"next": f"{AN_ID}:57", "recovered": True}),
}
TAG_EXAMPLE = '"5e8d2c1a9f0b4-3c9d5e7f1a2b4c6d"'
_FILE = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}


def operation(one: Endpoint, names: Names, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """`names` has the reference of each model, `definitions` what they refer to."""
    found: dict[str, Any] = {
        "operationId": one.handler.__name__,
        "summary": one.summary,
        "description": _described(one),
        "tags": [tag_of(one)],
        "parameters": [*_in_path(one), *_in_query(one, definitions), *_asked(one), *_in_headers(one)],
        "responses": {**_answers(one, names, definitions), **refusals(one)},
        "security": _security(one),
    }
    if one.allow not in (PUBLIC, SIGNED_IN, KIOSK):
        found["x-permission"] = one.allow
    if one.kiosk:
        found["x-kiosk"] = "A paired kiosk may too, for its own cameras."
    body = _body(one, names, definitions)
    if body is not None:
        found["requestBody"] = body
    return found


def tag_of(one: Endpoint) -> str:
    """The first part of its address; what is not under the API's own is about the system."""
    if one.path.endswith(("/whep", "/whip", "/mjpeg")) or "{session_id}" in one.path and "{camera_id}" in one.path:
        return "live video"
    if one.path.startswith("/iclock/"):
        return "attendance"
    return one.path.split("/")[1].partition(".")[0] if one.prefix else "system"


def _described(one: Endpoint) -> str:
    said = [one.description]
    if one.allow == SIGNED_IN:
        said.append("For everybody who is signed in.")
    elif one.allow == KIOSK:
        said.append("For the kiosk's own token alone.")
    elif one.allow != PUBLIC:
        said.append(f"Needs the permission `{one.allow}`.")
    if one.own_account:
        said.append("Refused for API keys and kiosks with `needs_a_session`: it is about one's own account.")
    return "\n\n".join(said)


def _security(one: Endpoint) -> list[dict[str, list[str]]]:
    if one.allow == PUBLIC:
        return []
    if one.allow == KIOSK:
        return [{"bearer": []}]
    cookie: dict[str, list[str]] = {"session": []}
    return [{"bearer": []}, cookie if one.method in SAFE_METHODS else {**cookie, "csrf": []}]


def _in_path(one: Endpoint) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema, "example": AN_ID} for name in one.path_names
    ]


def _in_query(one: Endpoint, definitions: Mapping[str, Any]) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    schema = one.query.model_json_schema(by_alias=True)
    local = {**definitions, **schema.get("$defs", {})}
    found = []
    for name, field in schema["properties"].items():
        if name == "sort" and not one.sorts:
            continue  # a short list has one order
        plain = _without_null(field, local)
        if name == "sort":
            plain = {"type": "string", "enum": [*one.sorts, *(f"-{each}" for each in one.sorts)]}
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": plain}
        if "description" in field:
            parameter["description"] = field["description"]
        parameter["example"] = sample(plain, local, name)
        found.append(parameter)
    return found


def _asked(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "in": "query", "required": False, "description": each.description, "schema": each.schema}
        for each in one.asks
    ]


def _without_null(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """What may be left out of a query cannot be null there."""
    plain = {key: value for key, value in field.items() if key not in ("title", "anyOf", "default", "description")}
    choices = [one for one in field.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) > 1:
        plain["anyOf"] = choices
    elif choices:
        plain |= choices[0]
    if "$ref" in plain:
        plain = {**definitions[plain.pop("$ref").rpartition("/")[2]], **plain}
    if field.get("default") is not None:
        plain["default"] = field["default"]
    return plain


def _in_headers(one: Endpoint) -> list[dict[str, Any]]:
    found = []
    if one.edits:
        found.append(
            _header("If-Match", "the `ETag` of what was read: a change by somebody else is a 412", TAG_EXAMPLE)
        )
    if one.keeps:
        found.append(_header("If-None-Match", "the `ETag` of what is known; the same again is a 304", TAG_EXAMPLE))
    if one.creates:
        key = _header(IDEMPOTENCY_KEY, "drawn by the client: the same answer again for 24 h", AN_ID)
        key["schema"] = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"}
        found.append(key)
    return found


def _header(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _body(one: Endpoint, names: Names, definitions: Mapping[str, Any]) -> dict[str, Any] | None:
    if one.body is not None:
        schema = names[(one.body, "validation")]
        example = one.example if one.example is not None else sample(schema, definitions)
        content = {"application/json": {"schema": schema, "example": example}}
        return {"required": not one.body_optional, "content": content}
    if one.takes is not None:
        return {"required": True, "content": {one.takes: {"schema": {"type": "string"}}}}
    if one.uploads:
        return {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}
    return None


def _answers(one: Endpoint, names: Names, definitions: Mapping[str, Any]) -> dict[str, Any]:
    found = {str(status): {"description": f"{HTTPStatus(status).phrase}."} for status in one.raises if status < 400}
    found[str(one.status)] = _answer(one, names, definitions)
    if one.keeps or one.path.endswith(".jpg"):
        found["304"] = {"description": "Nothing has changed since that `ETag`."}
    return found


def _answer(one: Endpoint, names: Names, definitions: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": one.summary if one.status != 204 else "Done."}
    headers = _answer_headers(one)
    if headers:
        answer["headers"] = headers
    item, _ = item_of(one.answer)
    if item is not None:
        answer["content"] = {
            "application/json": _envelope(names[(item, "serialization")], _META[get_origin(one.answer)], definitions)
        }
    elif one.status != 204:
        kinds = one.gives or ("image/jpeg" if one.path.endswith(".jpg") else "text/plain",)
        answer["content"] = {kind: {"schema": {"type": "string"} if _is_text(kind) else {}} for kind in kinds}
    return answer


def _is_text(kind: str) -> bool:
    """One text, and not a stream of messages."""
    return kind == "application/sdp" or (kind.startswith("text/") and kind != "text/event-stream")


def _answer_headers(one: Endpoint) -> dict[str, Any]:
    item, is_list = item_of(one.answer)
    found: dict[str, Any] = {}
    if one.keeps or (item is not None and not is_list and "updated_at" in item.model_fields):
        found["ETag"] = {"description": "for If-Match and If-None-Match", "schema": {"type": "string"}}
    if one.status == 201 and (one.gives or (item is not None and "id" in item.model_fields)):
        found["Location"] = {"description": "the address of what was made", "schema": {"type": "string"}}
    if one.creates:
        found[REPLAYED] = {"description": "`true` on an answer that is given again", "schema": {"const": "true"}}
    return found


def _envelope(item: Mapping[str, Any], meta: _Meta | None, definitions: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "success": {"const": True},
        "data": {"type": "array", "items": item} if meta else item,
    }
    shown = sample(item, definitions)
    example: dict[str, Any] = {"success": True, "data": [shown] if meta else shown}
    if meta:
        name, example["meta"] = meta
        properties["meta"] = {"$ref": f"#/components/schemas/{name}"}
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"schema": schema, "example": example}
