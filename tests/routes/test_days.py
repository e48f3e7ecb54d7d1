"""Days over HTTP: worked out from entries, shifts, holidays and leave; sums of them; and days that are locked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from server.parts import Parts
from tests.opened import client_of

API = "/api/v1"
DAYS = f"{API}/attendance/days"
LOCKS = f"{API}/attendance/locks"
MONDAY = "2026-01-05"
EARLY = {"name": "Early", "start": "09:00", "end": "17:00", "breakMinutes": 30, "graceLateMinutes": 5,
         "days": [1, 2, 3, 4, 5]}  # fmt: skip


async def made(client: httpx.AsyncClient, path: str, **form: Any) -> Any:
    answer = await client.post(f"{API}/{path}", json=form)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def entered(client: httpx.AsyncClient, person_id: str, *moments: str) -> list[str]:
    """Entries such as `in 2026-01-05T09:00`, in UTC."""
    found = []
    for moment in moments:
        direction, _, at = moment.partition(" ")
        form = {"personId": person_id, "at": f"{at}:00Z", "direction": direction, "reason": "By the book."}
        found.append(str((await made(client, "attendance/entries", **form))["id"]))
    return found


async def days(client: httpx.AsyncClient, first: str = MONDAY, last: str = MONDAY, **query: Any) -> list[Any]:
    answer = await client.get(DAYS, params={"from": first, "to": last, "pageSize": 200, **query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


@pytest.fixture
async def later(parts: Parts) -> None:
    """It is the Monday after."""
    ahead = datetime(2026, 1, 12, 8, tzinfo=UTC) - parts.clock.now()
    parts.clock.advance(ahead.total_seconds())  # type: ignore[attr-defined]


@pytest.fixture
async def admin(later: None, parts: Parts) -> Any:
    async with client_of(parts, "Admin") as client:
        yield client


@pytest.fixture
async def ada(admin: httpx.AsyncClient) -> str:
    """Works the early shift from Monday on."""
    ada = await made(admin, "people", fullName="Ada")
    shift = await made(admin, "shifts", **EARLY)
    await made(admin, "schedules", shiftId=shift["id"], personId=ada["id"], **{"from": MONDAY, "to": "2026-03-27"})
    return str(ada["id"])


async def test_a_week(admin: httpx.AsyncClient, ada: str) -> None:
    """Present and late, absent, on leave, a holiday, a forgotten check-out, and two days off."""
    await entered(admin, ada, "in 2026-01-05T09:20", "out 2026-01-05T17:00", "in 2026-01-09T08:58")
    await made(admin, "leave", personId=ada, kind="vacation", **{"from": "2026-01-07", "to": "2026-01-07"})
    await made(admin, "holidays", date="2026-01-08", name="Half-way")
    week = await days(admin, MONDAY, "2026-01-11")
    assert [(day["date"][-2:], day["status"]) for day in week] == [
        ("05", "present"), ("06", "absent"), ("07", "leave"), ("08", "holiday"), ("09", "incomplete"), ("10", "off"),
        ("11", "off"),
    ]  # fmt: skip
    monday, friday = week[0], week[4]
    assert (monday["lateMinutes"], monday["workedMinutes"], monday["breakMinutes"]) == (20, 430, 30)
    assert (monday["firstIn"], monday["lastOut"]) == ("2026-01-05T09:20:00.000Z", "2026-01-05T17:00:00.000Z")
    assert (monday["shiftName"], monday["person"]["fullName"], monday["timezone"]) == ("Early", "Ada", "UTC")
    assert [one["direction"] for one in monday["entries"]] == ["in", "out"]
    assert {"missing_out", "closed"} <= set(friday["marks"])
    assert friday["closedAt"] == "2026-01-09T17:00:00.000Z"


async def test_a_night_belongs_to_the_date_on_which_it_starts(admin: httpx.AsyncClient) -> None:
    """In the zone of the site at which somebody works, two hours ahead of the server's."""
    site = await made(admin, "sites", name="Athens", timezone="Europe/Athens")
    night = await made(admin, "shifts", name="Night", start="22:00", end="06:00")
    bea = await made(admin, "people", fullName="Bea", siteId=site["id"])
    await made(admin, "schedules", shiftId=night["id"], personId=bea["id"], **{"from": MONDAY, "to": "2026-01-06"})
    await entered(admin, bea["id"], "in 2026-01-05T20:00", "out 2026-01-06T04:00")
    both = await days(admin, MONDAY, "2026-01-06", personId=bea["id"])
    assert [(day["date"], day["status"], day["workedMinutes"], day["timezone"]) for day in both] == [
        ("2026-01-05", "present", 480, "Europe/Athens"), ("2026-01-06", "absent", 0, "Europe/Athens"),
    ]  # fmt: skip


