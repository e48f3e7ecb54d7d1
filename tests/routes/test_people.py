"""People over HTTP: create, edit, merge, delete, and whose face is on a photo."""

import httpx
import numpy as np
import pytest

from server.demo.clips import enrolment_photo
from server.demo.pictures import grace_hopper, read_picture
from server.identity.pictures import encode_jpeg
from server.parts import Parts
from server.store.tables import Department
from tests.routes.limited import limited_client


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


async def enrolled(admin: httpx.AsyncClient, name: str, photo: bytes, **more: object) -> str:
    made: str = (await admin.post("/api/v1/people", json={"fullName": name, **more})).json()["data"]["id"]
    answer = await admin.post(f"/api/v1/people/{made}/photos", files={"file": ("a.jpg", photo, "image/jpeg")})
    assert answer.status_code == 201, answer.text
    return made


async def searched(client: httpx.AsyncClient, photo: bytes) -> httpx.Response:
    return await client.post("/api/v1/people/search", files={"file": ("a.jpg", photo, "image/jpeg")})


async def test_whose_face_it_is(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Ranked, with what a camera would make of each; a picture without a face says so."""
    assert (await searched(admin, enrolment_photo())).json()["data"] == []
    collins = await enrolled(admin, "Eileen", enrolment_photo())
    hopper = await enrolled(admin, "Grace", encode_jpeg(read_picture(grace_hopper())))
    first, second = (await searched(admin, enrolment_photo())).json()["data"]
    assert (first["person"]["id"], first["recognized"]) == (collins, True)
    assert (second["person"]["id"], second["recognized"]) == (hopper, False)
    assert first["similarity"] > 0.99 > first["threshold"] > second["similarity"]
    assert second["margin"] < 0 < first["margin"]
    nobody = await searched(admin, encode_jpeg(np.full((200, 200, 3), 90, np.uint8)))
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (422, "no_face")


async def test_a_search_stays_within_the_limits(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Somebody of another department is not found, however like they are."""
    night = (await admin.post("/api/v1/departments", json={"name": "Night"})).json()["data"]["id"]
    collins = await enrolled(admin, "Eileen", enrolment_photo(), departmentId=night)
    hopper = await enrolled(admin, "Grace", encode_jpeg(read_picture(grace_hopper())))
    async with limited_client(parts, departments=[Department(id=night, name="Night")]) as client:
        (found,) = (await searched(client, enrolment_photo())).json()["data"]
    assert (found["person"]["id"], hopper != collins) == (collins, True)


async def test_two_that_are_one(parts: Parts, admin: httpx.AsyncClient) -> None:
    """Photos and ids come along, what is there already stays, and the other is gone, also from the gallery."""
    one = await enrolled(admin, "Eileen", enrolment_photo(), externalIds={"hr": "1"}, email="e@example.com")
    other_form = {"employeeId": "7", "externalIds": {"hr": "2", "badge": "3"}, "email": "x@example.com"}
    other = await enrolled(admin, "E. Collins", enrolment_photo(), **other_form)
    answer = await admin.post(f"/api/v1/people/{one}/merge", json={"otherId": other})
    assert answer.status_code == 200, answer.text
    merged = answer.json()["data"]
    assert (merged["fullName"], merged["employeeId"], merged["email"]) == ("Eileen", "7", "e@example.com")
    assert (merged["photoCount"], merged["externalIds"]) == (2, {"hr": "1", "badge": "3"})
    assert (await admin.get(f"/api/v1/people/{other}")).status_code == 404
    assert (parts.roster.gallery.people, len(parts.roster.gallery)) == (1, 2)
    for photo in (await admin.get(f"/api/v1/people/{one}/photos")).json()["data"]:
        assert (await admin.get(photo["url"])).status_code == 200
    for wrong, status in ((one, 422), (other, 404)):
        assert (await admin.post(f"/api/v1/people/{one}/merge", json={"otherId": wrong})).status_code == status
