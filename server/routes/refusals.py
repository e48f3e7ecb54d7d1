"""What an endpoint may refuse with: the statuses that follow from its kind, each with an example."""

from http import HTTPStatus
from typing import Any

from server.routes.endpoint import PUBLIC, Endpoint
from server.routes.plausible import AN_ID

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "The envelope of every error. `code` is stable; `message` is for people.",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "requestId"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "requestId": {"type": ["string", "null"], "description": "the log has more under this id"},
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
# By status: what it means here, and an example's code and message.
MEANINGS: dict[int, tuple[str, str, str]] = {
    400: ("Malformed.", "malformed_json", "The body is not JSON: unexpected end of data."),
    401: ("Nobody is signed in, or the session has ended.", "not_authenticated", "Sign in first."),
    403: ("Signed in, but without the permission.", "forbidden", "This needs the permission cameras:write."),
    404: ("There is none with that id.", "not_found", "Not found."),
    409: ("Already there, or in a state that does not allow it.", "conflict", "There is one of that name already."),
    412: (
        "Somebody else changed it since it was read with this `If-Match`.", "edited_meanwhile",
        "Somebody else changed this meanwhile. Load it again and repeat your change.",
    ),
    413: ("The body is too large.", "too_large", "The body is larger than 16 MB."),
    415: ("The body is of another media type.", "unsupported_media_type", "Send the body as application/json."),
    416: ("The part that was asked for is not there.", "range_not_satisfiable", "There are only 1024 bytes."),
    422: ("Understood, but wrong; `details` name the fields.", "validation_failed", "Check these fields: name."),
    429: (
        "Too often. Come back after the seconds in `Retry-After`.", "too_many_requests",
        "Too many attempts. Try again in 60 s.",
    ),
    500: ("An error that is ours. Its request id is in the log.", "internal_error", "Something went wrong here."),
    503: (
        "Not ready, or the camera is offline. It may be asked again.", "database_unavailable",
        "The database does not answer. Try again in a moment.",
    ),
}  # fmt: skip
RETRY_AFTER = {"description": "after so many seconds", "schema": {"type": "integer", "minimum": 0}, "example": 60}


def statuses(one: Endpoint) -> tuple[int, ...]:
    """In order; every endpoint may also fail with 500, which is the document's `default`."""
    found = {503, *one.raises}
    if one.allow != PUBLIC:
        found |= {401, 403}
    if one.path_names:
        found |= {400, 404}  # 400: a NUL character
    if one.query is not None:
        found |= {400, 422}
    if one.body is not None or one.uploads:
        found |= {400, 413, 415, 422}
    if one.takes is not None:
        found |= {400, 413, 415}
    if one.edits:
        found |= {409, 412} if one.body is not None else {412}
    if one.creates:
        found |= {400, 409, 422}
    return tuple(sorted(status for status in found if status >= 400))


def refusals(one: Endpoint) -> dict[str, Any]:
    """The answers of an operation that are errors."""
    found: dict[str, Any] = {str(status): _referred(status) for status in statuses(one)}
    if one.path_names:
        noun = one.path_names[-1].removesuffix("_id").replace("_", " ")
        found["404"] = answer(404, f"{noun.replace(' ', '_')}_not_found", f"No {noun} with that id.")
    return {**found, "default": _referred(500)}


def components() -> dict[str, Any]:
    """The errors that operations refer to."""
    return {component(status): answer(status) for status in MEANINGS}


def _referred(status: int) -> dict[str, Any]:
    if status not in MEANINGS:
        phrase = HTTPStatus(status).phrase
        return answer(status, phrase.lower().replace(" ", "_"), f"{phrase}.")
    return {"$ref": f"#/components/responses/{component(status)}"}


def component(status: int) -> str:
    """Its name, such as NotFound."""
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def answer(status: int, code: str | None = None, message: str | None = None) -> dict[str, Any]:
    """One error, with its example."""
    meaning, usual_code, usual_message = MEANINGS.get(status, (f"{HTTPStatus(status).phrase}.", "", ""))
    error: dict[str, Any] = {"code": code or usual_code, "message": message or usual_message, "requestId": AN_ID}
    if status == 422:
        error["details"] = [{"field": "name", "code": "missing", "message": "Field required"}]
    found: dict[str, Any] = {
        "description": meaning,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {"success": False, "error": error},
            }
        },
    }
    if status in (409, 429, 503):
        found["headers"] = {"Retry-After": RETRY_AFTER}
    return found
