"""Users over HTTP: kept by administrators, with nobody's word reaching further than their own permissions."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import event

from server.parts import Parts
from server.store import users
from server.store.tables import User
from tests.opened import PASSWORD, client_of

VERA = {"email": "Vera@Example.com", "fullName": "Vera", "role": "Viewer", "active": True}
NEW_PASSWORD = "seven grey herons"
USERS = "/api/v1/users"


async def make(admin: httpx.AsyncClient, **change: object) -> dict[str, object]:
    answer = await admin.post(USERS, json=VERA | {"password": PASSWORD} | change)
    assert answer.status_code == 201, answer.text
    data: dict[str, object] = answer.json()["data"]
    return data


async def id_of(admin: httpx.AsyncClient, email: str) -> str:
    found = (await admin.get(USERS, params={"search": email})).json()["data"]
    return str(found[0]["id"])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@contextmanager
def counted(parts: Parts) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(parts.store.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(parts.store.engine.sync_engine, "before_cursor_execute", note)


async def test_a_user_comes_changes_and_goes(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Made with a password, changed as a whole, removed with their sessions; what they did stays told."""
    made = await make(admin)
    assert (made["email"], made["role"], made["cameraIds"]) == ("vera@example.com", "Viewer", None)
    assert not [name for name in made if "password" in name.lower() and name != "mustChangePassword"]
    url = f"{USERS}/{made['id']}"
    token = (await parts.access.login("vera@example.com", PASSWORD)).access_token
    bearer = {"Authorization": f"Bearer {token}"}
    changed = await admin.put(url, json=VERA | {"fullName": "Vera V.", "role": "Operator"})
    assert (changed.json()["data"]["fullName"], changed.json()["data"]["role"]) == ("Vera V.", "Operator")
    me = (await admin.get("/api/v1/auth/me", headers=bearer)).json()["data"]
    assert "people:write" in me["permissions"], "at once"
    assert (await admin.delete(url)).status_code == 204
    assert code(await admin.get(url)) == (404, "user_not_found")
    assert (await admin.get("/api/v1/auth/me", headers=bearer)).status_code == 401
    told = (await admin.get("/api/v1/audit", params={"resourceId": str(made["id"])})).json()["data"]
    assert [row["action"] for row in told] == ["user.removed", "user.changed", "user.created"]
    assert told[0]["before"]["email"] == "vera@example.com"
    assert told[0]["actor"]["name"] == "admin@example.com"
    assert told[0]["requestId"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"role": "King"}, "role"),
        ({"password": "short"}, "password"),
        ({"fullName": ""}, "fullName"),
        ({"active": "perhaps"}, "active"),
        ({"cameraIds": ["nowhere"]}, "cameraIds.0"),
        ({"departmentIds": ["nowhere"]}, "departmentIds.0"),
        ({"permissions": []}, "permissions"),
    ],
)
async def test_what_cannot_be_names_the_field(admin: httpx.AsyncClient, change: dict[str, object], field: str) -> None:
    """And nothing is made."""
    answer = await admin.post(USERS, json=VERA | {"password": PASSWORD} | change)
    assert code(answer) == (422, "validation_failed")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert (await admin.get(USERS)).json()["meta"]["total"] == 3


async def test_an_address_is_taken_once(admin: httpx.AsyncClient) -> None:
    """However it is written."""
    await make(admin)
    answer = await admin.post(USERS, json=VERA | {"email": "VERA@example.com", "password": PASSWORD})
    assert code(answer) == (409, "email_taken")


async def test_lists_filter_search_and_sort(admin: httpx.AsyncClient) -> None:
    """In the database, with how many there are in all."""
    await make(admin, active=False)

    async def emails(**asked: object) -> list[str]:
        answer = await admin.get(USERS, params={name: str(value) for name, value in asked.items()})
        return [row["email"].partition("@")[0] for row in answer.json()["data"]]

    assert await emails() == ["admin", "operator", "vera", "viewer"]
    assert await emails(sort="-email", pageSize=2) == ["viewer", "vera"]
    assert await emails(role="Viewer") == ["vera", "viewer"]
    assert await emails(active="false") == ["vera"]
    assert await emails(search="oper ONE") == ["operator"]
    answer = await admin.get(USERS, params={"sort": "password"})
    assert code(answer) == (400, "unknown_sort")


