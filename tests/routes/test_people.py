"""People over HTTP: create, edit, delete; and departments."""

import httpx
import pytest

from server.demo.clips import enrolment_photo
from server.parts import Parts


async def test_only_the_name_is_required(admin: httpx.AsyncClient) -> None:
    """The view has every field of the contract, also the empty ones."""
    answer = await admin.post("/api/v1/people", json={"fullName": "  Ada Lovelace "})
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["fullName"] == "Ada Lovelace"
    assert (data["employeeId"], data["email"], data["departmentId"], data["externalIds"]) == (None, None, None, {})
    assert (data["active"], data["photoCount"], data["photoUrl"], data["lastSeenAt"]) == (True, 0, None, None)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"fullName": "x" * 201}, "fullName"),
        ({"fullName": "Ada", "email": "not an address"}, "email"),
        ({"fullName": "Ada", "departmentId": "nowhere"}, "departmentId"),
        ({"fullName": "Ada", "externalIds": {"hr": 5}}, "externalIds.hr"),
    ],
)
async def test_wrong_fields_are_named(admin: httpx.AsyncClient, form: dict[str, object], field: str) -> None:
    """422 names the field; nobody is created."""
    answer = await admin.post("/api/v1/people", json=form)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert (await admin.get("/api/v1/people")).json()["meta"]["total"] == 0


async def test_employee_ids_are_taken_once(admin: httpx.AsyncClient) -> None:
    """A second person with the same number is a conflict; nobody is lost by it."""
    await admin.post("/api/v1/people", json={"fullName": "Ada", "employeeId": "7"})
    again = await admin.post("/api/v1/people", json={"fullName": "Bea", "employeeId": "7"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "employee_id_taken")


async def test_an_edit_changes_what_it_names(admin: httpx.AsyncClient) -> None:
    """What is left out stays; null empties."""
    made = (await admin.post("/api/v1/people", json={"fullName": "Ada", "email": "ada@example.com"})).json()["data"]
    url = f"/api/v1/people/{made['id']}"
    assert (await admin.put(url, json={"employeeId": "7"})).json()["data"]["email"] == "ada@example.com"
    changed = (await admin.put(url, json={"email": None})).json()["data"]
    assert (changed["email"], changed["employeeId"], changed["fullName"]) == (None, "7", "Ada")


async def test_who_is_not_active_is_not_in_the_gallery(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Deactivating takes the templates out at once, activating brings them back, deleting removes them."""
    made = (await admin.post("/api/v1/people", json={"fullName": "Eileen"})).json()["data"]
    url = f"/api/v1/people/{made['id']}"
    photo = await admin.post(f"{url}/photos", files={"file": ("a.jpg", enrolment_photo(), "image/jpeg")})
    assert photo.status_code == 201
    assert parts.roster.gallery.people == 1
    await admin.put(url, json={"active": False})
    assert parts.roster.gallery.people == 0
    await admin.put(url, json={"active": True})
    assert parts.roster.gallery.people == 1
    assert (await admin.get(url)).json()["data"]["photoCount"] == 1
    portrait = await admin.get(f"{url}/portrait.jpg")
    assert portrait.headers["content-type"] == "image/jpeg"
    assert (await admin.delete(url)).status_code == 204
    assert parts.roster.gallery.people == 0
    assert (await admin.get(f"{url}/portrait.jpg")).status_code == 404
    assert (await admin.get(url)).json()["error"]["code"] == "person_not_found"


async def test_departments_group_people(admin: httpx.AsyncClient) -> None:
    """A department is named once, and people are listed by it."""
    made = await admin.post("/api/v1/departments", json={"name": "Flight"})
    assert made.status_code == 201
    department = made.json()["data"]["id"]
    assert (await admin.post("/api/v1/departments", json={"name": "Flight"})).status_code == 409
    await admin.post("/api/v1/people", json={"fullName": "Eileen", "departmentId": department})
    await admin.post("/api/v1/people", json={"fullName": "Grace"})
    listed = (await admin.get(f"/api/v1/people?departmentId={department}")).json()
    assert [(person["fullName"], person["departmentName"]) for person in listed["data"]] == [("Eileen", "Flight")]
    assert (await admin.get("/api/v1/departments")).json()["data"][0]["name"] == "Flight"
