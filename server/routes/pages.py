"""The pages for people: who may open which, what they are rendered with, and the files they load."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, stat_result
from typing import Protocol
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import Scope

from server.assets import asset
from server.jobs import days_pdf
from server.routes.kiosk_page import kiosk_page_routes
from server.routes.languages import Languages
from server.store.people import PHOTOS_WANTED


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
    @property
    def must_change_password(self) -> bool: ...
    def may(self, permission: str) -> bool: ...


class PageGate(Protocol):
    """Who asks for a page. The application keeps one in `app.state.pages`."""

    async def who(self, request: Request) -> Principal | None: ...
    def csrf_token(self, principal: Principal) -> str: ...
    async def setup_needed(self) -> bool: ...
    def site_name(self) -> str: ...
    def time_zone(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NavItem:
    path: str
    label: str
    icon: str
    permission: str
    narrow: bool = True  # there is room for it on a phone too; else it is in the menu of the account


NAVIGATION = (
    NavItem("/", "Live", "live", "cameras:read"),
    NavItem("/cameras", "Cameras", "cctv", "cameras:read"),
    NavItem("/people", "People", "people", "people:read"),
    NavItem("/attendance", "Attendance", "calendar", "attendance:read"),
    NavItem("/events", "Events", "activity", "events:read"),
    NavItem("/kiosk", "Kiosk", "kiosk", "kiosks:read"),
    NavItem("/jobs", "Jobs", "jobs", "jobs:read", narrow=False),
    NavItem("/settings", "Settings", "settings", "settings:read"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page of settings: its template is `settings-ID.html`."""

    id: str
    label: str
    icon: str
    permission: str


