"""The pages for people: who may open which, what they are rendered with, and the files they load."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, stat_result
from typing import Protocol
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import Scope

from server.assets import asset

PHOTOS_WANTED = 3  # straight, left, right


class Principal(Protocol):
    """The signed-in person, as far as a page shows it."""

    @property
    def full_name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def permissions(self) -> frozenset[str]: ...
    def may(self, permission: str) -> bool: ...


class PageGate(Protocol):
    """Who asks for a page. The application keeps one in `app.state.pages`."""

    async def who(self, request: Request) -> Principal | None: ...
    def csrf_token(self, principal: Principal) -> str: ...


@dataclass(frozen=True, slots=True)
class NavItem:
    path: str
    label: str
    icon: str
    permission: str


NAVIGATION = (
    NavItem("/", "Live", "live", "cameras:read"),
    NavItem("/people", "People", "people", "people:read"),
    NavItem("/kiosk", "Kiosk", "kiosk", "kiosks:read"),
)

ERRORS: Mapping[int, tuple[str, str]] = {
    403: ("This page is not open to you", "Your role does not include it. An administrator can change that."),
    404: ("There is no such page", "The address may be mistyped, or what it showed has been removed."),
    503: ("Rollcall is not ready yet", "It is starting, or something that it needs is away. Try again in a moment."),
}
OTHER_ERROR = ("Something went wrong", "This is our fault, not yours. Try again; if it stays, look into the log.")


def local_path(target: str | None) -> str:
    """The path to go on to, if it lies on this site; otherwise the wall."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    if "\\" in target or not target.isprintable() or urlsplit(target).netloc:
        return "/"
    return "/" if urlsplit(target).path == "/login" else target


class CachedFiles(StaticFiles):
    """Static files that a browser keeps, and asks about each time: modules import each other by plain paths."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


class Pages:
    """Renders the templates; also the page that stands for an error."""

    def __init__(self) -> None:
        self._templates = Jinja2Templates(asset("web") / "templates")

    async def login(self, request: Request) -> Response:
        onward = local_path(request.query_params.get("next"))
        if await _gate(request).who(request) is not None:
            return RedirectResponse(onward, 303)
        return self._render(request, "login.html", None, {"onward": onward, "host": request.url.hostname or ""})

    async def wall(self, request: Request) -> Response:
        return await self._page(request, "wall.html", "cameras:read")

    async def people(self, request: Request) -> Response:
        return await self._page(request, "people.html", "people:read")

    async def kiosk(self, request: Request) -> Response:
        """Open: without a signed-in person it asks for a pairing code."""
        return self._render(request, "kiosk.html", await _gate(request).who(request), {})

    async def error(self, request: Request, status: int) -> Response:
        """What a browser sees instead of a page; the edge calls it for whoever accepts HTML."""
        title, sentence = ERRORS.get(status, OTHER_ERROR)
        context = {"status": status, "title": title, "sentence": sentence}
        return self._render(request, "error.html", await _gate(request).who(request), context, status)

    async def _page(self, request: Request, template: str, permission: str) -> Response:
        principal = await _gate(request).who(request)
        if principal is None:
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(target, safe='/')}", 303)
        if not principal.may(permission):
            return await self.error(request, 403)
        return self._render(request, template, principal, {})

    def _render(
        self,
        request: Request,
        template: str,
        principal: Principal | None,
        context: Mapping[str, object],
        status: int = 200,
    ) -> Response:
        known = {
            "principal": principal,
            "permissions": " ".join(sorted(principal.permissions)) if principal else "",
            "may": principal.may if principal else _may_nothing,
            "csrf_token": _gate(request).csrf_token(principal) if principal else "",
            "navigation": [item for item in NAVIGATION if principal is not None and principal.may(item.permission)],
            "photos_wanted": PHOTOS_WANTED,
        }
        response = self._templates.TemplateResponse(request, template, {**known, **context}, status_code=status)
        response.headers["Cache-Control"] = "no-store"  # carries a name and a token
        return response


def page_routes(pages: Pages | None = None) -> list[Route | Mount]:
    """Every page and the files under /static."""
    shown = pages or Pages()
    return [
        Route("/", shown.wall, name="wall"),
        Route("/people", shown.people, name="people"),
        Route("/kiosk", shown.kiosk, name="kiosk"),
        Route("/login", shown.login, name="login"),
        Mount("/static", CachedFiles(directory=asset("web") / "static"), name="static"),
    ]


def _gate(request: Request) -> PageGate:
    gate: PageGate = request.app.state.pages
    return gate


def _may_nothing(permission: str) -> bool:
    return False
