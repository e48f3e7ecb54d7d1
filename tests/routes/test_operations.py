"""One operation in the description: its parameters, bodies, answers and who may."""

from typing import Any

import httpx
import pytest

from server.app import ENDPOINTS
from server.routes.endpoint import Endpoint, Query
from server.routes.openapi import document


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    found: dict[str, Any] = document(ENDPOINTS, "1")["paths"]
    return found


def headers(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation["parameters"] if one["in"] == "header"}


def test_headers_stand_where_they_count(paths: dict[str, Any]) -> None:
    """If-None-Match on reads, If-Match on edits, Idempotency-Key on creations."""
    assert headers(paths["/api/v1/people"]["get"]) == {"If-None-Match"}
    assert headers(paths["/api/v1/people"]["post"]) == {"Idempotency-Key"}
    assert headers(paths["/api/v1/people/{person_id}"]["put"]) == {"If-Match"}
    assert headers(paths["/api/v1/people/{person_id}"]["delete"]) == {"If-Match"}
    assert headers(paths["/api/v1/people/{person_id}/photos"]["post"]) == {"Idempotency-Key"}
    assert headers(paths["/api/v1/auth/login"]["post"]) == set()
    assert headers(paths["/api/v1/cameras/{camera_id}/whep"]["post"]) == set()


def test_what_may_be_left_out_of_a_query_is_not_null_there(paths: dict[str, Any]) -> None:
    """Types as they are in an address, with defaults and limits."""
    query = {one["name"]: one for one in paths["/api/v1/sightings"]["get"]["parameters"] if one["in"] == "query"}
    assert query["cameraId"]["schema"]["type"] == "string"
    assert query["from"]["schema"] == {"type": "string", "format": "date-time"}
    assert query["state"]["schema"]["enum"] == ["open", "closed"]
    assert query["pageSize"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 20}
    assert not any(one["required"] for one in query.values())


def test_who_may(paths: dict[str, Any]) -> None:
    """A bearer, or the cookie; with the cookie the page's token too for what changes something."""
    assert paths["/api/v1/people"]["get"]["security"] == [{"bearer": []}, {"session": []}]
    assert paths["/api/v1/people"]["post"]["security"] == [{"bearer": []}, {"session": [], "csrf": []}]
    assert paths["/health/live"]["get"]["security"] == []
    assert paths["/api/v1/cameras/{camera_id}"]["get"]["x-kiosk"]
    assert "`needs_a_session`" in paths["/api/v1/auth/change-password"]["post"]["description"]


def test_answers_have_their_headers(paths: dict[str, Any]) -> None:
    """Where it was made, its tag, and whether it is given again; a read may be a 304."""
    created = paths["/api/v1/people"]["post"]["responses"]["201"]["headers"]
    assert set(created) == {"Location", "ETag", "Idempotent-Replayed"}
    assert "304" in paths["/api/v1/people/{person_id}"]["get"]["responses"]
    assert "304" not in paths["/health/live"]["get"]["responses"]


def test_what_is_not_json_has_its_type(paths: dict[str, Any]) -> None:
    """Pictures, session descriptions and text; a deletion has no body."""
    picture = paths["/api/v1/people/{person_id}/portrait.jpg"]["get"]["responses"]["200"]
    assert picture["content"] == {"image/jpeg": {"schema": {}}}
    whep = paths["/api/v1/cameras/{camera_id}/whep"]["post"]
    assert set(whep["requestBody"]["content"]) == set(whep["responses"]["201"]["content"]) == {"application/sdp"}
    assert whep["tags"] == ["live video"]
    assert "content" not in paths["/api/v1/people/{person_id}"]["delete"]["responses"]["204"]


LISTS = [one for one in ENDPOINTS if one.sorts]


async def made(admin: httpx.AsyncClient, path: str, **form: object) -> str:
    """The id of a new one."""
    return str((await admin.post(f"/api/v1/{path}", json=form)).json()["data"]["id"])


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.path)
async def test_lists_are_sorted_by_what_is_described(one: Endpoint, admin: httpx.AsyncClient) -> None:
    """Each name that the description has is taken both ways, and there is no other."""
    described = document([one], "1")["paths"][one.url]["get"]["parameters"]
    (sort,) = [each for each in described if each["name"] == "sort"]
    camera = await made(admin, "cameras", name="Door", kind="push", enabled=False)
    person = await made(admin, "people", fullName="Ada")
    said = {"personId": person, "at": "2026-01-05T08:00:00Z", "direction": "in", "reason": "By the book."}
    entry = await made(admin, "attendance/entries", **said)
    terminal = await made(admin, "attendance/terminals", serialNumber="OID7", name="Gate")
    hook = await made(admin, "webhooks", name="Pay", url="https://8.8.8.8/", types=["alert.raised"])
    to = ["a@example.com"]
    report = await made(admin, "reports", name="Week", recipients=to, frequency="daily", time="07:30")
    url = one.url.format(
        camera_id=camera, person_id=person, entry_id=entry, terminal_id=terminal, webhook_id=hook, report_id=report
    )  # fmt: skip
    for name in sort["schema"]["enum"]:
        assert (await admin.get(url, params={"sort": name})).status_code == 200, name
    refused = await admin.get(url, params={"sort": "shoeSize"})
    assert refused.json()["error"]["code"] == "unknown_sort"
    known = refused.json()["error"]["message"].removesuffix(".").rpartition(" by ")[2].split(", ")
    assert set(known) == set(one.sorts)


async def test_a_list_that_is_not_sorted_does_not_say_so(paths: dict[str, Any]) -> None:
    """A short one has one order."""
    photos = paths["/api/v1/people/{person_id}/photos"]["get"]["parameters"]
    assert {each["name"] for each in photos if each["in"] == "query"} == {"page", "pageSize"}
    assert {one.url for one in ENDPOINTS if one.query and issubclass(one.query, Query)} >= {one.url for one in LISTS}
