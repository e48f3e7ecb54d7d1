"""Who may open the WebSocket and the pages: the access room as those two need it."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from server.access.access import Access
from server.access.principal import Principal
from server.errors import Forbidden
from server.events import gate
from server.routes.endpoint import SESSION_COOKIE

Someone = TypeVar("Someone", Principal, Principal | None)


class SocketGate:
    """Lets in by token, by the browser's cookie (same origin only) or by ticket."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def by_token(self, token: str) -> Principal:
        return _settled(await self._access.by_token(token))

    async def by_cookie(self, websocket: WebSocket) -> Principal | None:
        """A page of another site has no use of the cookie that the browser sends along: it says who it is, like any
        program."""
        cookie = websocket.cookies.get(SESSION_COOKIE)
        if not cookie or not same_origin(websocket):
            return None
        return _settled(await self._access.by_cookie(cookie))

    async def by_ticket(self, ticket: str) -> Principal | None:
        return _settled(await self._access.by_ticket(ticket))

    async def still_valid(self, principals: Sequence[gate.Principal]) -> Sequence[bool]:
        ours = [one for one in principals if isinstance(one, Principal)]
        answers = iter(await self._access.all_still_valid(ours))
        return [isinstance(one, Principal) and next(answers) for one in principals]

    async def sees_kiosk(self, principal: gate.Principal, kiosk_id: str) -> bool:
        return isinstance(principal, Principal) and await self._access.sees_kiosk(principal, kiosk_id)


class PagesGate:
    """Who looks at a page, and of which site."""

    def __init__(
        self,
        access: Access,
        site_name: Callable[[], str] = lambda: "Rollcall",
        time_zone: Callable[[], str] = lambda: "UTC",
    ) -> None:
        self._access = access
        self.site_name = site_name
        self.time_zone = time_zone

    async def who(self, request: Request) -> Principal | None:
        cookie = request.cookies.get(SESSION_COOKIE)
        return await self._access.by_cookie(cookie) if cookie else None

    def csrf_token(self, principal: Principal) -> str:
        return self._access.csrf_token(principal)

    async def setup_needed(self) -> bool:
        """Whether there is nobody yet who could sign in."""
        return await self._access.first_admin.needed()


def same_origin(connection: HTTPConnection) -> bool:
    """Browsers always send Origin on a WebSocket; it has to be the host that they talk to."""
    origin = urlsplit(connection.headers.get("Origin", ""))
    return bool(origin.netloc) and origin.netloc.lower() == connection.headers.get("Host", "").lower()


def _settled(principal: Someone) -> Someone:
    """Raises Forbidden for somebody who has to choose a new password first."""
    if principal is not None and principal.must_change_password:
        raise Forbidden("Choose a new password first.", code="password_change_required")
    return principal
