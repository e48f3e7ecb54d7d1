"""The first administrator: made in the browser, exactly once."""

from pydantic import Field

from server.routes.auth import UserPublic
from server.routes.endpoint import PUBLIC, Call, Endpoint, endpoint
from server.wire import Form, Password, Wire


class SetupForm(Form):
    code: str = Field(min_length=1, max_length=40, description="as the server printed it at its start")
    email: str = Field(min_length=1, max_length=254)
    full_name: str = Field(min_length=1, max_length=200)
    password: Password = Field(min_length=1, max_length=1024, description="12 characters or more, and no common one")


class SetupState(Wire):
    needed: bool


@endpoint("GET", "/setup", allow=PUBLIC)
async def get_setup(call: Call) -> SetupState:
    """Whether there is no user yet."""
    return SetupState(needed=await call.parts.access.first_admin.needed())


@endpoint("POST", "/setup", allow=PUBLIC, status=201, raises=(403, 409, 429))
async def make_first_admin(call: Call, body: SetupForm) -> UserPublic:
    """Makes the first administrator, for whoever has the code. Once there is a user, 409 `already_set_up`."""
    made = await call.parts.access.first_admin.make(
        body.code, email=body.email, full_name=body.full_name, password=body.password, origin=call.actor
    )
    return UserPublic.model_validate(made)


ENDPOINTS: tuple[Endpoint, ...] = (get_setup, make_first_admin)