async def test_a_correction_and_a_late_arrival_change_the_day(admin: httpx.AsyncClient, ada: str) -> None:
    """Whatever the order in which entries become known."""
    (leaves,) = await entered(admin, ada, "out 2026-01-05T16:00")
    assert (await days(admin))[0]["status"] == "incomplete"
    await entered(admin, ada, "in 2026-01-05T09:00")
    assert [(day["workedMinutes"], day["earlyMinutes"]) for day in await days(admin)] == [(390, 60)]
    url = f"{API}/attendance/entries/{leaves}"
    await admin.patch(url, json={"at": "2026-01-05T17:00:00Z", "reason": "The clock was wrong."})
    assert [(day["workedMinutes"], day["earlyMinutes"]) for day in await days(admin)] == [(450, 0)]
    await admin.request("DELETE", url, json={"reason": "Not she."})
    assert "missing_out" in (await days(admin))[0]["marks"]


async def test_rotations_and_exceptions(admin: httpx.AsyncClient) -> None:
    """A week early, a week late; and one day off in between."""
    early = await made(admin, "shifts", name="E", start="06:00", end="14:00")
    late = await made(admin, "shifts", name="L", start="14:00", end="22:00")
    crew = await made(admin, "departments", name="Crew")
    bea = await made(admin, "people", fullName="Bea", departmentId=crew["id"])
    turns = {"anchor": MONDAY, "unit": "week", "turns": [[early["id"]], [late["id"]]]}
    await made(admin, "schedules", departmentId=crew["id"], rotation=turns, **{"from": MONDAY})
    await made(admin, "schedules", personId=bea["id"], exception=True, **{"from": "2026-01-06", "to": "2026-01-06"})
    found = await days(admin, MONDAY, "2026-01-12", departmentId=crew["id"])
    assert [day["shiftName"] for day in found] == ["E", None, "E", "E", "E", "E", "E", "L"]


async def test_the_list_is_filtered_sorted_and_cut(admin: httpx.AsyncClient, ada: str) -> None:
    """By status, mark, lateness, words, person; in either direction; in pages."""
    bea = await made(admin, "people", fullName="Bea", employeeId="B-7")
    await entered(admin, ada, "in 2026-01-05T09:30", "out 2026-01-05T17:00")
    await entered(admin, bea["id"], "in 2026-01-05T10:00", "out 2026-01-05T11:00")
    for query, who in (
        ({"status": "absent"}, []), ({"late": True}, ["Ada"]), ({"late": False}, ["Bea"]), ({"search": "b-7"}, ["Bea"]),
        ({"personId": ada}, ["Ada"]), ({"sort": "-workedMinutes"}, ["Ada", "Bea"]), ({"sort": "workedMinutes"},
        ["Bea", "Ada"]), ({"sort": "-fullName"}, ["Bea", "Ada"]), ({"mark": "missing_out"}, []),
    ):  # fmt: skip
        assert [day["person"]["fullName"] for day in await days(admin, **query)] == who, query
    page = (await admin.get(DAYS, params={"from": MONDAY, "pageSize": 1, "page": 2})).json()
    assert ([day["person"]["fullName"] for day in page["data"]], page["meta"]["total"]) == (["Bea"], 2)
    for wrong in ({"sort": "age"}, {"from": "2026-01-06", "to": MONDAY}, {"from": "2020-01-01", "to": MONDAY}):
        assert (await admin.get(DAYS, params=wrong)).status_code in (400, 422), wrong
    assert (await admin.get(DAYS, params={"from": "2020-01-01"})).status_code == 200


async def test_sums(admin: httpx.AsyncClient, ada: str) -> None:
    """In all, by department and by date."""
    lab = await made(admin, "departments", name="Lab")
    bea = await made(admin, "people", fullName="Bea", departmentId=lab["id"])
    await entered(admin, ada, "in 2026-01-05T09:30", "out 2026-01-05T17:00", "in 2026-01-12T08:00")
    await entered(admin, bea["id"], "in 2026-01-06T10:00", "out 2026-01-06T11:00")
    query = {"from": MONDAY, "to": "2026-01-06"}
    summary = (await admin.get(f"{API}/attendance/summary", params=query)).json()["data"]
    assert (summary["people"], summary["lateDays"], summary["lateMinutes"]) == (2, 1, 30)
    assert summary["workedMinutes"] == 420 + 60
    assert (summary["days"]["present"], summary["days"]["absent"], summary["presentNow"]) == (2, 1, 1)
    assert [(one["name"], one["workedMinutes"]) for one in summary["byDepartment"]] == [("Lab", 60), (None, 420)]
    assert [(one["date"], one["workedMinutes"]) for one in summary["byDate"]] == [
        (MONDAY, 420), ("2026-01-06", 60),
    ]  # fmt: skip


