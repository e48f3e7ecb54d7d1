"""What came in: bodies and queries that are wrong say where, and none of them is a crash."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b"\xff", "application/json", 400, "malformed_json"),
        (b"fullName=Ada", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b'{"fullName": ""}', "application/json", 422, "validation_failed"),
        (b'{"fullName": "Ada", "x": 1}', "application/json; charset=utf-8", 422, "validation_failed"),
    ],
)
async def test_bad_bodies_are_told_apart(
    admin: httpx.AsyncClient, body: bytes, kind: str, status: int, code: str
) -> None:
    """Malformed, of the wrong kind, or wrong in a field: three answers, none of them a crash."""
    answer = await admin.post("/api/v1/people", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("query", ["page=0", "page=1000001", "pageSize=201", "page=x", "colour=red"])
async def test_bad_queries_name_the_field(admin: httpx.AsyncClient, query: str) -> None:
    """A parameter that is out of range or unknown is named."""
    answer = await admin.get(f"/api/v1/people?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/people", {"fullName": "A\0"}),
        ("POST", "/people", {"fullName": "A", "externalIds": {"hr": "\0"}}),
        ("POST", "/people", {"fullName": "A", "externalIds": {"\0": "hr"}}),
        ("POST", "/people", ["\0"]),
        ("GET", "/people?search=%00", None),
        ("GET", "/people/%00", None),
        ("POST", "/auth/login", {"username": "a\0", "password": "b"}),
    ],
)
async def test_a_nul_character_is_refused(admin: httpx.AsyncClient, method: str, path: str, body: object) -> None:
    """PostgreSQL cannot hold one, so that it would be a crash there: malformed, wherever it stands."""
    answer = await admin.request(method, f"/api/v1{path}", json=body) if body else await admin.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "nul_character")
