"""Zones over HTTP: drawn, changed, removed, and refused where they are none."""

from typing import Any

import httpx
import pytest

from server.media.areas import MOST_ZONES
from server.parts import Parts

MASK: dict[str, Any] = {"name": "Screen", "kind": "mask", "points": [[0, 0], [0.5, 0], [0.5, 0.5]]}
LINE: dict[str, Any] = {"name": "Door step", "kind": "line", "points": [[0.5, 0], [0.5, 1]], "direction": "in"}


@pytest.fixture
async def url(admin: httpx.AsyncClient) -> str:
    """Of the zones of a camera."""
    form = {"name": "Door", "kind": "push", "enabled": False}
    made = (await admin.post("/api/v1/cameras", json=form)).json()["data"]["id"]
    return f"/api/v1/cameras/{made}/zones"


async def test_drawn_listed_changed_and_removed(admin: httpx.AsyncClient, url: str) -> None:
    """What is left out of a change stays; a direction of null is taken away."""
    mask = (await admin.post(url, json=MASK)).json()["data"]
    answer = await admin.post(url, json=LINE)
    assert answer.status_code == 201, answer.text
    line = answer.json()["data"]
    assert {name: line[name] for name in LINE} == LINE
    listed = (await admin.get(url)).json()
    assert ([one["name"] for one in listed["data"]], listed["meta"]["total"]) == (["Screen", "Door step"], 2)
    changed = await admin.put(f"{url}/{line['id']}", json={"name": "Step", "direction": "out"})
    assert changed.status_code == 200, changed.text
    shown = changed.json()["data"]
    assert (shown["name"], shown["direction"], shown["points"]) == ("Step", "out", LINE["points"])
    zone = {"kind": "count", "points": MASK["points"], "direction": None}
    shown = (await admin.put(f"{url}/{line['id']}", json=zone)).json()["data"]
    assert (shown["kind"], shown["direction"], shown["name"]) == ("count", None, "Step")
    assert (await admin.delete(f"{url}/{mask['id']}")).status_code == 204
    assert (await admin.delete(f"{url}/{mask['id']}")).json()["error"]["code"] == "zone_not_found"
    assert [one["name"] for one in (await admin.get(url)).json()["data"]] == ["Step"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (MASK | {"points": [[0, 0], [1, 1]]}, "points"),
        (MASK | {"points": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "points"),
        (MASK | {"points": [[0, 0], [1.01, 0], [1, 1]]}, "points.1.0"),
        (MASK | {"points": [[0, 0], [1, 0, 0], [1, 1]]}, "points.1"),
        (MASK | {"points": [[0.1 * (i % 9), 0.02 * i] for i in range(33)]}, "points"),
        (MASK | {"direction": "in"}, "direction"),
        (MASK | {"kind": "door"}, "kind"),
        (MASK | {"name": ""}, "name"),
        (LINE | {"direction": None}, "direction"),
        (LINE | {"points": [[0, 0], [1, 1], [1, 0]]}, "points"),
    ],
)
async def test_what_is_no_zone(admin: httpx.AsyncClient, url: str, form: dict[str, Any], field: str) -> None:
    """422 that names the field, for a new one and for a change; nothing is stored."""
    made = (await admin.post(url, json=MASK | {"name": "There"})).json()["data"]["id"]
    for answer in (await admin.post(url, json=form), await admin.put(f"{url}/{made}", json=form)):
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["details"][0]["field"] == field
    (only,) = (await admin.get(url)).json()["data"]
    assert (only["name"], only["points"]) == ("There", MASK["points"])


async def test_names_and_numbers_are_limited(admin: httpx.AsyncClient, url: str) -> None:
    """A name is there once a camera; a camera has so many zones at most."""
    assert (await admin.post(url, json=MASK)).status_code == 201
    again = await admin.post(url, json=MASK)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "zone_name_taken")
    for number in range(MOST_ZONES - 1):
        assert (await admin.post(url, json=MASK | {"name": f"Zone {number}"})).status_code == 201
    one_more = await admin.post(url, json=LINE)
    assert (one_more.status_code, one_more.json()["error"]["code"]) == (409, "too_many_zones")


async def test_of_another_camera(admin: httpx.AsyncClient, url: str) -> None:
    """A zone is found under its own camera only, and a camera that is none has none."""
    made = (await admin.post(url, json=MASK)).json()["data"]["id"]
    form = {"name": "Yard", "kind": "push", "enabled": False}
    other = (await admin.post("/api/v1/cameras", json=form)).json()["data"]["id"]
    assert (await admin.get(f"{url}/{made}")).json()["data"]["name"] == "Screen"
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        answer = await admin.request(method, f"/api/v1/cameras/{other}/zones/{made}", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "zone_not_found")
    for answer in (
        await admin.get("/api/v1/cameras/none/zones"),
        await admin.post("/api/v1/cameras/none/zones", json=MASK),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "camera_not_found")


async def test_what_was_done_is_in_the_audit(admin: httpx.AsyncClient, parts: Parts, url: str) -> None:
    """With what was there before and after."""
    made = (await admin.post(url, json=MASK)).json()["data"]["id"]
    await admin.put(f"{url}/{made}", json={"name": "Monitor"})
    await admin.delete(f"{url}/{made}")
    lines = (await admin.get("/api/v1/audit", params={"resource": "zones"})).json()["data"]
    assert [line["action"] for line in lines] == ["zone.removed", "zone.changed", "zone.created"]
    assert (lines[1]["before"]["name"], lines[1]["after"]["name"]) == ("Screen", "Monitor")
