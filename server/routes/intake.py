"""What came in, as its class: JSON and queries, or an error that names the field."""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from server.errors import BadRequest, UnsupportedMedia
from server.routes.responses import invalid_from

Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], content: Any) -> Model:
    """Raises BadRequest or Invalid."""
    refuse_nul(content)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise invalid_from(error) from None


async def json_of(request: Request) -> Any:
    """The body as plain JSON values; raises UnsupportedMedia or BadRequest."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMedia("Send the body as application/json.")
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: {error}.", code="malformed_json") from None


def refuse_nul(content: Any) -> None:
    """Raises BadRequest for a NUL character in any string: not every database can hold or compare one."""
    rest = [content]
    while rest:
        one = rest.pop()
        if isinstance(one, str) and "\0" in one:
            raise BadRequest("Text cannot contain a NUL character.", code="nul_character")
        if isinstance(one, dict):
            rest += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            rest += one
