"""Webhooks over HTTP: secrets told once, addresses that are allowed, and what was delivered."""

from pathlib import Path
from typing import Any

import httpx

from server.events.schema import NewEvent
from server.parts import Parts
from server.store.event_log import TableLog
from server.store.tables import Delivery, DeliveryTry
from tests.opened import client_of, parts_in
from tests.outbound.conftest import running, until_that
from tests.outbound.receiver import open_receiver
from tests.routes.limited import limited_client

HOOK = {"name": "Payroll", "url": "https://8.8.8.8/hook?token=abc123def", "types": ["attendance.checked_in"]}
URL = "/api/v1/webhooks"


async def made(admin: httpx.AsyncClient, **more: object) -> dict[str, Any]:
    answer = await admin.post(URL, json=HOOK | more)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def failed_delivery(parts: Parts, webhook_id: str) -> Delivery:
    now = parts.clock.now()
    one = Delivery(
        webhook_id=webhook_id, message_id="m1", type="attendance.checked_in", topic="attendance", offset=1,
        state="dead", result="gave_up", tries=1, next_at=now, give_up_at=now, finished_at=now,
    )  # fmt: skip
    async with parts.store.transaction() as session:
        session.add(one)
        await session.flush()
        session.add(
            DeliveryTry(delivery_id=one.id, at=now, status=500, duration_ms=3, reason="http_500", answer="Oh no")
        )
    return one


async def test_a_secret_is_told_once(admin: httpx.AsyncClient) -> None:
    """At its making and when it is changed; no list, no answer and no audit has it, nor what is secret in the
    address."""
    first = await made(admin)
    url = f"{URL}/{first['id']}"
    second = (await admin.post(f"{url}/rotate")).json()["data"]
    assert first["secret"].startswith("whsec_")
    assert second["secret"] not in (None, first["secret"])
    assert second["previousSecretUntil"] is not None
    read = await admin.get(url)
    assert read.json()["data"]["url"] == "https://8.8.8.8/hook?token=…"
    same = {name: read.json()["data"][name] for name in ("url", "types")} | {"name": "Pay"}
    edited = await admin.put(url, json=same, headers={"If-Match": read.headers["ETag"]})
    assert (edited.status_code, edited.json()["data"]["name"]) == (200, "Pay")
    for path in (URL, url, "/api/v1/audit?resource=webhooks"):
        text = (await admin.get(path)).text
        assert "Pay" in text
        for secret in (first["secret"], second["secret"], "abc123def"):
            assert secret not in text


async def test_what_is_wrong_is_named(admin: httpx.AsyncClient) -> None:
    """The field and the reason."""
    for form, field in (
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "http://192.168.1.7/"}, "url"),
        ({"url": "ftp://8.8.8.8/"}, "url"),
        ({"types": []}, "types"),
        ({"types": ["attendance.laughed"]}, "types"),
        ({"types": ["kiosk.greeting"]}, "types"),
        ({"cameraIds": ["nowhere"]}, "cameraIds.0"),
        ({"departmentIds": ["nowhere"]}, "departmentIds.0"),
        ({"kind": "frappe"}, "frappe"),
        ({"frappe": {}}, "frappe"),
        ({"kind": "frappe", "frappe": {"apiKey": "k"}}, "frappe.apiSecret"),
        ({"kind": "frappe", "frappe": {"timezone": "Mars/Olympus"}}, "frappe.timezone"),
        ({"kind": "frappe", "frappe": {"employeeFieldname": "a; drop"}}, "frappe.employeeFieldname"),
    ):
        answer = await admin.post(URL, json=HOOK | form)
        assert answer.status_code == 422, (form, answer.text)
        assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
    await made(admin)
    assert (await admin.post(URL, json=HOOK)).json()["error"]["code"] == "webhook_exists"


async def test_frappe(admin: httpx.AsyncClient) -> None:
    """No types mean both; its login comes back from nowhere, and it has no secret of ours."""
    login = {"apiKey": "key-of-frappe", "apiSecret": "secret-of-frappe", "timezone": "Asia/Kolkata"}
    one = await made(admin, kind="frappe", types=[], frappe=login, url="https://8.8.8.8")
    assert one["secret"] is None
    assert one["types"] == ["attendance.checked_in", "attendance.checked_out"]
    assert one["frappe"] == {"employeeFieldname": "attendance_device_id", "timezone": "Asia/Kolkata", "deviceId": None}
    url = f"{URL}/{one['id']}"
    assert (await admin.post(f"{url}/rotate")).json()["error"]["code"] == "no_secret"
    for path in (url, "/api/v1/audit?resource=webhooks"):
        assert "secret-of-frappe" not in (await admin.get(path)).text
    form = {"name": "HR", "kind": "frappe", "url": "https://8.8.8.8", "frappe": {"deviceId": "Gate"}}
    assert (await admin.put(url, json=form)).json()["data"]["frappe"]["deviceId"] == "Gate"


