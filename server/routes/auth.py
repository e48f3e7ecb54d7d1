"""Signing in and out, and who one is."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Forbidden
from server.routes.endpoint import PUBLIC, SESSION_COOKIE, SIGNED_IN, Call, Endpoint, endpoint
from server.routes.responses import success
from server.wire import Form, Time, Wire


class LoginForm(Form):
    username: str = Field(min_length=1, max_length=254, description="the e-mail address")
    password: str = Field(min_length=1, max_length=1024)
    otp: str | None = Field(None, max_length=20)


class RefreshForm(Form):
    refresh_token: str = Field(min_length=1, max_length=4096)


class LogoutForm(Form):
    refresh_token: str | None = Field(None, max_length=4096)


class UserPublic(Wire):
    id: str
    email: str
    full_name: str
    role: str
    active: bool
    permissions: list[str]
    last_login_at: Time | None
    created_at: Time
    updated_at: Time


class Tokens(Wire):
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: UserPublic


class Ticket(Wire):
    ticket: str
    expires_in: int


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@endpoint("POST", "/auth/login", allow=PUBLIC)
async def login(call: Call, body: LoginForm) -> Tokens:
    """Tokens for a program, and the session cookie for a browser."""
    agent = call.request.headers.get("User-Agent", "")[:400]
    signed_in = await call.parts.access.login(body.username, body.password, agent, _address(call.request))
    response = success(Tokens.model_validate(signed_in))
    response.set_cookie(
        SESSION_COOKIE, signed_in.cookie or "", max_age=signed_in.cookie_max_age_s, httponly=True, samesite="lax",
        secure=call.parts.limits.secure_cookies, path="/",
    )  # fmt: skip
    return response  # type: ignore[return-value]  # the envelope is already on; OpenAPI reads the annotation


@endpoint("POST", "/auth/refresh", allow=PUBLIC)
async def refresh(call: Call, body: RefreshForm) -> Tokens:
    """A new pair of tokens; the old refresh token is spent."""
    return Tokens.model_validate(await call.parts.access.refresh(body.refresh_token))


@endpoint("POST", "/auth/logout", allow=SIGNED_IN, status=204)
async def logout(call: Call, body: LogoutForm | None) -> Response:
    """Ends this session, everywhere it is in use, and the one of the refresh token if that is another."""
    await call.parts.access.logout(call.who, body.refresh_token if body else None)
    call.parts.hub.revoked()
    return _signed_out()


@endpoint("POST", "/auth/logout-all", allow=SIGNED_IN, status=204)
async def logout_all(call: Call) -> Response:
    """Ends all sessions of this user."""
    await call.parts.access.logout_all(call.who)
    call.parts.hub.revoked()
    return _signed_out()


def _signed_out() -> Response:
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@endpoint("GET", "/auth/me", allow=SIGNED_IN)
async def me(call: Call) -> UserPublic:
    """Who is signed in, and what they may do."""
    if call.who.kiosk_id is not None:
        raise Forbidden("A kiosk is not a user.")
    return UserPublic.model_validate(await call.parts.access.accounts.get(call.who.user_id))


@endpoint("POST", "/auth/ticket", allow=SIGNED_IN)
async def ticket(call: Call) -> Ticket:
    """A ticket for `/ws?ticket=`: single use, short-lived."""
    value, expires_in = call.parts.access.ticket(call.who)
    return Ticket(ticket=value, expires_in=expires_in)


ENDPOINTS: tuple[Endpoint, ...] = (login, refresh, logout, logout_all, me, ticket)
