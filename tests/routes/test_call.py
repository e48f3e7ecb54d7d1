"""A call: who the audit says that it was, and whether a row is still as it was read."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from starlette.requests import Request

from server.access.principal import Principal
from server.errors import EditedMeanwhile, NotAuthenticated
from server.parts import Parts
from server.routes.call import Call, etag

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)


def call(principal: Principal | None = None, query: str = "", **headers: str) -> Call:
    scope = {
        "type": "http",
        "method": "PUT",
        "path": "/",
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.17", 5000),
        "request_id": "request-one",
    }
    return Call(Request(scope), cast(Parts, None), principal)


def principal(**kwargs: object) -> Principal:
    usual: dict[str, object] = {
        "user_id": "u1", "email": "ada@example.com", "full_name": "Ada", "role": "Admin", "permissions": frozenset(),
        "session_id": "s1", "expires_at": None,
    }  # fmt: skip
    return Principal(**(usual | kwargs))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "kind", "own_id", "name"),
    [
        (None, "nobody", None, ""),
        (principal(), "user", "u1", "ada@example.com"),
        (principal(session_id=None, key_id="k1"), "key", "k1", "ada@example.com"),
        (principal(session_id=None, kiosk_id="d1", email="", full_name="Door"), "kiosk", "d1", "Door"),
    ],
)
def test_an_actor_has_a_name_and_a_place(who: Principal | None, kind: str, own_id: str | None, name: str) -> None:
    """A user and a key by the e-mail address, a kiosk by its name; from where, with what, in which request."""
    actor = call(who, User_Agent="curl/8 " + "x" * 500).actor
    assert (actor.kind, actor.id, actor.name) == (kind, own_id, name)
    assert (actor.address, actor.request_id) == ("192.0.2.17", "request-one")
    assert actor.user_agent.startswith("curl/8")
    assert len(actor.user_agent) == 400


def test_nobody_is_not_authenticated() -> None:
    """Whoever asks for the principal of a public call gets a 401."""
    with pytest.raises(NotAuthenticated):
        _ = call().who


@pytest.mark.parametrize("given", ["", "*", "TAG", "W/TAG", '"0", TAG', "SHOWN", "W/SHOWN"])
def test_a_row_that_is_unchanged_passes(given: str) -> None:
    """No condition, any row, its tag alone or among others, weakened on the way, or with what was shown of it."""
    tags = given.replace("TAG", etag(AT)).replace("SHOWN", etag(AT, "cafe"))
    one = call(If_Match=tags) if given else call()
    one.unchanged(AT)


@pytest.mark.parametrize("given", ['"0"', etag(AT + timedelta(microseconds=1)), etag(AT, "cafe")[1:], "nonsense", ""])
def test_a_row_that_was_changed_is_refused(given: str) -> None:
    """Another tag, or something that is none."""
    with pytest.raises(EditedMeanwhile):
        call(If_Match=given).check_unchanged(AT)
