"""Role by endpoint: each is let in exactly where the table says so."""

import httpx
import pytest

from server.app import ENDPOINTS
from server.parts import Parts
from server.routes.endpoint import PUBLIC, Endpoint
from tests.opened import PASSWORD, client_of
from tests.routes.permission_table import MAY, PUBLIC_ENDPOINTS

NO_ID = "00000000-0000-7000-8000-000000000000"
NAMES = {"A": "admin", "O": "operator", "V": "viewer", "N": "nothing"}
# Last, each in a session of its own, which does not survive them.
ENDING = ("/auth/logout", "/auth/logout-all")


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


async def test_every_endpoint_is_in_the_table() -> None:
    """A new one is not let through by forgetting it; what is open to everybody is named one by one."""
    assert {named(one) for one in ENDPOINTS if one.allow == PUBLIC} == PUBLIC_ENDPOINTS
    assert {named(one) for one in ENDPOINTS if one.allow != PUBLIC} == set(MAY)


async def _made(admin: httpx.AsyncClient, path: str, **form: object) -> dict[str, str]:
    answer = await admin.post(f"/api/v1/{path}", json=form)
    assert answer.status_code < 300, answer.text
    found: dict[str, str] = answer.json()["data"]
    return found


async def _token(parts: Parts, admin: httpx.AsyncClient, who: str, kiosk_id: str) -> str:
    """An access token, an API key or a kiosk's token."""
    if who == "P":
        made = await _made(admin, "api-keys", name="Payroll", permissions=["cameras:read", "people:write"])
        return made["key"]
    if who == "K":
        code = (await _made(admin, f"kiosks/{kiosk_id}/pairing-code"))["code"]
        return (await _made(admin, "kiosks/pair", code=code))["token"]
    if who == "N":
        await _made(admin, "roles", name="Nothing", permissions=[])
        await parts.access.accounts.create(
            email="nothing@example.com", full_name="Nothing One", role="Nothing", password=PASSWORD
        )
    return await _signed_in(parts, who)


async def _signed_in(parts: Parts, who: str) -> str:
    return (await parts.access.login(f"{NAMES[who]}@example.com", PASSWORD)).access_token


@pytest.mark.parametrize("who", ["A", "O", "V", "N", "P", "K"])
async def test_each_is_let_in_where_the_table_says(parts: Parts, admin: httpx.AsyncClient, who: str) -> None:
    """401 and 403 for the others, and for them only: whatever is wrong with a request comes later."""
    camera = await _made(admin, "cameras", name="Door", kind="push", enabled=False)
    kiosk = await _made(admin, "kiosks", name="Hall", cameraIds=[camera["id"]])
    own = {"camera_id": camera["id"], "kiosk_id": kiosk["id"]}
    token = await _token(parts, admin, who, kiosk["id"])
    wrong = []
    async with client_of(parts, None) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        # What removes the camera and the kiosk comes after what asks for them.
        order = sorted(ENDPOINTS, key=lambda one: (one.path in ENDING, one.method == "DELETE"))
        for one in (each for each in order if each.allow != PUBLIC):
            names = {name: own.get(name, NO_ID) for name in one.path_names}
            if one.path in ENDING and who in NAMES:
                client.headers["Authorization"] = f"Bearer {await _signed_in(parts, who)}"
            answer = await client.request(one.method, one.url.format(**names))
            if (answer.status_code in (401, 403)) == (who in MAY[named(one)]):
                wrong.append(f"{named(one)}: {answer.status_code} {answer.text[:120]}")
    assert wrong == []


async def test_nobody_gets_in_without_signing_in(anyone: httpx.AsyncClient) -> None:
    """Every endpoint that is not public answers 401 in the envelope, before anything else."""
    for one in (each for each in ENDPOINTS if each.allow != PUBLIC):
        answer = await anyone.request(one.method, one.url.format(**dict.fromkeys(one.path_names, NO_ID)))
        assert answer.status_code == 401, named(one)
        assert answer.json()["error"]["code"] == "not_authenticated"
        assert answer.json()["error"]["requestId"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"
