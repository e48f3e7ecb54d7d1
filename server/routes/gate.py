"""Who may open the WebSocket and the pages: the access room as those two need it."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from server.access.access import Access
from server.access.principal import Principal
from server.errors import Forbidden
from server.events import gate
from server.routes.endpoint import SESSION_COOKIE


class SocketGate:
    """Lets in by token, by the browser's cookie (same origin only) or by ticket."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def by_token(self, token: str) -> Principal:
        return await self._access.by_token(token)

    async def by_cookie(self, websocket: WebSocket) -> Principal | None:
        cookie = websocket.cookies.get(SESSION_COOKIE)
        if not cookie:
            return None
        if not same_origin(websocket):
            raise Forbidden("This page is on another site.", code="origin_refused")
        return await self._access.by_cookie(cookie)

    async def by_ticket(self, ticket: str) -> Principal | None:
        return await self._access.by_ticket(ticket)

    async def still_valid(self, principal: gate.Principal) -> bool:
        return isinstance(principal, Principal) and await self._access.still_valid(principal)


class PagesGate:
    """Who looks at a page."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def who(self, request: Request) -> Principal | None:
        cookie = request.cookies.get(SESSION_COOKIE)
        return await self._access.by_cookie(cookie) if cookie else None

    def csrf_token(self, principal: Principal) -> str:
        return self._access.csrf_token(principal)


def same_origin(connection: HTTPConnection) -> bool:
    """Browsers always send Origin on a WebSocket; it has to be the host that they talk to."""
    origin = urlsplit(connection.headers.get("Origin", ""))
    return bool(origin.netloc) and origin.netloc.lower() == connection.headers.get("Host", "").lower()