SECTIONS = (
    Section("kiosks", "Kiosks", "kiosk", "kiosks:read"),
    Section("reports", "Reports by e-mail", "mail", "events:read"),
    Section("webhooks", "Webhooks", "send", "events:read"),
    Section("connections", "Connections", "system", "system:read"),
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
    return "/" if urlsplit(target).path in ("/login", "/setup", "/password") else target


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

    def __init__(self, languages: Languages | None = None) -> None:
        self.languages = languages or Languages()
        self._templates = Jinja2Templates(asset("web") / "templates")

    async def login(self, request: Request) -> Response:
        onward = local_path(request.query_params.get("next"))
        if await _gate(request).who(request) is not None:
            return RedirectResponse(onward, 303)
        nobody_yet = await _gate(request).setup_needed()
        known = {"onward": onward, "host": request.url.hostname or "", "nobody_yet": nobody_yet}
        return self._render(request, "login.html", None, known)

    async def password(self, request: Request) -> Response:
        """A new password: of one's own will, or because an administrator has set the old one."""
        principal = await _gate(request).who(request)
        if principal is None:
            return RedirectResponse("/login?next=/password", 303)
        onward = local_path(request.query_params.get("next"))
        return self._render(request, "password.html", principal, {"onward": onward})

    async def setup(self, request: Request) -> Response:
        """The first administrator. Once there is somebody, the page leads to signing in."""
        if not await _gate(request).setup_needed():
            return RedirectResponse("/login", 303)
        known = {"code": request.query_params.get("code", "")[:20], "host": request.url.hostname or ""}
        return self._render(request, "setup.html", None, known)

    async def wall(self, request: Request) -> Response:
        return await self._page(request, "wall.html", "cameras:read")

    async def account(self, request: Request) -> Response:
        """One's own: a password, a second factor, where one is signed in."""
        return await self._page(request, "account.html", None)

    async def cameras(self, request: Request) -> Response:
        return await self._page(request, "cameras.html", "cameras:read")

    async def people(self, request: Request) -> Response:
        return await self._page(request, "people.html", "people:read")

    async def attendance(self, request: Request) -> Response:
        return await self._page(request, "attendance.html", "attendance:read")

    async def events(self, request: Request) -> Response:
        """What happens, of the topics that whoever asks may read."""
        return await self._page(request, "events.html", "events:read")

    async def settings(self, request: Request) -> Response:
        """A section for each thing that is set up here, as far as whoever asks may see it."""
        spoken = await asyncio.to_thread(self.languages.known)
        languages = [[one.tag, one.name] for one in spoken.values()]
        known = {"time_zone": _gate(request).time_zone(), "languages": languages}
        return await self._page(request, "settings.html", "settings:read", known)

    async def jobs(self, request: Request) -> Response:
        """What is done in the background: of others only for who may read that."""
        return await self._page(request, "jobs.html", None)

    async def working_time(self, request: Request) -> Response:
        """Shifts, schedules, leave, holidays, sites and locked days, for whoever plans them."""
        return await self._page(request, "working-time.html", "attendance:write")

    async def kiosk(self, request: Request) -> Response:
        """Open: without a signed-in person it asks for a pairing code."""
        languages = await asyncio.to_thread(self.languages.known)
        known = {"languages": list(languages.values()), "time_zone": _gate(request).time_zone()}
        return self._render(request, "kiosk.html", await _gate(request).who(request), known)

    async def docs(self, request: Request) -> Response:
        """The description of the API: open, and tried out as who is signed in."""
        return self._render(request, "docs.html", await _gate(request).who(request), {})

    async def docs_events(self, request: Request, known: Mapping[str, object]) -> Response:
        """The description of the events, as open as that of the API."""
        return self._render(request, "docs-events.html", await _gate(request).who(request), known)

    async def error(self, request: Request, status: int) -> Response:
        """What a browser sees instead of a page; the edge calls it for whoever accepts HTML."""
        title, sentence = ERRORS.get(status, OTHER_ERROR)
        context = {"status": status, "title": title, "sentence": sentence}
        try:
            principal = await _gate(request).who(request)
        except (SQLAlchemyError, OSError):  # which may be what the page is about
            principal = None
        return self._render(request, "error.html", principal, context, status)

    async def _page(
        self, request: Request, template: str, permission: str | None, known: Mapping[str, object] | None = None
    ) -> Response:
        principal = await _gate(request).who(request)
        if principal is None:
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(target, safe='/')}", 303)
        if principal.must_change_password:
            return RedirectResponse(f"/password?next={quote(request.url.path, safe='/')}", 303)
        if permission is not None and not principal.may(permission):
            return await self.error(request, 403)
        return self._render(request, template, principal, dict(known or {}))

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
            "sections": [one for one in SECTIONS if principal is not None and principal.may(one.permission)],
            "photos_wanted": PHOTOS_WANTED,
            "signs": days_pdf.possible(),
            "site_name": _gate(request).site_name(),
        }
        response = self._templates.TemplateResponse(request, template, {**known, **context}, status_code=status)
        response.headers["Cache-Control"] = "no-store"  # carries a name and a token
        return response


def page_routes(pages: Pages | None = None) -> list[Route | Mount]:
    """Every page and the files under /static."""
    shown = pages or Pages()
    return [
        Route("/", shown.wall, name="wall"),
        Route("/cameras", shown.cameras, name="cameras"),
        Route("/people", shown.people, name="people"),
        Route("/attendance", shown.attendance, name="attendance"),
        Route("/events", shown.events, name="events"),
        Route("/jobs", shown.jobs, name="jobs"),
        Route("/settings", shown.settings, name="settings"),
        Route("/attendance/working-time", shown.working_time, name="working-time"),
        Route("/kiosk", shown.kiosk, name="kiosk"),
        Route("/login", shown.login, name="login"),
        Route("/account", shown.account, name="account"),
        Route("/password", shown.password, name="password"),
        Route("/setup", shown.setup, name="setup"),
        *kiosk_page_routes(shown.languages),
        Mount("/static", CachedFiles(directory=asset("web") / "static"), name="static"),
    ]


def _gate(request: Request) -> PageGate:
    gate: PageGate = request.app.state.pages
    return gate


def _may_nothing(permission: str) -> bool:
    return False