async def test_what_is_locked_stays_as_it_was_paid(admin: httpx.AsyncClient, ada: str) -> None:
    """A change behind the lock shows as an adjustment; once the lock is away, the day is what its entries say."""
    (_, leaves) = await entered(admin, ada, "in 2026-01-05T09:00", "out 2026-01-05T17:00")
    lock = await made(admin, "attendance/locks", through="2026-01-06", note="January, first part")
    assert lock["lockedByName"] == "admin@example.com"
    (before,) = await days(admin)
    assert (before["locked"], before["adjustment"], before["workedMinutes"]) == (True, None, 450)
    url = f"{API}/attendance/entries/{leaves}"
    await admin.patch(url, json={"at": "2026-01-05T18:00:00Z", "reason": "She stayed on."})
    (after,) = await days(admin)
    assert (after["workedMinutes"], after["lastOut"]) == (450, before["lastOut"])
    assert after["adjustment"] == {
        "status": "present", "workedMinutes": 60, "breakMinutes": 0, "lateMinutes": 0, "earlyMinutes": 0,
        "overtimeMinutes": 60,
    }  # fmt: skip
    assert [day["locked"] for day in await days(admin, "2026-01-06", "2026-01-07")] == [True, False]
    assert (await admin.delete(f"{LOCKS}/{lock['id']}")).status_code == 204
    (again,) = await days(admin)
    assert (again["locked"], again["workedMinutes"], again["adjustment"]) == (False, 510, None)


async def test_locks_follow_one_another(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """Only forward, only what is over, and only the newest is taken away; each is audited."""
    first = await made(admin, "attendance/locks", through="2026-01-05")
    for through, status in (("2026-01-05", 409), ("2026-01-01", 409), ("2026-01-12", 422)):
        assert (await admin.post(LOCKS, json={"through": through})).status_code == status
    second = await made(admin, "attendance/locks", through="2026-01-07")
    early = await admin.delete(f"{LOCKS}/{first['id']}")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_the_newest")
    await entered(admin, ada, "in 2024-01-05T09:00")  # is behind the lock
    listed = (await admin.get(LOCKS)).json()["data"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    actions = [one["action"] for one in (await admin.get(f"{API}/audit?resource=locks")).json()["data"]]
    assert actions == ["days.locked", "days.locked"]
    async with client_of(parts, "Operator") as operator:
        assert (await operator.post(LOCKS, json={"through": "2026-01-08"})).status_code == 403


async def test_who_was_removed_leaves_no_day(admin: httpx.AsyncClient, ada: str) -> None:
    """The entries and what was paid stay, without saying whose they were; somebody who is not active stays visible."""
    bea = await made(admin, "people", fullName="Bea")
    await entered(admin, ada, "in 2026-01-05T09:00", "out 2026-01-05T17:00")
    await entered(admin, bea["id"], "in 2026-01-05T10:00", "out 2026-01-05T11:00")
    await made(admin, "attendance/locks", through="2026-01-06")
    await admin.put(f"{API}/people/{bea['id']}", json={"active": False})
    assert [day["person"]["fullName"] for day in await days(admin)] == ["Ada", "Bea"]
    assert [day["person"]["fullName"] for day in await days(admin, "2026-01-11", "2026-01-11")] == ["Ada"]
    assert (await admin.delete(f"{API}/people/{ada}")).status_code == 204
    assert [day["person"]["fullName"] for day in await days(admin)] == ["Bea"]
    left = (await admin.get(f"{API}/attendance/entries", params={"to": (MONDAY + "T23:00:00Z")})).json()["data"]
    assert [one["person"] is None for one in left] == [True, False, False, True]


async def test_a_department_of_ones_own(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """Whoever is limited sees those days only, and locks nothing."""
    lab = await made(admin, "departments", name="Lab")
    bea = await made(admin, "people", fullName="Bea", departmentId=lab["id"])
    await parts.access.accounts.create(
        email="lab@example.com", full_name="Lab", role="Admin", password="correct horse",
        department_ids=[lab["id"]],
    )  # fmt: skip
    async with client_of(parts, "Lab") as limited:
        assert [day["personId"] for day in await days(limited)] == [bea["id"]]
        answer = await limited.post(LOCKS, json={"through": "2026-01-06"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "limited")


async def test_without_dates_it_is_today(parts: Parts, admin: httpx.AsyncClient, ada: str) -> None:
    """At the site; and who is expected later is not absent yet."""
    (day,) = (await admin.get(DAYS)).json()["data"]
    assert day["date"] == (parts.clock.now() + timedelta(0)).date().isoformat()
    assert (day["status"], day["marks"]) == ("incomplete", ["expected"])


async def test_years_are_locked_in_steps(admin: httpx.AsyncClient, ada: str) -> None:
    """The first lock reaches back to the first entry, and says up to which date it can go at once."""
    await entered(admin, ada, "in 2024-01-05T09:00")
    answer = await admin.post(LOCKS, json={"through": "2026-01-06"})
    detail = answer.json()["error"]["details"][0]
    assert (answer.status_code, detail["field"], detail["code"]) == (422, "through", "too_long")
    await made(admin, "attendance/locks", through=detail["message"].split()[-1].rstrip("."))
    await made(admin, "attendance/locks", through="2026-01-06")
