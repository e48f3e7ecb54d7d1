"""Roles and permissions over HTTP."""

import httpx

from server.access.permissions import ALL
from server.parts import Parts
from tests.opened import PASSWORD, client_of
from tests.routes.test_users import counted

ROLES = "/api/v1/roles"
DESK = {"name": "Desk", "permissions": ["people:read", "attendance:read"]}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def make(admin: httpx.AsyncClient) -> str:
    answer = await admin.post(ROLES, json=DESK)
    assert answer.status_code == 201, answer.text
    return f"{ROLES}/{answer.json()['data']['id']}"


async def test_a_role_comes_changes_and_goes(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Whoever has it may do at once what it says; it stays while somebody has it."""
    url = await make(admin)
    form = {"email": "desk@example.com", "fullName": "D", "role": "Desk", "password": PASSWORD}
    user = (await admin.post("/api/v1/users", json=form)).json()["data"]
    async with client_of(parts, "Desk") as desk:
        assert (await desk.get("/api/v1/people")).status_code == 200
        assert (await desk.get("/api/v1/kiosks")).status_code == 403
        changed = await admin.put(url, json=DESK | {"permissions": ["kiosks:read"]})
        assert (changed.json()["data"]["permissions"], changed.json()["data"]["users"]) == (["kiosks:read"], 1)
        assert (await desk.get("/api/v1/people")).status_code == 403
        assert (await desk.get("/api/v1/kiosks")).status_code == 200
    assert code(await admin.delete(url)) == (409, "role_in_use")
    assert (await admin.delete(f"/api/v1/users/{user['id']}")).status_code == 204
    assert (await admin.delete(url)).status_code == 204
    assert code(await admin.get(url)) == (404, "role_not_found")


async def test_a_list_costs_the_same_for_few_and_for_many(parts: Parts, admin: httpx.AsyncClient) -> None:
    """How many have a role comes with the roles: one query for the rows and at most one to count them."""
    for number in range(12):
        await parts.access.roles.create(f"R{number:02}", [])

    async def cost(size: int) -> int:
        with counted(parts) as statements:
            assert len((await admin.get(ROLES, params={"pageSize": size})).json()["data"]) == size
        return len(statements)

    await cost(1)  # who asks is known from here on
    assert (await cost(2), await cost(12)) == (2, 2)


async def test_built_in_roles_stay(admin: httpx.AsyncClient) -> None:
    """Listed with how many have them, and neither changed nor removed."""
    found = (await admin.get(ROLES, params={"builtin": "true"})).json()
    assert [(row["name"], row["users"]) for row in found["data"]] == [("Admin", 1), ("Operator", 1), ("Viewer", 1)]
    url = f"{ROLES}/{found['data'][0]['id']}"
    assert code(await admin.put(url, json=DESK)) == (409, "builtin_role")
    assert code(await admin.delete(url)) == (409, "builtin_role")


async def test_what_cannot_be(admin: httpx.AsyncClient) -> None:
    """A permission that there is not is named; a name is taken once; a lost update is refused."""
    url = await make(admin)
    refused = await admin.post(ROLES, json={"name": "X", "permissions": ["people:read", "people:fly"]})
    assert code(refused) == (422, "validation_failed")
    [detail] = refused.json()["error"]["details"]
    assert (detail["field"], detail["code"]) == ("permissions.1", "unknown_permission")
    assert "people:fly" in detail["message"]
    assert code(await admin.post(ROLES, json=DESK)) == (409, "role_name_taken")
    tag = (await admin.get(url)).headers["ETag"]
    assert (await admin.put(url, json=DESK | {"name": "Door"}, headers={"If-Match": tag})).status_code == 200
    for answer in (
        await admin.put(url, json=DESK, headers={"If-Match": tag}),
        await admin.delete(url, headers={"If-Match": tag}),
    ):
        assert code(answer) == (412, "edited_meanwhile")


async def test_permissions_are_described(admin: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    """All of them on one page, by name, with words to search in."""
    found = (await admin.get("/api/v1/permissions")).json()
    assert [row["name"] for row in found["data"]] == sorted(ALL)
    assert found["meta"]["total"] == len(ALL)
    assert all(row["description"] and row["name"] == f"{row['resource']}:{row['action']}" for row in found["data"])
    first = (await admin.get("/api/v1/permissions", params={"sort": "-name", "pageSize": 1})).json()["data"]
    assert first[0]["name"] == max(ALL)
    audit = (await admin.get("/api/v1/permissions", params={"search": "WHO did"})).json()["data"]
    assert [row["name"] for row in audit] == ["audit:read"]
    assert code(await admin.get("/api/v1/permissions", params={"sort": "colour"})) == (400, "unknown_sort")
    assert (await viewer.get("/api/v1/permissions")).status_code == 403