async def test_a_list_costs_the_same_for_few_and_for_many(parts: Parts, admin: httpx.AsyncClient) -> None:
    """One query for the rows and at most one to count, whatever their number."""
    await admin.get(USERS)  # who asks is known from here on

    async def cost(size: int) -> int:
        with counted(parts) as statements:
            answer = await admin.get(USERS, params={"pageSize": size})
        assert len(answer.json()["data"]) == size
        return len([statement for statement in statements if statement.lstrip().upper().startswith("SELECT")])

    async with parts.store.transaction() as session:
        role = await users.get_role(session, "Viewer")
        session.add_all(
            User(email=f"u{number}@example.com", full_name="U", password_hash="x", role_id=role.id)
            for number in range(60)
        )
    few, many = await cost(5), await cost(50)
    assert few == many == 2


async def test_a_lost_update_is_refused(admin: httpx.AsyncClient) -> None:
    """With the tag of a read that is no longer true; without a tag the edit counts."""
    url = f"{USERS}/{(await make(admin))['id']}"
    tag = (await admin.get(url)).headers["ETag"]
    assert (await admin.put(url, json=VERA | {"fullName": "First"}, headers={"If-Match": tag})).status_code == 200
    for refused in (
        await admin.put(url, json=VERA | {"fullName": "Second"}, headers={"If-Match": tag}),
        await admin.patch(f"{url}/password", json={"newPassword": NEW_PASSWORD}, headers={"If-Match": tag}),
        await admin.delete(url, headers={"If-Match": tag}),
    ):
        assert code(refused) == (412, "edited_meanwhile")
    assert (await admin.get(url)).json()["data"]["fullName"] == "First"
    assert (await admin.put(url, json=VERA)).status_code == 200


async def test_a_password_set_by_an_administrator_is_for_one_login(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Everywhere signed out; then nothing else is open before a password of one's own."""
    made = await make(admin)
    old = (await parts.access.login("vera@example.com", PASSWORD)).access_token
    url = f"{USERS}/{made['id']}/password"
    assert (await admin.patch(url, json={"newPassword": "short"})).status_code == 422
    assert (await admin.patch(url, json={"newPassword": NEW_PASSWORD})).status_code == 204
    assert (await admin.get(USERS, headers={"Authorization": f"Bearer {old}"})).status_code == 401
    token = (await parts.access.login("vera@example.com", NEW_PASSWORD)).access_token
    bearer = {"Authorization": f"Bearer {token}"}
    assert code(await admin.get("/api/v1/cameras", headers=bearer)) == (403, "password_change_required")
    change = {"currentPassword": NEW_PASSWORD, "newPassword": "another blue heron"}
    assert (await admin.post("/api/v1/auth/change-password", json=change, headers=bearer)).status_code < 300
    token = (await parts.access.login("vera@example.com", "another blue heron")).access_token
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await admin.get("/api/v1/cameras", headers=bearer)).status_code == 200


async def test_ones_own_account(admin: httpx.AsyncClient) -> None:
    """Is not removed, nor its password set without the current one."""
    url = f"{USERS}/{await id_of(admin, 'admin@')}"
    assert code(await admin.delete(url)) == (409, "own_account")
    assert code(await admin.patch(f"{url}/password", json={"newPassword": NEW_PASSWORD})) == (409, "own_account")


async def test_the_last_administrator_stays(admin: httpx.AsyncClient) -> None:
    """Neither disabled nor made something else."""
    url = f"{USERS}/{await id_of(admin, 'admin@')}"
    own = {"email": "admin@example.com", "fullName": "Admin One", "role": "Admin", "active": True}
    assert code(await admin.put(url, json=own | {"active": False})) == (409, "last_admin")
    assert code(await admin.put(url, json=own | {"role": "Viewer"})) == (409, "last_admin")