async def test_who_reads_only_sees_less(parts: Parts, admin: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    """No more of the address than its host, and nothing of what a receiver said."""
    one = await made(admin)
    await failed_delivery(parts, one["id"])
    for client, url, said in (
        (admin, "https://8.8.8.8/hook?token=…", "Oh no"), (viewer, "https://8.8.8.8/…", ""),
    ):  # fmt: skip
        (row,) = (await client.get(URL)).json()["data"]
        assert (row["url"], row["dead"]) == (url, 1)
        (delivery,) = (await client.get(f"{URL}/{one['id']}/deliveries")).json()["data"]
        (tried,) = delivery["log"]
        assert (tried["status"], tried["reason"], tried["answer"]) == (500, "http_500", said)


async def test_who_is_limited_has_no_say(parts: Parts, admin: httpx.AsyncClient) -> None:
    """They would have sent somewhere what they may not read."""
    one = await made(admin)
    async with limited_client(parts, cameras=[]) as limited:
        for method, path in (
            ("GET", ""), ("POST", ""), ("GET", f"/{one['id']}"), ("PUT", f"/{one['id']}"), ("DELETE", f"/{one['id']}"),
            ("POST", f"/{one['id']}/test"), ("POST", f"/{one['id']}/rotate"), ("GET", f"/{one['id']}/deliveries"),
            ("POST", f"/{one['id']}/deliveries/x/redeliver"),
        ):  # fmt: skip
            answer = await limited.request(method, URL + path, json=HOOK if method in ("POST", "PUT") else None)
            assert answer.status_code == 403, (method, path)
            assert answer.json()["error"]["code"] == "limited"


async def test_a_program_may_not_send_what_it_may_not_read(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A key with `events:write` alone makes no way around its other permissions."""
    form = {"name": "Key", "permissions": ["events:write", "alerts:read"]}
    key = (await admin.post("/api/v1/api-keys", json=form)).json()["data"]["key"]
    async with client_of(parts, None) as program:
        program.headers["Authorization"] = f"Bearer {key}"
        assert (await program.post(URL, json=HOOK)).status_code == 403
        assert (await program.post(URL, json=HOOK | {"types": ["alert.raised"]})).status_code == 201


async def test_a_program_may_not_send_again_what_it_may_not_read(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Not from an old delivery either, to an address of its own."""
    one = await made(admin)
    old = await failed_delivery(parts, one["id"])
    form = {"name": "Key", "permissions": ["events:write", "alerts:read"]}
    key = (await admin.post("/api/v1/api-keys", json=form)).json()["data"]["key"]
    async with client_of(parts, None) as program:
        program.headers["Authorization"] = f"Bearer {key}"
        mine = HOOK | {"url": "https://8.8.4.4/mine", "types": ["alert.raised"]}
        assert (await program.put(f"{URL}/{one['id']}", json=mine)).status_code == 200
        answer = await program.post(f"{URL}/{one['id']}/deliveries/{old.id}/redeliver")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    async with parts.store.read() as session:
        assert (await session.get_one(Delivery, old.id)).state == "dead"


async def test_addresses_are_not_searched(admin: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    """Who may see the host alone could find out the rest letter by letter."""
    await made(admin, url="https://8.8.8.8/hooks/T0123")
    for client in (admin, viewer):
        for search, found in (("hooks/T0", 0), ("8.8.8", 0), ("payr", 1)):
            assert len((await client.get(URL, params={"search": search})).json()["data"]) == found, search


async def test_deliveries(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Found by state and type; sent once more; not while the webhook is off, and gone with it."""
    one = await made(admin)
    dead = await failed_delivery(parts, one["id"])
    url = f"{URL}/{one['id']}"
    for query, count in (("state=dead", 1), ("state=pending", 0), ("type=alert.raised", 0), ("search=checked", 1)):
        assert len((await admin.get(f"{url}/deliveries?{query}")).json()["data"]) == count, query
    again = await admin.post(f"{url}/deliveries/{dead.id}/redeliver")
    assert (again.status_code, again.json()["data"]["state"], again.json()["data"]["messageId"]) == (
        202,
        "pending",
        "m1",
    )
    assert (await admin.get(url)).json()["data"]["pending"] == 1
    unknown = await admin.post(f"{url}/deliveries/{one['id']}/redeliver")
    assert unknown.json()["error"]["code"] == "delivery_not_found"
    await admin.put(url, json=HOOK | {"active": False})
    refused = await admin.post(f"{url}/deliveries/{dead.id}/redeliver")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "webhook_inactive")
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(f"{url}/deliveries")).json()["error"]["code"] == "webhook_not_found"
    async with parts.store.read() as session:
        assert await session.get(Delivery, dead.id) is None


async def test_from_the_form_to_the_receiver(tmp_path: Path, on_machines: dict[str, Any]) -> None:
    """With a receiver on loopback, which this server was told to allow: a test, an event, and both in the list."""
    loopback = {"allowed_networks": ["127.0.0.0/8"]}
    async with (
        parts_in(tmp_path / "server", outbound=loopback, **on_machines) as parts,
        client_of(parts) as admin,
        open_receiver() as receiver,
        running(parts.outbound.deliverer),
    ):
        one = await made(admin, url=receiver.url)
        url = f"{URL}/{one['id']}"
        tested = await admin.post(f"{url}/test")
        assert (tested.status_code, tested.json()["data"]["type"]) == (202, "webhook.test")
        await receiver.until(1)
        event = NewEvent("attendance", "attendance.checked_in", "cameras/c", {"person": None}, parts.clock.now())
        async with parts.store.transaction() as session:
            await TableLog(parts.store).append(session, [event])
        parts.hub.wake(["attendance"])
        await receiver.until(2)
        for _ in range(600):
            rows = (await admin.get(f"{url}/deliveries?sort=createdAt")).json()["data"]
            if [row["state"] for row in rows] == ["delivered", "delivered"]:
                break
        assert [row["log"][0]["status"] for row in rows] == [200, 200]
        assert (await admin.get(url)).json()["data"]["lastDeliveredAt"] is not None
        await until_that(lambda: len(receiver.got) == 2)
