"""The values of the examples: each belongs to a field that there is."""

from typing import Any

import httpx
import pytest

from server.app import ENDPOINTS
from server.routes.openapi import document
from server.routes.plausible import OF_CLASS


def test_every_class_and_field_is_there() -> None:
    """A renamed field takes its example with it."""
    schemas = document(ENDPOINTS, "1")["components"]["schemas"]
    there = {
        f"{name.partition('-')[0]}.{field}" for name, one in schemas.items() for field in one.get("properties", ())
    }
    assert set(OF_CLASS) - there == set()


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api-keys"), ("POST", "/audit/export"), ("PUT", "/cameras/{camera_id}")]
)
async def test_what_has_rules_beyond_its_schema_is_taken(admin: httpx.AsyncClient, method: str, path: str) -> None:
    """An end after the beginning, and an address where one is wanted: the example can be sent as it is."""
    made = await admin.post("/api/v1/cameras", json={"name": "Door", "kind": "push", "enabled": False})
    one: Any = document(ENDPOINTS, "1")["paths"][f"/api/v1{path}"][method.lower()]
    example = one["requestBody"]["content"]["application/json"]["example"]
    if "enabled" in example:
        example |= {"enabled": False}  # nobody has that camera
    answer = await admin.request(method, f"/api/v1{path}".format(camera_id=made.json()["data"]["id"]), json=example)
    assert answer.is_success, answer.text