@pytest.mark.parametrize("limit", [{"cameraIds": []}, {"departmentIds": []}])
async def test_the_last_administrator_is_not_limited_away(admin: httpx.AsyncClient, limit: dict[str, object]) -> None:
    """Who is limited can lift no limit: the last one who is not stays so, whoever limited there is beside them."""
    own = await id_of(admin, "admin@example.com")
    myself = {"email": "admin@example.com", "fullName": "Admin", "role": "Admin"}
    assert code(await admin.put(f"{USERS}/{own}", json=myself | limit)) == (409, "last_admin")
    other = await make(admin, email="limited@example.com", role="Admin", **limit)
    for change in (limit, {"active": False}, {"role": "Viewer"}):
        assert code(await admin.put(f"{USERS}/{own}", json=myself | change)) == (409, "last_admin")
    lifted = {
        "email": "limited@example.com",
        "fullName": "L",
        "role": "Admin",
        "cameraIds": None,
        "departmentIds": None,
    }
    assert (await admin.put(f"{USERS}/{other['id']}", json=lifted)).status_code == 200
    assert (await admin.put(f"{USERS}/{own}", json=myself | limit)).status_code == 200


async def test_what_is_left_out_of_an_edit_stays(admin: httpx.AsyncClient) -> None:
    """A client that knows nothing of limits neither lifts them nor lets somebody in again."""
    form = {"name": "Door", "kind": "push", "enabled": False}
    camera = (await admin.post("/api/v1/cameras", json=form)).json()["data"]["id"]
    user = await make(admin, cameraIds=[camera], departmentIds=[], active=False)
    url, form = f"{USERS}/{user['id']}", {"email": "vera@example.com", "fullName": "V", "role": "Viewer"}
    changed = (await admin.put(url, json=form)).json()["data"]
    assert (changed["cameraIds"], changed["departmentIds"], changed["active"]) == ([camera], [], False)
    lifted = (await admin.put(url, json=form | {"cameraIds": None, "active": True})).json()["data"]
    assert (lifted["cameraIds"], lifted["departmentIds"], lifted["active"]) == (None, [], True)


async def test_a_limit_to_a_camera_that_is_gone(admin: httpx.AsyncClient) -> None:
    """A form that sends back what it was shown is not wrong; a camera that never was there is."""
    form = {"name": "Door", "kind": "push", "enabled": False}
    camera = (await admin.post("/api/v1/cameras", json=form)).json()["data"]["id"]
    user = await make(admin, cameraIds=[camera])
    await admin.delete(f"/api/v1/cameras/{camera}")
    url, form = f"{USERS}/{user['id']}", {"email": "vera@example.com", "fullName": "V", "role": "Viewer"}
    assert (await admin.put(url, json=form | {"cameraIds": [camera]})).status_code == 200
    assert (await admin.put(url, json=form | {"cameraIds": [camera, "nowhere"]})).status_code == 422


async def test_nobody_makes_somebody_greater(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Who may write users, but is no administrator, makes none, and takes over no administrator's account."""
    may = ["users:read", "users:write", "users:delete", "cameras:read"]
    await admin.post("/api/v1/roles", json={"name": "Clerk", "permissions": may})
    await make(admin, email="clerk@example.com", role="Clerk")
    admin_id = await id_of(admin, "admin@")
    async with client_of(parts, "Clerk") as clerk:
        made = await make(clerk, email="other@example.com", role="Clerk")
        for refused in (
            await clerk.post(USERS, json=VERA | {"role": "Admin", "password": PASSWORD}),
            await clerk.put(f"{USERS}/{made['id']}", json=VERA | {"role": "Admin"}),
            await clerk.put(f"{USERS}/{admin_id}", json=VERA | {"role": "Clerk"}),
            await clerk.patch(f"{USERS}/{admin_id}/password", json={"newPassword": NEW_PASSWORD}),
            await clerk.delete(f"{USERS}/{admin_id}"),
        ):
            assert code(refused) == (403, "more_than_you_may")


async def test_who_may_not(viewer: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """A viewer sees no users, and nobody without signing in does."""
    assert (await viewer.get(USERS)).status_code == 403
    assert (await viewer.post(USERS, json=VERA | {"password": PASSWORD})).status_code == 403
    assert (await anyone.get(USERS)).status_code == 401
