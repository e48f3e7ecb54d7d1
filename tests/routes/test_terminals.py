"""Terminals of other makers over HTTP: registered, listed, and their lines given to people."""

from typing import Any

import httpx
import pytest

from server.parts import Parts
from server.store.tables import Department
from tests.opened import client_of
from tests.routes.limited import limited_client

URL = "/api/v1/attendance/terminals"
FORM: dict[str, Any] = {
    "serialNumber": "CQZ7225160012", "name": "Gate", "siteId": None, "timezone": "Europe/Berlin", "role": "status",
    "networks": ["192.0.2.0/24"], "active": True,
}  # fmt: skip


async def registered(client: httpx.AsyncClient, **form: Any) -> dict[str, Any]:
    answer = await client.post(URL, json={"serialNumber": "OID7", "name": "Gate", **form})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def pushed(client: httpx.AsyncClient, *lines: str, serial: str = "OID7") -> httpx.Response:
    params = {"SN": serial, "table": "ATTLOG", "Stamp": "9999"}
    return await client.post("/iclock/cdata", params=params, content="\n".join(lines).encode())


async def test_the_usual_five(admin: httpx.AsyncClient) -> None:
    """Made, read, listed, changed and removed; each change is audited."""
    row = await registered(admin, **FORM)
    assert {name: row[name] for name in FORM} == FORM
    url = f"{URL}/{row['id']}"
    assert (await admin.get(url)).json()["data"] == row
    assert (await admin.get(URL)).json()["data"] == [row]
    changed = FORM | {"name": "Back", "networks": ["192.0.2.7/24", "2001:db8::/32"], "role": "both", "active": False}
    edited = (await admin.put(url, json=changed)).json()["data"]
    assert edited["networks"] == ["192.0.2.0/24", "2001:db8::/32"]  # as networks are written
    assert (edited["name"], edited["role"], edited["active"]) == ("Back", "both", False)
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(url)).json()["error"]["code"] == "terminal_not_found"
    actions = [one["action"] for one in (await admin.get("/api/v1/audit?resource=terminals")).json()["data"]]
    assert sorted(actions) == ["terminal.changed", "terminal.created", "terminal.removed"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"serialNumber": "a b"}, "serialNumber"),
        ({"serialNumber": ""}, "serialNumber"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"networks": ["192.0.2.300/24"]}, "networks.0"),
        ({"role": "monitor"}, "role"),
        ({"siteId": "none"}, "siteId"),
        ({"secret": "x"}, "secret"),
    ],
)
async def test_what_cannot_be(admin: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    """It is refused, with the field."""
    answer = await admin.post(URL, json=FORM | wrong)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, field)


