"""Who sends a request: the bearer of a token or key, or the browser with the session cookie."""

from starlette.requests import Request

from server.access.principal import Principal
from server.errors import Forbidden, NotAuthenticated
from server.parts import Parts

SESSION_COOKIE = "rollcall_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


async def identify(request: Request, parts: Parts) -> Principal:
    """The bearer of the token, or the browser with the session cookie (and, to change something, the CSRF token)."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind:
        if kind.lower() != "bearer" or not token.strip():
            raise NotAuthenticated("Send the access token as Authorization: Bearer.")
        return await parts.access.by_token(token.strip(), request.client.host if request.client else "")
    cookie = request.cookies.get(SESSION_COOKIE)
    principal = await parts.access.by_cookie(cookie) if cookie else None
    if principal is None:
        raise NotAuthenticated("Sign in first.")
    changes = request.method not in SAFE_METHODS
    if changes and not parts.access.csrf_valid(principal, request.headers.get(CSRF_HEADER, "")):
        raise Forbidden("This page is out of date. Load it again.", code="csrf_failed")
    return principal
