"""PINs and badges of people, over HTTP."""

import httpx

from server.access.qr import drawn
from server.parts import Parts
from tests.routes.limited import limited_client
from tests.routes.test_check_ins import refusal

PIN, BADGE = "482913", "04:A2:2B:9C:51:80"


async def person(admin: httpx.AsyncClient, full_name: str = "Ada", **more: object) -> str:
    answer = await admin.post("/api/v1/people", json={"fullName": full_name, **more})
    assert answer.status_code == 201, answer.text
    return f"/api/v1/people/{answer.json()['data']['id']}"


async def test_a_pin_is_set_or_drawn(admin: httpx.AsyncClient) -> None:
    """The answer to a drawing has it, no other answer does; the one before is replaced."""
    ada = await person(admin)
    assert (await admin.get(f"{ada}/credentials")).json()["data"] == []
    drawn = (await admin.put(f"{ada}/pin", json={})).json()["data"]
    assert drawn["pin"].isdecimal()
    assert len(drawn["pin"]) >= 6
    chosen = await admin.put(f"{ada}/pin", json={"pin": PIN})
    assert chosen.json()["data"]["pin"] is None
    listed = await admin.get(f"{ada}/credentials")
    [one] = listed.json()["data"]
    assert (one["kind"], one["id"]) == ("pin", drawn["credential"]["id"])
    assert PIN not in listed.text + chosen.text


async def test_what_is_refused_is_named(admin: httpx.AsyncClient) -> None:
    """Weak, too short, no digits, somebody else's; a badge that is somebody's."""
    ada, bea = await person(admin, employeeId="E-482913"), await person(admin, "Bea")
    for pin, code in (("123456", "weak"), (PIN, "weak"), ("1234", "string_pattern_mismatch")):
        assert refusal(await admin.put(f"{ada}/pin", json={"pin": pin})) == (
            422, "validation_failed", [("pin", code)],
        )  # fmt: skip
    assert (await admin.put(f"{bea}/pin", json={"pin": PIN})).status_code == 200
    assert (await admin.put(f"{bea}/pin", json={"pin": PIN})).status_code == 200  # their own, again
    cleo = await person(admin, "Cleo")
    assert refusal(await admin.put(f"{cleo}/pin", json={"pin": PIN})) == (409, "pin_taken", [("pin", "taken")])
    assert (await admin.post(f"{ada}/badges", json={"badge": BADGE})).status_code == 201
    taken = await admin.post(f"{bea}/badges", json={"badge": f" {BADGE} "})
    assert refusal(taken) == (409, "badge_taken", [("badge", "taken")])
    assert refusal(await admin.post(f"{ada}/badges", json={"badge": "x"}))[0] == 422
    assert (await admin.put("/api/v1/people/nobody/pin", json={})).status_code == 404


async def test_one_is_removed(admin: httpx.AsyncClient) -> None:
    """Of that person alone, if nobody has changed it meanwhile."""
    ada, bea = await person(admin), await person(admin, "Bea")
    badge = (await admin.post(f"{ada}/badges", json={"badge": BADGE, "label": "Blue"})).json()["data"]
    url = f"credentials/{badge['id']}"
    assert refusal(await admin.delete(f"{bea}/{url}"))[:2] == (404, "credential_not_found")
    assert (await admin.delete(f"{ada}/{url}", headers={"If-Match": '"0"'})).status_code == 412
    assert (await admin.delete(f"{ada}/{url}")).status_code == 204
    assert (await admin.post(f"{bea}/badges", json={"badge": BADGE})).status_code == 201


async def test_the_audit_says_who_and_not_what(admin: httpx.AsyncClient) -> None:
    """Set, drawn, added and removed, with what tells a badge from another."""
    ada = await person(admin)
    drawn = (await admin.put(f"{ada}/pin", json={})).json()["data"]
    badge = (await admin.post(f"{ada}/badges", json={"badge": BADGE, "label": "Blue"})).json()["data"]
    for one in (badge, drawn["credential"]):
        assert (await admin.delete(f"{ada}/credentials/{one['id']}")).status_code == 204
    audit = await admin.get("/api/v1/audit?pageSize=200")
    noted = {row["action"]: row for row in audit.json()["data"]}
    assert {"person.pin_set", "person.badge_added", "person.badge_removed", "person.pin_removed"} <= set(noted)
    assert noted["person.badge_added"]["after"]["ending"] == BADGE[-4:]
    assert drawn["pin"] not in audit.text
    assert BADGE not in audit.text


async def test_within_ones_departments(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Whoever is limited finds nobody else's; a viewer does not see them at all."""
    from server.store.tables import Department

    night, day = Department(name="Night"), Department(name="Day")
    async with parts.store.transaction() as session:
        session.add_all([night, day])
    mine, other = await person(admin, departmentId=night.id), await person(admin, "Bea", departmentId=day.id)
    async with limited_client(parts, departments=[night]) as limited:
        assert (await limited.put(f"{mine}/pin", json={})).status_code == 200
        for answer in (
            await limited.put(f"{other}/pin", json={}),
            await limited.get(f"{other}/credentials"),
            await limited.post(f"{other}/badges", json={"badge": BADGE}),
        ):
            assert refusal(answer)[:2] == (404, "person_not_found")


async def test_guessing_pins_by_setting_them(admin: httpx.AsyncClient) -> None:
    """After twenty that were somebody's, whoever sets them has to wait."""
    ada, bea = await person(admin), await person(admin, "Bea")
    assert (await admin.put(f"{ada}/pin", json={"pin": PIN})).status_code == 200
    for _ in range(20):
        assert refusal(await admin.put(f"{bea}/pin", json={"pin": "123456"}))[0] == 422  # counts as nothing
        assert refusal(await admin.put(f"{bea}/pin", json={"pin": PIN}))[:2] == (409, "pin_taken")
    assert (await admin.put(f"{bea}/pin", json={"pin": PIN})).status_code == 429


async def test_a_badge_is_drawn_and_told_once(admin: httpx.AsyncClient, parts: Parts) -> None:
    """As text and as a QR code of it; not in the list, nor in the audit. What was typed is not said again."""
    ada = await person(admin)
    made = await admin.post(f"{ada}/badges", json={"label": "Card"})
    assert made.status_code == 201, made.text
    one = made.json()["data"]
    assert len(one["badge"]) == 16
    assert one["badge"].endswith(one["ending"])
    assert one["svg"].startswith("<svg xmlns=")
    assert one["svg"] == drawn(one["badge"])
    other = (await admin.post(f"{ada}/badges", json={"badge": BADGE})).json()["data"]
    assert (other["badge"], other["svg"]) == (None, drawn(BADGE))
    listed, audit = await admin.get(f"{ada}/credentials"), await admin.get("/api/v1/audit")
    assert one["badge"] not in listed.text + audit.text
    async with parts.store.read() as session:
        found = await parts.access.codes.find(session, "badge", one["badge"])
    assert found is not None
    assert found.id == one["id"]
