"""The second factor: set up, confirmed and removed by its owner, or removed by an administrator."""

from pydantic import Field

from server.routes.endpoint import SIGNED_IN, Call, Endpoint, endpoint
from server.wire import Form, Password, Wire


class BeginForm(Form):
    current_password: Password = Field(min_length=1, max_length=1024)


class ConfirmForm(Form):
    otp: str = Field(min_length=6, max_length=40, description="the code that the app shows now")


class RemoveForm(Form):
    current_password: Password = Field(min_length=1, max_length=1024)
    otp: str = Field(min_length=6, max_length=40, description="a code of the app, or a recovery code")


class NewFactor(Wire):
    secret: str = Field(description="to type into the app")
    uri: str = Field(description="the same as an otpauth address")
    svg: str = Field(description="the same as a picture to scan")


class RecoveryCodes(Wire):
    recovery_codes: list[str] = Field(description="each is good once in place of a code; they are not told again")


@endpoint("POST", "/auth/totp", allow=SIGNED_IN, raises=(409, 429), own_account=True)
async def begin_totp(call: Call, body: BeginForm) -> NewFactor:
    """A secret for an authenticator app. It is asked for at the next login only once it is confirmed."""
    return NewFactor.model_validate(await call.parts.access.totp.begin(call.who, body.current_password, call.actor))


@endpoint("POST", "/auth/totp/confirm", allow=SIGNED_IN, raises=(409, 429), own_account=True)
async def confirm_totp(call: Call, body: ConfirmForm) -> RecoveryCodes:
    """Switches the second factor on, with the first code of the app."""
    return RecoveryCodes(recovery_codes=await call.parts.access.totp.confirm(call.who, body.otp, call.actor))


@endpoint("DELETE", "/auth/totp", allow=SIGNED_IN, status=204, raises=(404, 429), own_account=True)
async def remove_totp(call: Call, body: RemoveForm) -> None:
    """Switches the own second factor off."""
    await call.parts.access.totp.remove(call.who, body.current_password, body.otp, call.actor)


@endpoint("DELETE", "/users/{user_id}/totp", allow="users:manage", status=204, raises=(409,))
async def remove_totp_of(call: Call, user_id: str) -> None:
    """Removes the second factor of somebody who lost it."""
    await call.parts.access.totp.remove_of(user_id, call.who, call.actor, unchanged=call.unchanged)


ENDPOINTS: tuple[Endpoint, ...] = (begin_totp, confirm_totp, remove_totp, remove_totp_of)
