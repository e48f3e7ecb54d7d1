"""Shifts over HTTP: all of their rules come back as they were given."""

from typing import Any

import httpx

SHIFTS = "/api/v1/shifts"
WHOLE: dict[str, Any] = {
    "name": "Split", "start": "06:00", "end": "20:00", "timezone": "Europe/Berlin", "days": [1, 5], "kind": "split",
    "breakMinutes": 15, "breaks": [{"start": "08:00", "end": "08:15"}], "breakAfterMinutes": 240,
    "graceLateMinutes": 3, "graceEarlyMinutes": 4, "opensMinutes": 60, "closesMinutes": 90,
    "roundIn": {"step": "up", "minutes": 15}, "roundOut": {"step": "nearest", "minutes": 5}, "leastMinutes": 60,
    "halfDayMinutes": 200,
    "overtime": {"afterMinutes": None, "leastMinutes": 15, "limitMinutes": 120, "earlyCounts": True},
    "parts": [{"start": "06:00", "end": "10:00"}, {"start": "16:00", "end": "20:00"}], "core": None,
    "requiredMinutes": None, "pairing": "first_last", "closing": "longest",
}  # fmt: skip


async def test_all_of_it_comes_back(admin: httpx.AsyncClient) -> None:
    """And an edit replaces all of it: what is left out has its default again."""
    made = (await admin.post(SHIFTS, json=WHOLE)).json()["data"]
    assert {name: made[name] for name in WHOLE} == WHOLE
    plain = {"name": "Plain", "start": "09:00", "end": "17:00"}
    edited = (await admin.put(f"{SHIFTS}/{made['id']}", json=plain)).json()["data"]
    assert (edited["parts"], edited["kind"], edited["graceLateMinutes"], edited["timezone"]) == ([], "fixed", 0, None)


async def test_the_contracts_example(admin: httpx.AsyncClient) -> None:
    """A night with a break and some grace, and nothing else said."""
    night = {"name": "Night", "start": "22:00", "end": "06:00", "breakMinutes": 45, "graceLateMinutes": 5,
             "graceEarlyMinutes": 5, "timezone": "Europe/Berlin", "days": [1, 2, 3, 4, 5, 6, 7]}  # fmt: skip
    answer = await admin.post(SHIFTS, json=night)
    assert answer.status_code == 201
    assert {name: answer.json()["data"][name] for name in night} == night
