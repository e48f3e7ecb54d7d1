"""Sites, shifts, schedules, holidays and leave over HTTP: the usual five, and what cannot be."""

from typing import Any

import httpx
import pytest

from server.parts import Parts
from tests.opened import client_of

API = "/api/v1"
FORMS: dict[str, dict[str, Any]] = {
    "sites": {"name": "Plant", "timezone": "Europe/Berlin"},
    "shifts": {"name": "Night", "start": "22:00", "end": "06:00", "breakMinutes": 45, "days": [1, 2, 3]},
    "schedules": {"from": "2026-01-05", "to": "2026-01-09"},
    "holidays": {"date": "2026-01-06", "name": "Epiphany"},
    "leave": {"from": "2026-01-05", "to": "2026-01-09", "kind": "vacation"},
}


async def made(client: httpx.AsyncClient, path: str, **form: Any) -> Any:
    answer = await client.post(f"{API}/{path}", json=form)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def refused(client: httpx.AsyncClient, path: str, **form: Any) -> tuple[int, str]:
    """The status, and the field or else the code."""
    answer = await client.post(f"{API}/{path}", json=form)
    error = answer.json()["error"]
    return answer.status_code, error["details"][0]["field"] if error.get("details") else error["code"]


@pytest.fixture
async def ada(admin: httpx.AsyncClient) -> str:
    return str((await made(admin, "people", fullName="Ada"))["id"])


@pytest.mark.parametrize("path", FORMS)
async def test_the_usual_five(admin: httpx.AsyncClient, ada: str, path: str) -> None:
    """Made, read, listed, changed and removed; each change is audited."""
    form = FORMS[path] | ({"personId": ada} if path in ("leave", "schedules") else {})
    row = await made(admin, path, **form)
    assert {name: row[name] for name in form} == form
    url = f"{API}/{path}/{row['id']}"
    assert (await admin.get(url)).json()["data"] == row
    listed = (await admin.get(f"{API}/{path}")).json()
    assert (listed["data"], listed["meta"]["total"]) == ([row], 1)
    changed = form | {"name": "Other"} if "name" in form else form | {"note": "Other"}
    edited = (await admin.put(url, json=changed)).json()["data"]
    assert {name: edited[name] for name in changed} == changed
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(url)).json()["error"]["code"] == f"{path.removesuffix('s')}_not_found"
    actions = [one["action"] for one in (await admin.get(f"{API}/audit?resource={path}")).json()["data"]]
    noun = path.removesuffix("s")
    assert sorted(actions) == [f"{noun}.changed", f"{noun}.created", f"{noun}.removed"]


