"""Signing in and out, and who one is."""

from pydantic import Field
from starlette.responses import Response

from server.access.sessions import TokenReused
from server.errors import Forbidden
from server.routes.endpoint import PUBLIC, SESSION_COOKIE, SIGNED_IN, Call, Endpoint, endpoint
from server.routes.responses import success
from server.wire import Form, Password, Time, Wire


class LoginForm(Form):
    username: str = Field(min_length=1, max_length=254, description="the e-mail address")
    password: Password = Field(min_length=1, max_length=1024)
    otp: str | None = Field(
        None, max_length=40, description="of those who have a second factor: a code of the app, or a recovery code"
    )


class RefreshForm(Form):
    refresh_token: str = Field(min_length=1, max_length=4096)


class LogoutForm(Form):
    refresh_token: str | None = Field(None, max_length=4096)


class NameForm(Form):
    full_name: str = Field(min_length=1, max_length=200)


class UserPublic(Wire):
    id: str
    email: str
    full_name: str
    role: str
    active: bool
    permissions: list[str]
    must_change_password: bool = Field(description="until then little else is open to them")
    totp_enabled: bool = Field(description="whether a second factor is asked for")
    camera_ids: list[str] | None = Field(description="the cameras that they are limited to; null: all")
    department_ids: list[str] | None = Field(description="the departments that they are limited to; null: all")
    last_login_at: Time | None
    created_at: Time
    updated_at: Time


class ApiKeyInUse(Wire):
    id: str
    name: str


class Me(UserPublic):
    api_key: ApiKeyInUse | None = Field(None, description="the key that asks; then `permissions` are the key's")


class Tokens(Wire):
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: UserPublic


class Ticket(Wire):
    ticket: str
    expires_in: int


@endpoint("POST", "/auth/login", allow=PUBLIC, raises=(401, 429))
async def login(call: Call, body: LoginForm) -> Tokens:
    """Tokens for a program, and the session cookie for a browser.

    401 with the code `otp_required`: the password was right, and the second factor is asked for: send the same again
    with `otp`. `otp_wrong`: that code was not right. All else is `wrong_credentials`.
    """
    origin = call.actor
    signed_in = await call.parts.access.login(
        body.username, body.password, origin.user_agent, origin.address, otp=body.otp, request_id=origin.request_id
    )
    response = success(Tokens.model_validate(signed_in))
    response.set_cookie(
        SESSION_COOKIE, signed_in.cookie or "", max_age=signed_in.cookie_max_age_s, httponly=True, samesite="lax",
        secure=_over_https(call), path="/",
    )  # fmt: skip
    return response  # type: ignore[return-value]  # the envelope is already on; OpenAPI reads the annotation


@endpoint("POST", "/auth/refresh", allow=PUBLIC, raises=(401,))
async def refresh(call: Call, body: RefreshForm) -> Tokens:
    """A new pair of tokens; the old refresh token is spent.

    One that was spent before ends the session, except within 10 s: then the answer has the same refresh token again.
    """
    try:
        return Tokens.model_validate(await call.parts.access.refresh(body.refresh_token, call.actor))
    except TokenReused:
        call.parts.hub.revoked()
        raise


@endpoint("POST", "/auth/logout", allow=SIGNED_IN, status=204, own_account=True, before_password_change=True)
async def logout(call: Call, body: LogoutForm | None) -> Response:
    """Ends this session, everywhere it is in use, and the one of the refresh token if that is another."""
    await call.parts.access.logout(call.who, body.refresh_token if body else None, call.actor)
    call.parts.hub.revoked()
    return _signed_out(call)


@endpoint("POST", "/auth/logout-all", allow=SIGNED_IN, status=204, own_account=True, before_password_change=True)
async def logout_all(call: Call) -> Response:
    """Ends all sessions of this user."""
    await call.parts.access.logout_all(call.who, call.actor)
    call.parts.hub.revoked()
    return _signed_out(call)


@endpoint("GET", "/auth/me", allow=SIGNED_IN, before_password_change=True)
async def me(call: Call) -> Me:
    """Who is signed in, or whose API key it is, and what they may do."""
    if call.who.kiosk_id is not None:
        raise Forbidden("A kiosk is not a user.")
    found = Me.model_validate(await call.parts.access.accounts.get(call.who.user_id))
    if call.who.key_id is None:
        return found
    used = ApiKeyInUse(id=call.who.key_id, name=await call.parts.access.key_name(call.who.key_id))
    return found.model_copy(update={"permissions": sorted(call.who.permissions), "api_key": used})


@endpoint("PATCH", "/auth/me", allow=SIGNED_IN, own_account=True)
async def rename_me(call: Call, body: NameForm) -> Me:
    """Changes the own name; the rest is for an administrator."""
    accounts = call.parts.access.accounts
    return Me.model_validate(
        await accounts.rename(call.who, body.full_name, actor=call.actor, unchanged=call.unchanged)
    )


@endpoint("POST", "/auth/ticket", allow=SIGNED_IN)
async def ticket(call: Call) -> Ticket:
    """A ticket for `/ws?ticket=`: single use, short-lived."""
    value, expires_in = await call.parts.access.ticket(call.who)
    return Ticket(ticket=value, expires_in=expires_in)


def _over_https(call: Call) -> bool:
    return call.parts.limits.secure_cookies or call.request.url.scheme == "https"


def _signed_out(call: Call) -> Response:
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=_over_https(call))
    return response


ENDPOINTS: tuple[Endpoint, ...] = (login, refresh, logout, logout_all, me, rename_me, ticket)
