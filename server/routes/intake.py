"""What came in, as its class: JSON and queries, or an error that names the field."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from server.errors import BadRequest, Invalid, UnsupportedMedia
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


@asynccontextmanager
async def form_of(
    request: Request, what: str, file_is: str | None = None
) -> AsyncGenerator[tuple[FormData, UploadFile]]:
    """A multipart form and the file in its field `file`, as long as it is open; `what` it is, for the errors.

    Raises UnsupportedMedia, BadRequest (malformed_form), or Invalid without a file.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia(f"Send the {what} as multipart/form-data, in the field file.")
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid.field("file", "missing", f"Send the {file_is or what} in the field file.")
            yield form, file
    except HTTPException as error:
        raise BadRequest(f"The form cannot be read: {error.detail}", code="malformed_form") from None
