"""API keys: how programs are let in."""

from dataclasses import asdict

from pydantic import Field

from server.access.api_keys import NewKey
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import api_keys
from server.wire import Form, Moment, Time, Wire


class ApiKeyForm(Form):
    name: str = Field(min_length=1, max_length=200)
    permissions: list[str] = Field(
        min_length=1, max_length=100, description="some of the own ones; what the owner loses, the key loses too"
    )
    expires_at: Moment | None = Field(None, description="null: until it is removed")


class ApiKeyPublic(Wire):
    id: str
    name: str
    prefix: str = Field(description="how the key begins")
    user_id: str
    owner: str = Field(description="the e-mail address of the user in whose name it acts")
    permissions: list[str]
    effective_permissions: list[str] = Field(description="those of them that the owner has at present")
    expires_at: Time | None
    last_used_at: Time | None
    last_address: str
    created_at: Time
    updated_at: Time


class ApiKeyMade(ApiKeyPublic):
    key: str = Field(description="not told again; send it as `Authorization: Bearer`")

    @classmethod
    def of(cls, made: NewKey) -> "ApiKeyMade":
        return cls.model_validate({"key": made.key, **asdict(made.view)})


@endpoint("GET", "/api-keys", allow="keys:read", sorts=api_keys.SORTS)
async def list_api_keys(call: Call, query: Query) -> Page[ApiKeyPublic]:
    """The own keys; with `keys:manage` those of everybody."""
    found = await call.parts.access.api_keys.page(call.who, query.wanted)
    return Page.of(query.wanted, [ApiKeyPublic.model_validate(one) for one in found.rows], found.total)


@endpoint("POST", "/api-keys", allow="keys:write", status=201, raises=(409,))
async def create_api_key(call: Call, body: ApiKeyForm) -> ApiKeyMade:
    """A new key that acts in the own name, for no more than one may oneself."""
    made = await call.parts.access.api_keys.create(
        call.who, name=body.name, permissions=body.permissions, expires_at=body.expires_at, actor=call.actor
    )
    return ApiKeyMade.of(made)


@endpoint("POST", "/api-keys/{key_id}/rotate", allow="keys:write", replaces=True)
async def rotate_api_key(call: Call, key_id: str) -> ApiKeyMade:
    """Another key in place of one of the own; the old one is good for nothing from then on."""
    made = await call.parts.access.api_keys.rotate(call.who, key_id, actor=call.actor, unchanged=call.unchanged)
    call.parts.hub.revoked()
    return ApiKeyMade.of(made)


@endpoint("DELETE", "/api-keys/{key_id}", allow="keys:delete", status=204)
async def delete_api_key(call: Call, key_id: str) -> None:
    """Removes one of the own keys, or with `keys:manage` anybody's; whoever uses it is out at once."""
    await call.parts.access.api_keys.remove(call.who, key_id, actor=call.actor, unchanged=call.unchanged)
    call.parts.hub.revoked()


ENDPOINTS: tuple[Endpoint, ...] = (list_api_keys, create_api_key, rotate_api_key, delete_api_key)
