"""The list of people as a table."""

import csv
import io

import httpx

from server.parts import Parts


async def exported(client: httpx.AsyncClient, **query: str) -> list[dict[str, str]]:
    answer = await client.get("/api/v1/people/export", params=query)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_everybody_by_name(admin: httpx.AsyncClient, parts: Parts) -> None:
    """Each external id is a column; the filters are those of the list; the audit knows of it."""
    sales = (await admin.post("/api/v1/departments", json={"name": "Sales"})).json()["data"]["id"]
    for form in (
        {"fullName": "Zoë", "externalIds": {"sap": "S1"}, "departmentId": sales},
        {"fullName": "Ada", "employeeId": "=7", "externalIds": {"erp": "E1"}},
    ):
        assert (await admin.post("/api/v1/people", json=form)).status_code == 201
    ada, zoe = await exported(admin)
    assert (ada["fullName"], ada["employeeId"], ada["externalIds.erp"], ada["externalIds.sap"]) == (
        "Ada", "'=7", "E1", ""
    )  # fmt: skip
    assert (zoe["department"], zoe["active"], zoe["photoCount"], zoe["enrolment"]) == ("Sales", "true", "0", "none")
    assert [row["fullName"] for row in await exported(admin, departmentId=sales)] == ["Zoë"]
    assert await exported(admin, enrolment="complete") == []
    assert (await admin.get("/api/v1/people/export?format=xml")).status_code == 422
    found = (await admin.get("/api/v1/audit", params={"search": "people.exported"})).json()["meta"]["total"]
    assert found == 3


async def test_what_is_exported_can_be_imported(admin: httpx.AsyncClient) -> None:
    """The same columns."""
    await admin.post("/api/v1/people", json={"fullName": "Ada", "employeeId": "7"})
    content = (await admin.get("/api/v1/people/export")).content
    answer = await admin.post("/api/v1/people/import", files={"file": ("people.csv", content)})
    assert answer.status_code == 202, answer.text
