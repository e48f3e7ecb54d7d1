"""Who sends a request: the bearer of a token or key, or the browser with the session cookie."""

from starlette.requests import Request

from server.access.principal import Principal
from server.errors import Forbidden, NotAuthenticated
from server.parts import Parts

SESSION_COOKIE = "rollcall_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
IN_ADDRESSES = frozenset({"attendance:read"})  # all that a key in an address may do


async def identify(request: Request, parts: Parts, *, key_in_address: bool = False) -> Principal:
    """The bearer of the token, or the browser with the session cookie (and, to change something, the CSRF token).

    `key_in_address`: an API key may stand in the query. An address is passed on and kept in histories, so it is good
    for a key that may read attendance and nothing else.
    """
    if key_in_address and (key := request.query_params.get("key")):
        address = request.client.host if request.client else ""
        program = await parts.access.by_token(key, address)
        if program.key_id is None:
            raise NotAuthenticated("Only an API key may stand in an address.", code="key_invalid")
        if not program.permissions <= IN_ADDRESSES:
            raise Forbidden("This key may do more than read attendance: make one for calendars.", code="key_too_strong")
        return program
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
