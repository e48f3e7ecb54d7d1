"""The documents and the page of the API: from this server, and only what the page needs."""

import re

import httpx

from server.parts import Parts
from server.routes.docs import NEEDED


async def test_the_documents_are_told_by_their_tag(anyone: httpx.AsyncClient) -> None:
    """JSON that a client keeps and asks about."""
    for path, word in (("/openapi.json", "openapi"), ("/asyncapi.json", "asyncapi")):
        answer = await anyone.get(path)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()[word].startswith("3.")
        again = await anyone.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_page_loads_from_here_only(anyone: httpx.AsyncClient) -> None:
    """No other host, nothing inline that the policy would refuse, and every file that it names is there."""
    page, events = await anyone.get("/docs"), await anyone.get("/docs/events")
    assert (page.status_code, events.status_code) == (200, 200)
    loads = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert {f"/docs/static/{name}" for name in NEEDED} <= set(loads)
    for url in {*loads, *re.findall(r'(?:src|href)="([^"#]+)"', events.text)}:
        assert url.startswith("/")
        assert (await anyone.get(url)).status_code in (200, 303), url
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style| style=| on\w+=", page.text + events.text) == []


async def test_only_what_the_page_needs_is_served(anyone: httpx.AsyncClient) -> None:
    """The installed package has more: none of it, and nothing beside it."""
    for name in NEEDED:
        assert (await anyone.get(f"/docs/static/{name}")).status_code == 200
    for name in ("swagger-editor-bundle.js", "oauth2-redirect.html", "", "../__init__.py", "..%2f__init__.py"):
        assert (await anyone.get(f"/docs/static/{name}")).status_code == 404, name


async def test_the_page_can_be_switched_off(anyone: httpx.AsyncClient, admin: httpx.AsyncClient, parts: Parts) -> None:
    """By a setting, at once; the documents stay, for clients are made from them."""
    settings = parts.runtime.current.as_json()
    settings["features"] = {**dict(settings["features"]), "apiDocs": False}  # type: ignore[call-overload]
    answer = await admin.put("/api/v1/settings", json=settings)
    assert answer.status_code == 200, answer.text
    assert (await anyone.get("/docs")).status_code == 404
    assert (await anyone.get("/docs/events")).status_code == 404
    assert (await anyone.get("/openapi.json")).status_code == 200
