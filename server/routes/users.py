"""Users, as who keeps them sees them."""

from pydantic import Field

from server.routes.auth import UserPublic
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import users
from server.wire import Form, Password

EXAMPLE = {"email": "ada@example.com", "fullName": "Ada Lovelace", "role": "Operator", "active": True}
NEW_EXAMPLE = {**EXAMPLE, "password": "seven grey herons", "cameraIds": None, "departmentIds": None}


class UserForm(Form):
    email: str = Field(min_length=3, max_length=254)
    full_name: str = Field(min_length=1, max_length=200)
    role: str = Field(min_length=1, max_length=64, description="by name")
    active: bool = Field(True, description="whether they may sign in")
    camera_ids: list[str] | None = Field(
        None, max_length=1000, description="the cameras that they are limited to; null: all"
    )
    department_ids: list[str] | None = Field(
        None, max_length=1000, description="the departments that they are limited to; null: all"
    )


class UserEdit(UserForm):
    """What is left out of the last three stays as it is."""

    active: bool | None = Field(None, description="whether they may sign in")  # type: ignore[assignment]


class NewUserForm(UserForm):
    password: Password = Field(min_length=1, max_length=1024, description="12 characters or more, and not a common one")


class NewPasswordForm(Form):
    new_password: Password = Field(min_length=1, max_length=1024)


class UsersQuery(Query):
    role: str | None = Field(None, max_length=64, description="by name")
    active: bool | None = None


@endpoint("GET", "/users", allow="users:read", sorts=users.SORTS)
async def list_users(call: Call, query: UsersQuery) -> Page[UserPublic]:
    """The users. Search looks at the address and the name."""
    found = await call.parts.access.accounts.page(query.wanted, role=query.role, active=query.active)
    return Page.of(query.wanted, [UserPublic.model_validate(row) for row in found.rows], found.total)


@endpoint("POST", "/users", allow="users:write", status=201, raises=(409,), example=NEW_EXAMPLE)
async def create_user(call: Call, body: NewUserForm) -> UserPublic:
    """A new user. 403 `more_than_you_may`: nobody gives permissions or cameras that they do not have themselves."""
    made = await call.parts.access.accounts.create(**body.model_dump(), by=call.who, actor=call.actor)
    return UserPublic.model_validate(made)


@endpoint("GET", "/users/{user_id}", allow="users:read")
async def get_user(call: Call, user_id: str) -> UserPublic:
    """One user."""
    return UserPublic.model_validate(await call.parts.access.accounts.get(user_id))


@endpoint("PUT", "/users/{user_id}", allow="users:write", raises=(409,), example=EXAMPLE)
async def edit_user(call: Call, user_id: str, body: UserEdit) -> UserPublic:
    """Changes all but the password. `active` and the limits stay as they are where they are left out.

    409 `last_admin`: somebody must be left who may do everything.
    """
    changed = await call.parts.access.accounts.update(
        user_id, **body.model_dump(exclude_unset=True), by=call.who, actor=call.actor, unchanged=call.unchanged
    )
    call.parts.hub.revoked()
    return UserPublic.model_validate(changed)


@endpoint("DELETE", "/users/{user_id}", allow="users:delete", status=204, raises=(409,))
async def delete_user(call: Call, user_id: str) -> None:
    """Removes a user and ends all sessions and keys of theirs. What the audit tells of them stays."""
    await call.parts.access.accounts.remove(user_id, by=call.who, actor=call.actor, unchanged=call.unchanged)
    call.parts.hub.revoked()


@endpoint(
    "PATCH", "/users/{user_id}/password", allow="users:write", status=204, raises=(409,),
    example={"newPassword": "seven grey herons"},
)  # fmt: skip
async def set_password(call: Call, user_id: str, body: NewPasswordForm) -> None:
    """A password for somebody else, who is signed out everywhere and chooses an own one at the next login."""
    await call.parts.access.accounts.set_password(
        user_id, body.new_password, by=call.who, actor=call.actor, unchanged=call.unchanged
    )
    call.parts.hub.revoked()


ENDPOINTS: tuple[Endpoint, ...] = (list_users, create_user, get_user, edit_user, delete_user, set_password)
