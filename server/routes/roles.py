"""Roles, and the permissions that they are made of."""

from pydantic import Field

from server.access.permission_words import described
from server.access.permissions import ALL
from server.errors import BadRequest
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import roles
from server.wire import Form, Time, Wire

EXAMPLE = {"name": "Reception", "permissions": ["people:read", "attendance:read"]}


class RoleForm(Form):
    name: str = Field(min_length=1, max_length=64)
    permissions: list[str] = Field(max_length=200, description="such as people:read")


class RolePublic(Wire):
    id: str
    name: str
    builtin: bool = Field(description="comes with Rollcall and stays as it is")
    permissions: list[str]
    users: int = Field(description="how many have it")
    created_at: Time
    updated_at: Time


class PermissionPublic(Wire):
    name: str
    resource: str
    action: str
    description: str


class RolesQuery(Query):
    builtin: bool | None = None


class PermissionsQuery(Query):
    page_size: int = Field(200, ge=1, le=200, description="how many on a page")


@endpoint("GET", "/roles", allow="roles:read", sorts=roles.SORTS)
async def list_roles(call: Call, query: RolesQuery) -> Page[RolePublic]:
    """The roles. Search looks at the name."""
    found = await call.parts.access.roles.page(query.wanted, builtin=query.builtin)
    return Page.of(query.wanted, [RolePublic.model_validate(row) for row in found.rows], found.total)


@endpoint("POST", "/roles", allow="roles:write", status=201, raises=(409,), example=EXAMPLE)
async def create_role(call: Call, body: RoleForm) -> RolePublic:
    """A new role. 403 `more_than_you_may`: nobody gives permissions that they do not have themselves."""
    made = await call.parts.access.roles.create(body.name, body.permissions, by=call.who, actor=call.actor)
    return RolePublic.model_validate(made)


@endpoint("GET", "/roles/{role_id}", allow="roles:read")
async def get_role(call: Call, role_id: str) -> RolePublic:
    """One role."""
    return RolePublic.model_validate(await call.parts.access.roles.get(role_id))


@endpoint("PUT", "/roles/{role_id}", allow="roles:write", raises=(409,), example=EXAMPLE)
async def edit_role(call: Call, role_id: str, body: RoleForm) -> RolePublic:
    """Changes a role of one's own making; who has it may do so within seconds."""
    changed = await call.parts.access.roles.update(
        role_id, body.name, body.permissions, by=call.who, actor=call.actor, unchanged=call.unchanged
    )
    call.parts.hub.revoked()
    return RolePublic.model_validate(changed)


@endpoint("DELETE", "/roles/{role_id}", allow="roles:delete", status=204, raises=(409,))
async def delete_role(call: Call, role_id: str) -> None:
    """Removes a role that nobody has."""
    await call.parts.access.roles.remove(role_id, by=call.who, actor=call.actor, unchanged=call.unchanged)


@endpoint("GET", "/permissions", allow="roles:read")
async def list_permissions(call: Call, query: PermissionsQuery) -> Page[PermissionPublic]:
    """Every permission that there is, with what it allows. Search looks at both."""
    if query.sort not in (None, "name", "-name"):
        raise BadRequest("This list can be sorted by name.", code="unknown_sort")
    shown = [_permission(name) for name in sorted(ALL, reverse=query.sort == "-name")]
    words = (query.search or "").lower().split()
    found = [one for one in shown if all(word in f"{one.name} {one.description}".lower() for word in words)]
    return Page.cut(query.wanted, found)


def _permission(name: str) -> PermissionPublic:
    resource, _, action = name.partition(":")
    return PermissionPublic(name=name, resource=resource, action=action, description=described(name))


ENDPOINTS: tuple[Endpoint, ...] = (list_roles, create_role, get_role, edit_role, delete_role, list_permissions)
