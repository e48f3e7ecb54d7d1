"""OpenAPI 3.1, made from the endpoints' own types: what is not an endpoint is not in it, and the other way round."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.routes.endpoint import SESSION_COOKIE, Endpoint, item_of
from server.routes.identify import CSRF_HEADER
from server.routes.operations import META, operation
from server.routes.refusals import ERROR_SCHEMA, components

_REF = "#/components/schemas/{model}"
TAGS = {
    "auth": "Signing in and out, one's own account, its sessions and second factor.",
    "setup": "The first administrator, once.",
    "users": "The accounts of people who may sign in.",
    "roles": "What a role may do. Admin, Operator and Viewer are built in.",
    "permissions": "Every permission that there is.",
    "api-keys": "Keys with which programs come in.",
    "cameras": "Cameras, their states and newest pictures.",
    "live video": "WHEP to watch, WHIP to publish, and plain pictures where WebRTC is blocked.",
    "people": "Who is recognised, and their photos.",
    "erasures": "The receipts of what was erased of somebody.",
    "departments": "What people belong to.",
    "sightings": "Who was seen where, with the pictures of it.",
    "clips": "Short films around sightings, of cameras that keep them.",
    "attendance": "Check-ins and check-outs, their corrections, and the days that they make.",
    "sites": "Places with a time zone of their own.",
    "shifts": "When people are expected, and what counts by which rules.",
    "schedules": "Who works which shift, on which dates.",
    "holidays": "Days on which nobody is expected.",
    "leave": "Who is away by arrangement.",
    "kiosks": "The screens at the doors.",
    "alerts": "What somebody should look at.",
    "webhooks": "Which other systems are told what, and every try of it.",
    "reports": "What is mailed by a schedule, every mail of it, and whether mail can be sent.",
    "jobs": "Work that goes on in the background.",
    "settings": "Settings that take effect without a restart.",
    "audit": "Who did what, chained so that a removed row shows.",
    "objects": "Stored files behind signed links.",
    "system": "For machines that watch this one, and the descriptions of the API.",
}
DESCRIPTION = f"""\
Faces at cameras become sightings, and sightings become attendance.

**Signing in.** `POST /api/v1/auth/login` answers an access token, good for `expiresIn` seconds, and a refresh token.
Send `Authorization: Bearer …` with the access token, or with an API key; `POST /api/v1/auth/refresh` answers new
tokens for the refresh token, which is spent by that. A browser may use the session cookie that the login sets as well;
what changes something then carries the page's `{CSRF_HEADER}`.

**Envelope.** JSON in camelCase. `{{"success": true, "data": …}}`, or `{{"success": false, "error": {{"code", "message",
"details", "requestId"}}}}`: codes are stable, messages are for people. A deletion answers 204 without a body.

**Lists** take `page` (from 1), `pageSize` (1 to 200), `search`, and `sort`: a field's name, with `-` before it for the
other direction. Their `meta` is `{{"page", "pageSize", "total"}}`. A parameter that is not known is refused by name.

**Times** are RFC 3339 in UTC, **ids** are UUIDv7. Objects have `createdAt` and `updatedAt`.

**Asking again.** What is read has an `ETag`: with `If-None-Match` the same again is a 304. Edits with `If-Match` are
refused with 412 when somebody else was faster. Creations with an `Idempotency-Key` are answered the same again for
24 h, with `Idempotent-Replayed: true`.

**Too often** is a 429, not ready a 503; `Retry-After` says after how many seconds to come back. `X-Request-ID` of a
request (8 to 64 letters, digits, `.`, `_`, `-`) is used as its id in the answer and in the log.

**News** come over the WebSocket `/ws`, described in `/asyncapi.json`.
"""


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document, plain JSON."""
    names, definitions = _models(endpoints)
    paths: dict[str, Any] = {}
    for one in endpoints:
        paths.setdefault(one.url, {})[one.method.lower()] = operation(one, names, definitions)
    used = {tag for methods in paths.values() for one in methods.values() for tag in one["tags"]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "this server"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": definitions | {"Error": ERROR_SCHEMA, "Meta": META},
            "responses": components(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an access token, an API key, or a kiosk's token",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": SESSION_COOKIE,
                    "description": "the browser's session, set by the login",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": CSRF_HEADER,
                    "description": "from the page, with the cookie, on what changes something",
                },
            },
        },
    }


def _models(endpoints: Sequence[Endpoint]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The reference of each model that comes in or goes out, and what they refer to."""
    models: dict[tuple[type[BaseModel], Any], None] = {}
    for one in endpoints:
        if one.body is not None:
            models[(one.body, "validation")] = None
        item, _ = item_of(one.answer)
        if item is not None:
            models[(item, "serialization")] = None
    names, schemas = models_json_schema(list(models), by_alias=True, ref_template=_REF)
    definitions: dict[str, Any] = schemas.get("$defs", {})
    for definition in definitions.values():
        for field in definition.get("properties", {}).values():
            field.pop("title", None)  # the name once more, in other letters
            if field.get("default") == "" and field.get("minLength"):
                del field["default"]  # stands for what was left out, and could not be sent
    return dict(names), definitions
