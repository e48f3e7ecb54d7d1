"""A browser of pages without a server behind them, and what tests ask of a page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser

from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response as StarletteResponse

from server.routes.pages import Pages, Principal, page_routes

READS = frozenset({"cameras:read", "sightings:read", "attendance:read", "people:read", "kiosks:read"})
WRITES = frozenset(
    {
        "people:write",
        "people:delete",
        "sightings:write",
        "cameras:write",
        "cameras:control",
        "cameras:delete",
        "attendance:write",
        "attendance:correct",
    }  # fmt: skip
)

SHOWN = (
    "/", "/cameras", "/people", "/attendance", "/attendance/working-time", "/kiosk", "/password", "/account",
    "/settings", "/events", "/jobs",
)  # fmt: skip
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass(frozen=True)
class SignedIn:
    full_name: str
    email: str
    role: str
    permissions: frozenset[str]
    must_change_password: bool = False

    def may(self, permission: str) -> bool:
        return permission in self.permissions


SETTINGS = frozenset({"settings:read", "events:read", "events:write", "events:delete"})
ADMIN = SignedIn('Ada <Admin> "A"', "admin@example.com", "Admin", READS | WRITES | SETTINGS)
VIEWER = SignedIn("Vera Viewer", "viewer@example.com", "Viewer", READS)
NARROW = SignedIn("Nora Narrow", "narrow@example.com", "Gate", frozenset({"cameras:read"}))


class Gate:
    """Lets everybody be one person, or nobody."""

    def __init__(self, principal: SignedIn | None, nobody_yet: bool = False) -> None:
        self._principal = principal
        self._nobody_yet = nobody_yet

    async def setup_needed(self) -> bool:
        return self._nobody_yet

    async def who(self, request: Request) -> Principal | None:
        return self._principal

    def site_name(self) -> str:
        return "Works <North>"

    def time_zone(self) -> str:
        return "Europe/Berlin"

    def csrf_token(self, principal: Principal) -> str:
        return f"token of {principal.email}"


@asynccontextmanager
async def browser(principal: SignedIn | None, nobody_yet: bool = False) -> AsyncIterator[AsyncClient]:
    pages = Pages()

    async def refused(request: Request, error: Exception) -> StarletteResponse:
        return await pages.error(request, error.status_code if isinstance(error, HTTPException) else 500)

    app = Starlette(routes=page_routes(pages), exception_handlers={404: refused})
    app.state.pages = Gate(principal, nobody_yet)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://door.example") as client:
        yield client


class Page(HTMLParser):
    """What a test asks of a page: elements with their attributes, and the text inside each."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words: list[str] = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, words))
        if tag not in VOID:
            self._open.append((tag, words))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, words in self._open:
            words.append(data)

    def all(self, *tags: str) -> list[tuple[dict[str, str], str]]:
        return [(attrs, "".join(words).strip()) for tag, attrs, words in self.elements if tag in tags]
