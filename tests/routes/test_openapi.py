"""OpenAPI tells the truth: every endpoint, its types, and references that lead somewhere."""

import re

import httpx

from server.app import ENDPOINTS


async def test_every_endpoint_is_documented(anyone: httpx.AsyncClient) -> None:
    """Paths and methods are those of the routes, and the other way round."""
    document = (await anyone.get("/openapi.json")).json()
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert documented == {(one.method, one.prefix + one.path) for one in ENDPOINTS}
    assert document["openapi"].startswith("3.1")


async def test_references_lead_somewhere(anyone: httpx.AsyncClient) -> None:
    """No dangling reference, and no operation has the id of another."""
    answer = await anyone.get("/openapi.json")
    document = answer.json()
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text))
    assert references
    assert references <= set(document["components"]["schemas"])
    ids = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))


async def test_types_are_those_of_the_handlers(anyone: httpx.AsyncClient) -> None:
    """A body, a query, a permission, a list with its meta, an upload and an optional body, by example."""
    paths = (await anyone.get("/openapi.json")).json()["paths"]
    people = paths["/api/v1/people"]
    assert people["post"]["x-permission"] == "people:write"
    assert people["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/PersonForm")
    assert {"page", "pageSize", "departmentId"} <= {one["name"] for one in people["get"]["parameters"]}
    assert "meta" in people["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    photos = paths["/api/v1/people/{person_id}/photos"]["post"]
    assert "multipart/form-data" in photos["requestBody"]["content"]
    assert paths["/api/v1/auth/logout"]["post"]["requestBody"]["required"] is False
    assert paths["/api/v1/auth/login"]["post"]["security"] == []


async def test_asyncapi_is_served(anyone: httpx.AsyncClient) -> None:
    """The WebSocket has its document too."""
    assert (await anyone.get("/asyncapi.json")).json()["asyncapi"].startswith("3.")
