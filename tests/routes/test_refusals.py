"""Which errors an endpoint is described with: what follows from its kind, and what it adds."""

import pytest

from server.errors import NotFound
from server.routes.call import Call, Query
from server.routes.endpoint import PUBLIC, Endpoint, endpoint
from server.routes.refusals import MEANINGS, answer, components, refusals, statuses
from server.routes.responses import STATUS, Page
from server.wire import Form, Time, Wire


class Lamp(Wire):
    id: str
    updated_at: Time


class LampForm(Form):
    name: str


@endpoint("GET", "/lamps", allow="cameras:read")
async def list_lamps(call: Call, query: Query) -> Page[Lamp]:
    """The lamps."""
    raise NotFound("none")


@endpoint("POST", "/lamps", allow="cameras:write", status=201)
async def create_lamp(call: Call, body: LampForm) -> Lamp:
    """A new lamp."""
    raise NotFound("none")


@endpoint("PUT", "/lamps/{lamp_id}", allow="cameras:write", raises=(302, 418))
async def edit_lamp(call: Call, lamp_id: str, body: LampForm) -> Lamp:
    """Changes a lamp."""
    raise NotFound("none")


@endpoint("DELETE", "/lamps/{lamp_id}", allow="cameras:write", status=204)
async def delete_lamp(call: Call, lamp_id: str) -> None:
    """Removes a lamp."""


@endpoint("GET", "/lamps/state", allow=PUBLIC)
async def lamps_state(call: Call) -> Lamp:
    """For everybody."""
    raise NotFound("none")


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (list_lamps, (400, 401, 403, 422, 503)),
        (create_lamp, (400, 401, 403, 409, 413, 415, 422, 503)),
        (edit_lamp, (400, 401, 403, 404, 409, 412, 413, 415, 418, 422, 503)),
        (delete_lamp, (400, 401, 403, 404, 412, 503)),
        (lamps_state, (503,)),
    ],
    ids=["list", "create", "edit", "delete", "public"],
)
def test_errors_follow_from_the_kind(one: Endpoint, wanted: tuple[int, ...]) -> None:
    """Rule, path, query, body, If-Match and Idempotency-Key each bring their own."""
    assert statuses(one) == wanted
    assert set(refusals(one)) == {str(status) for status in wanted} | {"default"}


def test_what_is_missing_is_named() -> None:
    """The code of a 404 is that of the last thing in the address."""
    example = refusals(edit_lamp)["404"]["content"]["application/json"]["example"]
    assert example["error"]["code"] == "lamp_not_found"


def test_a_status_without_a_meaning_has_its_phrase() -> None:
    """An endpoint may answer what no other does."""
    teapot = refusals(edit_lamp)["418"]
    assert teapot["description"] == "I'm a Teapot."
    assert teapot["content"]["application/json"]["example"]["error"]["code"]


def test_every_status_of_the_error_tree_has_a_meaning() -> None:
    """And each is a component that operations refer to."""
    assert set(STATUS.values()) <= set(MEANINGS)
    assert len(components()) == len(MEANINGS)
    assert "Retry-After" in answer(429)["headers"]
