"""Departments over HTTP: made, renamed, removed, and left alone by those who are limited to some."""

import httpx

from server.parts import Parts
from tests.routes.limited import build, limited_client, refused

URL = "/api/v1/departments"


async def test_the_usual(admin: httpx.AsyncClient) -> None:
    """A name is there once; the people of one that is removed stay."""
    night = (await admin.post(URL, json={"name": "Night"})).json()["data"]
    day = (await admin.post(URL, json={"name": "Day"})).json()["data"]
    ada = (await admin.post("/api/v1/people", json={"fullName": "Ada", "departmentId": night["id"]})).json()["data"]
    clash = await admin.put(f"{URL}/{day['id']}", json={"name": "Night"})
    assert (clash.status_code, clash.json()["error"]["code"]) == (409, "department_name_taken")
    assert (await admin.put(f"{URL}/{day['id']}", json={"name": "Late"})).json()["data"]["name"] == "Late"
    assert (await admin.get(f"{URL}/{day['id']}")).json()["data"]["name"] == "Late"
    assert (await admin.delete(f"{URL}/{night['id']}")).status_code == 204
    assert [one["name"] for one in (await admin.get(URL)).json()["data"]] == ["Late"]
    assert (await admin.get(f"/api/v1/people/{ada['id']}")).json()["data"]["departmentId"] is None
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        answer = await admin.request(method, f"{URL}/{night['id']}", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "department_not_found")


async def test_who_is_limited_sees_their_own(parts: Parts) -> None:
    """And changes none: others belong to it too."""
    house = await build(parts)
    async with limited_client(parts, departments=[house.night]) as client:
        assert (await client.get(f"{URL}/{house.night.id}")).json()["data"]["name"] == house.night.name
        assert await refused(await client.get(f"{URL}/{house.day.id}")) == (404, "department_not_found")
        for method, body in (("PUT", {"name": "x"}), ("DELETE", None)):
            answer = await client.request(method, f"{URL}/{house.night.id}", json=body)
            assert await refused(answer) == (403, "limited")