async def test_names_are_given_once(admin: httpx.AsyncClient) -> None:
    """Of sites and shifts; and there is no holiday twice."""
    for path in ("sites", "shifts", "holidays"):
        await made(admin, path, **FORMS[path])
        assert await refused(admin, path, **FORMS[path]) == (409, f"{path.removesuffix('s')}_exists")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"start": "25:00"}, "start"),
        ({"days": [0]}, "days.0"),
        ({"kind": "split"}, "parts"),
        ({"kind": "split", "parts": [{"start": "22:00", "end": "23:00"}]}, "parts"),
        ({"core": {"start": "10:00", "end": "12:00"}}, "core"),
        ({"roundIn": {"step": "up", "minutes": 7}}, "rounding"),
        ({"breakMinutes": -1}, "breakMinutes"),
    ],
)
async def test_a_shift_that_cannot_be(admin: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    """It is refused, with the field."""
    assert await refused(admin, "shifts", **(FORMS["shifts"] | wrong)) == (422, field)


async def test_a_shift_that_is_used_stays(admin: httpx.AsyncClient, ada: str) -> None:
    """Also where a rotation uses it."""
    for more in ("shiftId", "rotation"):
        shift = await made(admin, "shifts", **(FORMS["shifts"] | {"name": more}))
        works: Any = shift["id"] if more == "shiftId" else {"anchor": "2026-01-05", "turns": [[shift["id"]], []]}
        schedule = await made(admin, "schedules", personId=ada, **{"from": "2026-01-05", more: works})
        kept = await admin.delete(f"{API}/shifts/{shift['id']}")
        assert (kept.status_code, kept.json()["error"]["code"]) == (409, "shift_in_use")
        await admin.delete(f"{API}/schedules/{schedule['id']}")
        assert (await admin.delete(f"{API}/shifts/{shift['id']}")).status_code == 204


async def test_what_points_nowhere(admin: httpx.AsyncClient, ada: str) -> None:
    """Or to two things at once, or ends before it begins."""
    dates = {"from": "2026-01-05", "to": "2026-01-09"}
    for form, field in (
        ({"personId": "nobody"}, "personId"),
        ({"departmentId": "none"}, "departmentId"),
        ({"shiftId": "none"}, "shiftId"),
        ({"rotation": {"anchor": "2026-01-05", "turns": [["none"]]}}, "rotation.turns"),
    ):
        assert await refused(admin, "schedules", **dates, **form) == (422, field)
    for backwards in ("schedules", "leave"):
        form = {"from": "2026-01-09", "to": "2026-01-05", "personId": ada}
        assert (await refused(admin, backwards, **form, **({"kind": "x"} if backwards == "leave" else {})))[0] == 422
    assert await refused(admin, "holidays", **FORMS["holidays"], siteId="none") == (422, "siteId")
    assert await refused(admin, "people", fullName="Bea", siteId="none") == (422, "siteId")
    assert await refused(admin, "people", fullName="Bea", timezone="Nowhere/Else") == (422, "timezone")


async def test_leave_does_not_overlap(admin: httpx.AsyncClient, ada: str) -> None:
    """Two halves of one day go together."""
    day = {"from": "2026-02-02", "to": "2026-02-02", "kind": "vacation", "personId": ada}
    await made(admin, "leave", **day, half="first")
    await made(admin, "leave", **day, half="second")
    assert await refused(admin, "leave", **day) == (409, "leave_overlaps")
    assert await refused(admin, "leave", **day, half="first") == (409, "leave_overlaps")
    assert (await refused(admin, "leave", **(day | {"to": "2026-02-03"}), half="first"))[0] == 422


async def test_lists_are_cut_by_dates(admin: httpx.AsyncClient, ada: str) -> None:
    """What lies in them, at least in part; a site's holidays are those of every site too."""
    site = await made(admin, "sites", **FORMS["sites"])
    await made(admin, "holidays", date="2026-01-01", name="New Year")
    await made(admin, "holidays", date="2026-01-06", name="Epiphany", siteId=site["id"])
    await made(admin, "schedules", personId=ada, **{"from": "2026-01-01"})
    names = [one["name"] for one in (await admin.get(f"{API}/holidays", params={"siteId": site["id"]})).json()["data"]]
    assert names == ["New Year", "Epiphany"]
    cut = await admin.get(f"{API}/holidays", params={"from": "2026-01-02", "to": "2026-01-31"})
    assert [one["name"] for one in cut.json()["data"]] == ["Epiphany"]
    for until, found in (("2025-12-31", 0), ("2026-01-01", 1)):
        answer = await admin.get(f"{API}/schedules", params={"to": until, "personId": ada})
        assert answer.json()["meta"]["total"] == found


async def test_a_site_that_goes(admin: httpx.AsyncClient) -> None:
    """People, cameras and screens stay, without one."""
    site = await made(admin, "sites", **FORMS["sites"])
    person = await made(admin, "people", fullName="Ada", siteId=site["id"], timezone="Asia/Tokyo")
    camera = await made(admin, "cameras", name="Door", kind="push", enabled=False, siteId=site["id"])
    kiosk = await made(admin, "kiosks", name="Hall", siteId=site["id"])
    assert person["siteId"] == camera["siteId"] == kiosk["siteId"] == site["id"]
    assert (await admin.delete(f"{API}/sites/{site['id']}")).status_code == 204
    for path, row in (("people", person), ("cameras", camera), ("kiosks", kiosk)):
        assert (await admin.get(f"{API}/{path}/{row['id']}")).json()["data"]["siteId"] is None


async def test_who_is_limited(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """They see and change what is of their departments, and read what is for everybody."""
    lab = await made(admin, "departments", name="Lab")
    bea = await made(admin, "people", fullName="Bea", departmentId=lab["id"])
    theirs = await made(admin, "schedules", personId=bea["id"], **{"from": "2026-01-05"})
    other = await made(admin, "schedules", personId=ada, **{"from": "2026-01-05"})
    await made(admin, "sites", **FORMS["sites"])
    await parts.access.accounts.create(
        email="lab@example.com", full_name="Lab", role="Operator", password="correct horse",
        department_ids=[lab["id"]],
    )  # fmt: skip
    async with client_of(parts, "Lab") as limited:
        seen = (await limited.get(f"{API}/schedules")).json()["data"]
        assert [one["id"] for one in seen] == [theirs["id"]]
        assert (await limited.get(f"{API}/schedules/{other['id']}")).status_code == 404
        assert await refused(limited, "schedules", personId=ada, **{"from": "2026-02-01"}) == (422, "personId")
        assert await refused(limited, "schedules", **{"from": "2026-02-01"}) == (422, "departmentId")
        assert (await limited.get(f"{API}/sites")).json()["meta"]["total"] == 1
        assert await refused(limited, "sites", name="X", timezone="UTC") == (403, "limited")
