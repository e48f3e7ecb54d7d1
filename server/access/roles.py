"""Roles as an administrator makes them: names for sets of permissions. The built-in ones stay as they are."""

from collections.abc import Callable, Sequence

from server.access.accounts import Unchanged, whatever
from server.access.audit import Audit
from server.access.permissions import ALL
from server.access.principal import Principal
from server.access.reach import check_gives
from server.access.views import RoleView
from server.errors import Conflict, Detail, Invalid
from server.store import roles
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.paging import Page, Paged
from server.store.tables import Role

RESOURCE = "roles"


class Roles:
    """Makes, changes and removes roles, and notes each change in the audit.

    `by` is who asks: nobody makes a role that may more than they do, nor changes one that does.
    """

    def __init__(self, store: Store, on_change: Callable[[], None], audit: Audit) -> None:
        self._store = store
        self._on_change = on_change
        self._audit = audit

    async def get(self, role_id: str) -> RoleView:
        """Raises NotFound."""
        async with self._store.read() as session:
            return RoleView.of(*await roles.get(session, role_id))

    async def page(self, wanted: Page, *, builtin: bool | None = None) -> Paged[RoleView]:
        async with self._store.read() as session:
            found = await roles.page(session, wanted, builtin=builtin)
        return found.map(lambda row: RoleView.of(*row))

    async def create(
        self, name: str, permissions: Sequence[str], *, by: Principal | None = None, actor: Actor = SYSTEM
    ) -> RoleView:
        """Raises Invalid for a permission that there is not, Conflict where the name is taken."""
        check_known(permissions)
        check_gives(by, permissions)
        async with self._store.transaction() as session:
            role = await roles.save_role(session, Role(name=name), permissions)
            await self._audit.record(session, actor, "role.created", RESOURCE, role.id, after=_told(role))
        return RoleView.of(role, 0)

    async def update(
        self,
        role_id: str,
        name: str,
        permissions: Sequence[str],
        *,
        by: Principal | None = None,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> RoleView:
        """Counts at once in this process, and within seconds in the others."""
        check_known(permissions)
        check_gives(by, permissions)
        async with self._store.transaction() as session:
            role, users = await roles.locked(session, role_id)
            _check_own(role, by)
            unchanged(role.updated_at)
            before = _told(role)
            role.name = name
            await roles.save_role(session, role, permissions)
            await self._audit.record(
                session, actor, "role.changed", RESOURCE, role.id, before=before, after=_told(role)
            )
        self._on_change()
        return RoleView.of(role, users)

    async def remove(
        self,
        role_id: str,
        *,
        by: Principal | None = None,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> None:
        """Only one that nobody has."""
        async with self._store.transaction() as session:
            role, users = await roles.locked(session, role_id, to_remove=True)
            _check_own(role, by)
            unchanged(role.updated_at)
            if users:
                raise Conflict(f"{users} users have this role. Give them another one first.", code="role_in_use")
            await roles.remove(session, role)
            await self._audit.record(session, actor, "role.removed", RESOURCE, role_id, before=_told(role))


def check_known(permissions: Sequence[str], field: str = "permissions") -> None:
    """Raises Invalid that names every permission that there is not."""
    details = tuple(
        Detail(f"{field}.{index}", "unknown_permission", f"There is no permission {one!r}.")
        for index, one in enumerate(permissions)
        if one not in ALL
    )
    if details:
        raise Invalid(" ".join(detail.message for detail in details), details=details)


def _check_own(role: Role, by: Principal | None) -> None:
    if role.builtin:
        raise Conflict("The built-in roles stay as they are. Make one of your own.", code="builtin_role")
    check_gives(by, role.permissions)


def _told(role: Role) -> dict[str, object]:
    return {"name": role.name, "permissions": list(role.permissions)}
