"""Typed endpoints: who may, what came in, and the envelope of what goes out."""

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from server.access.permissions import ALL
from server.app import ENDPOINTS
from server.parts import Parts
from server.routes.endpoint import PUBLIC, SIGNED_IN, Endpoint

NOT_PUBLIC = [one for one in ENDPOINTS if one.allow != PUBLIC]


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


def path_of(one: Endpoint) -> str:
    path = one.prefix + one.path
    for name in one.path_names:
        path = path.replace(f"{{{name}}}", "00000000-0000-7000-8000-000000000000")
    return path


@pytest.mark.parametrize("one", ENDPOINTS, ids=named)
def test_every_endpoint_has_a_rule_and_a_summary(one: Endpoint) -> None:
    """A rule is a permission that exists, or one of the two words; a summary is a sentence."""
    assert one.allow in ALL | {PUBLIC, SIGNED_IN}
    assert one.summary.endswith(".")


async def test_nobody_gets_in_without_signing_in(anyone: httpx.AsyncClient) -> None:
    """Every endpoint that is not public answers 401 in the envelope, before anything else."""
    for one in NOT_PUBLIC:
        answer = await anyone.request(one.method, path_of(one))
        assert answer.status_code == 401, named(one)
        assert answer.json()["error"]["code"] == "not_authenticated"
        assert answer.json()["error"]["requestId"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_permissions_hold_on_every_endpoint(viewer: httpx.AsyncClient) -> None:
    """A Viewer gets 403 exactly where the rule asks for a permission that a Viewer lacks."""
    me = (await viewer.get("/api/v1/auth/me")).json()["data"]
    for one in NOT_PUBLIC:
        if one.path.startswith("/auth/logout"):
            continue
        answer = await viewer.request(one.method, path_of(one))
        refused = answer.status_code == 403 and answer.json()["error"]["code"] == "forbidden"
        assert refused == (one.allow != SIGNED_IN and one.allow not in me["permissions"]), named(one)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"fullName=Ada", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b'{"fullName": ""}', "application/json", 422, "validation_failed"),
        (b'{"fullName": "Ada", "x": 1}', "application/json", 422, "validation_failed"),
    ],
)
async def test_bad_bodies_are_told_apart(
    admin: httpx.AsyncClient, body: bytes, kind: str, status: int, code: str
) -> None:
    """Malformed, of the wrong kind, or wrong in a field: three answers, none of them a crash."""
    answer = await admin.post("/api/v1/people", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("query", ["page=0", "pageSize=201", "page=x", "colour=red"])
async def test_bad_queries_name_the_field(admin: httpx.AsyncClient, query: str) -> None:
    """A parameter that is out of range or unknown is named."""
    answer = await admin.get(f"/api/v1/people?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == query.partition("=")[0]


async def test_lists_page_sort_and_search(admin: httpx.AsyncClient) -> None:
    """`meta` says how many there are in all; sorting goes both ways; an unknown key is refused."""
    for name in ("Cleo", "Ada", "Bea"):
        assert (await admin.post("/api/v1/people", json={"fullName": name})).status_code == 201
    page = (await admin.get("/api/v1/people?sort=-fullName&pageSize=2")).json()
    assert [person["fullName"] for person in page["data"]] == ["Cleo", "Bea"]
    assert page["meta"] == {"page": 1, "pageSize": 2, "total": 3}
    assert (await admin.get("/api/v1/people?search=ad")).json()["meta"]["total"] == 1
    assert (await admin.get("/api/v1/people?sort=shoeSize")).status_code == 400


async def test_if_match_refuses_a_lost_update(admin: httpx.AsyncClient) -> None:
    """Who edits with the ETag of an older read gets 412; without If-Match the edit passes."""
    made = await admin.post("/api/v1/people", json={"fullName": "Ada"})
    url, tag = f"/api/v1/people/{made.json()['data']['id']}", made.headers["ETag"]
    first = await admin.put(url, json={"fullName": "Ada L."}, headers={"If-Match": tag})
    assert first.status_code == 200
    second = await admin.put(url, json={"fullName": "Ada X."}, headers={"If-Match": tag})
    assert (second.status_code, second.json()["error"]["code"]) == (412, "edited_meanwhile")
    assert (await admin.put(url, json={"fullName": "Ada Y."})).status_code == 200


async def test_a_wrong_authorization_is_401(anyone: httpx.AsyncClient) -> None:
    """Another scheme, nothing after Bearer, or a token that is none."""
    for value in ("Basic YTpi", "Bearer", "Bearer x.y.z"):
        answer = await anyone.get("/api/v1/auth/me", headers={"Authorization": value})
        assert answer.status_code == 401, value


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/people", {"fullName": "A\0"}),
        ("POST", "/people", {"fullName": "A", "externalIds": {"hr": "\0"}}),
        ("GET", "/people?search=%00", None),
        ("GET", "/people/%00", None),
        ("POST", "/auth/login", {"username": "a\0", "password": "b"}),
    ],
)
async def test_a_nul_character_is_refused(admin: httpx.AsyncClient, method: str, path: str, body: object) -> None:
    """PostgreSQL cannot hold one, so that it would be a crash there: malformed, wherever it stands."""
    answer = await admin.request(method, f"/api/v1{path}", json=body) if body else await admin.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "nul_character")


async def test_times_at_the_ends_of_the_calendar(admin: httpx.AsyncClient) -> None:
    """A time that has no place in UTC's calendar any more is its first or last moment."""
    for query in ("from=0001-01-01T00:00:00%2B05:00", "to=9999-12-31T23:59:59-05:00"):
        assert (await admin.get(f"/api/v1/sightings?{query}")).status_code == 200


async def test_a_database_that_is_away_is_503(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Come back later, in the envelope; no crash, no traceback."""

    def away(_self: object) -> object:
        raise OperationalError("SELECT", {}, OSError("connection refused"))

    monkeypatch.setattr(type(parts.store), "read", away)
    answer = await admin.get("/api/v1/people")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
