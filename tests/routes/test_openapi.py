"""OpenAPI tells the truth: every endpoint, its types, its errors, and examples that hold."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter
from starlette.routing import Mount, Route, WebSocketRoute

from server.app import ENDPOINTS, make_app
from server.parts import Parts
from server.routes.openapi import TAGS, document

PAGES = {
    "/",
    "/people",
    "/attendance",
    "/attendance/working-time",
    "/cameras",
    "/jobs",
    "/kiosk",
    "/kiosk/words/{language}.json",
    "/kiosk-worker.js",
    "/events",
    "/settings",
    "/login",
    "/password",
    "/setup",
    "/account",
    "/docs",
    "/docs/events",
}
FILES = {"/static", "/docs/static"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(ENDPOINTS, "1.2.3")


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            yield f"{method.upper()} {path}", one


def with_examples(node: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every schema in the document that has an example beside it."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield place, node["schema"], node["example"]
        for name, inner in node.items():
            if name != "example":
                yield from with_examples(inner, f"{place}/{name}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from with_examples(inner, f"{place}/{number}")


async def test_it_is_openapi(described: dict[str, Any], anyone: httpx.AsyncClient) -> None:
    """Valid by the standard's own schema, and what is served is what is made."""
    OpenAPIV31SpecValidator(described).validate()
    served = (await anyone.get("/openapi.json")).json()
    assert served["paths"] == described["paths"]
    assert served["openapi"].startswith("3.1")


def test_every_route_is_described(parts: Parts, described: dict[str, Any]) -> None:
    """What is not a page or a file is in the document; what is in the document is a route."""
    addresses = set()
    for route in make_app(parts).routes:
        if isinstance(route, Mount):
            assert route.path in FILES
        elif isinstance(route, WebSocketRoute):
            assert route.path == "/ws"  # described in /asyncapi.json
        else:
            assert isinstance(route, Route)
            methods = (route.methods or set()) - {"HEAD"}
            path = route.path.replace(":path}", "}")
            addresses |= {(method, path) for method in methods if path not in PAGES}
    documented = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert addresses == documented == {(one.method, one.url) for one in ENDPOINTS}


def test_every_operation_says_what_it_is(described: dict[str, Any]) -> None:
    """A sentence, a group that is explained, and who may."""
    for name, one in operations(described):
        assert one["summary"].endswith("."), name
        assert one["description"], name
        assert set(one["tags"]) <= set(TAGS), name
        public = one["security"] == []
        assert public or one["security"][0] == {"bearer": []}, name
    ids = [one["operationId"] for _, one in operations(described)]
    assert len(ids) == len(set(ids))
    assert all(tag["description"] for tag in described["tags"])


def test_examples_hold(described: dict[str, Any]) -> None:
    """Every body and every answer in JSON has an example, and each is valid by its own schema."""
    found = list(with_examples(described["paths"])) + list(with_examples(described["components"]["responses"]))
    assert found
    for place, schema, example in found:
        whole = {**schema, "components": described["components"]}
        checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
        wrong = [f"{place}: {error.json_path} {error.message}" for error in checker.iter_errors(example)]
        assert wrong == []
    for name, one in operations(described):
        contents = [one.get("requestBody", {}), *one["responses"].values()]
        for content in contents:
            described_json = content.get("content", {}).get("application/json", {})
            if described_json.get("schema"):
                assert "example" in described_json, name


@pytest.mark.parametrize("one", [one for one in ENDPOINTS if one.body], ids=lambda one: f"{one.method} {one.path}")
def test_bodies_of_examples_are_taken(one: Any, described: dict[str, Any]) -> None:
    """The handler's own class takes the example."""
    body = described["paths"][one.url][one.method.lower()]["requestBody"]["content"]["application/json"]
    assert TypeAdapter(one.body).validate_python(body["example"]) is not None


def test_every_error_has_the_envelope(described: dict[str, Any]) -> None:
    """Each status from 400 on, and the default, is the Error schema with a code."""
    for name, one in operations(described):
        for status, answer in one["responses"].items():
            if status.isdecimal() and int(status) < 400:
                continue
            if "$ref" in answer:
                answer = described["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            content = answer["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}, name
            assert content["example"]["error"]["code"], name
        assert {"503", "default"} <= set(one["responses"]), name


def test_references_lead_somewhere(described: dict[str, Any]) -> None:
    """No dangling reference, and no class that had to be told from a namesake by its module."""
    references = set(re.findall(r"'#/components/schemas/([^']+)'", str(described)))
    assert references
    assert references <= set(described["components"]["schemas"])
    assert [name for name in described["components"]["schemas"] if "__" in name] == []


def test_types_are_those_of_the_handlers(described: dict[str, Any]) -> None:
    """A body, a query, a permission, a list with its meta, an upload and an optional body, by example."""
    paths = described["paths"]
    people = paths["/api/v1/people"]
    assert people["post"]["x-permission"] == "people:write"
    assert people["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/PersonForm")
    assert {"page", "pageSize", "departmentId"} <= {one["name"] for one in people["get"]["parameters"]}
    assert "meta" in people["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    photos = paths["/api/v1/people/{person_id}/photos"]["post"]
    assert "multipart/form-data" in photos["requestBody"]["content"]
    assert paths["/api/v1/auth/logout"]["post"]["requestBody"]["required"] is False
    assert paths["/api/v1/auth/login"]["post"]["security"] == []
    created = described["components"]["schemas"]["PersonPublic"]["properties"]["createdAt"]
    assert created == {"type": "string", "format": "date-time"}