async def test_a_serial_number_once(admin: httpx.AsyncClient) -> None:
    """Whoever registers it again is told."""
    await registered(admin)
    again = await admin.post(URL, json={"serialNumber": "OID7", "name": "Other"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "terminal_exists")


async def test_who_knocked_can_be_registered(admin: httpx.AsyncClient) -> None:
    """By its serial number, from the list; then it is no longer there, and is let in."""
    assert (await admin.get("/iclock/cdata?SN=OID7&options=all&pushver=2.4.1")).status_code == 403
    [knock] = (await admin.get(f"{URL}/unknown")).json()["data"]
    assert (knock["serialNumber"], knock["firmware"], knock["reason"], knock["count"]) == (
        "OID7", "push 2.4.1", "unknown", 1,
    )  # fmt: skip
    await registered(admin, serialNumber=knock["serialNumber"])
    assert (await admin.get(f"{URL}/unknown")).json()["data"] == []
    assert (await admin.get("/iclock/cdata?SN=OID7&options=all")).status_code == 200


async def test_lines_are_listed_by_state(admin: httpx.AsyncClient) -> None:
    """With what came of each."""
    ada = (await admin.post("/api/v1/people", json={"fullName": "Ada", "employeeId": "7"})).json()["data"]
    terminal = await registered(admin)
    sent = ("7\t2026-01-05 08:00:00\t0\t15", "8\t2026-01-05 08:00:00\t0\t15", "9\tnever\t0\t1", "rubbish")
    assert (await pushed(admin, *sent)).text == "OK: 4"
    url = f"{URL}/{terminal['id']}/lines"
    found = (await admin.get(url)).json()
    assert found["meta"]["total"] == 4
    for state, pins in (("entered", ["7"]), ("unknown_person", ["8"]), ("duplicate", [])):
        assert [one["pin"] for one in (await admin.get(f"{url}?state={state}")).json()["data"]] == pins
    refused = (await admin.get(f"{url}?state=refused&sort=pin")).json()["data"]
    assert [(one["pin"], one["text"], one["reason"]) for one in refused] == [
        ("", "rubbish", "not_understood"), ("9", "", "bad_time"),
    ]  # fmt: skip
    [entered] = (await admin.get(f"{url}?state=entered")).json()["data"]
    entry = (await admin.get(f"/api/v1/attendance/entries/{entered['entryId']}")).json()["data"]
    assert (entry["personId"], entry["origin"], entry["terminalId"]) == (ada["id"], "terminal", terminal["id"])
    assert entry["deviceAt"] == entry["at"] == entered["at"]
    listed = (await admin.get("/api/v1/attendance/entries?origin=terminal")).json()["data"]
    assert [one["id"] for one in listed] == [entry["id"]]
    assert (await admin.get(f"{URL}/none/lines")).status_code == 404


async def test_an_operator_says_whose_a_line_is(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Its entry is made and told, once; the audit has who said so. A terminal whose lines wait is not removed."""
    ada = (await admin.post("/api/v1/people", json={"fullName": "Ada"})).json()["data"]
    terminal = await registered(admin)
    await pushed(admin, "8\t2026-01-05 08:00:00\t0\t15")
    lines = f"{URL}/{terminal['id']}/lines"
    [line] = (await admin.get(lines)).json()["data"]
    stays = await admin.delete(f"{URL}/{terminal['id']}")
    assert (stays.status_code, stays.json()["error"]["code"]) == (409, "terminal_has_waiting_lines")
    url = f"{lines}/{line['id']}/assign"
    async with client_of(parts, "Operator") as operator:
        nobody = await operator.post(url, json={"personId": "none"})
        assert (nobody.status_code, nobody.json()["error"]["details"][0]["field"]) == (422, "personId")
        given = (await operator.post(url, json={"personId": ada["id"]})).json()["data"]
        again = await operator.post(url, json={"personId": ada["id"]})
    assert (given["state"], given["personId"]) == ("entered", ada["id"])
    assert (again.status_code, again.json()["error"]["code"]) == (409, "line_not_waiting")
    [told] = await parts.hub.log.read("attendance", 0, 10)
    assert (told.type, told.data["entryId"], told.source) == (
        "attendance.checked_in", given["entryId"], f"terminals/{terminal['id']}",
    )  # fmt: skip
    [noted] = (await admin.get("/api/v1/audit?action=terminal_line.assigned")).json()["data"]
    assert noted["actor"]["name"] == "operator@example.com"


async def test_who_is_limited(parts: Parts, admin: httpx.AsyncClient) -> None:
    """They read what there is and change nothing of it; lines of nobody yet are not theirs."""
    terminal = await registered(admin)
    await pushed(admin, "8\t2026-01-05 08:00:00\t0\t15")
    lab = (await admin.post("/api/v1/departments", json={"name": "Lab"})).json()["data"]
    [line] = (await admin.get(f"{URL}/{terminal['id']}/lines")).json()["data"]
    async with limited_client(parts, departments=[Department(id=lab["id"], name="Lab")]) as limited:
        assert (await limited.get(URL)).json()["meta"]["total"] == 1
        assert (await limited.get(f"{URL}/{terminal['id']}/lines")).json()["data"] == []
        refused = await limited.post(URL, json=FORM)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "limited")
        ada = (await limited.post("/api/v1/people", json={"fullName": "A", "departmentId": lab["id"]})).json()["data"]
        unseen = await limited.post(f"{URL}/{terminal['id']}/lines/{line['id']}/assign", json={"personId": ada["id"]})
        assert unseen.status_code == 404
