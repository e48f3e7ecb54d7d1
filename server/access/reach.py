"""How far somebody's word reaches: nobody gives more than they have themselves."""

from collections.abc import Iterable

from server.access.principal import Principal
from server.errors import Forbidden
from server.store.users import Account


def check_gives(by: Principal | None, permissions: Iterable[str]) -> None:
    """Raises Forbidden for permissions that who gives them does not have. None: the machine's own keeper."""
    if by is not None and (beyond := sorted(set(permissions) - by.permissions)):
        raise _too_much(f"You do not have these permissions yourself: {', '.join(beyond)}.")


def check_limits(by: Principal | None, camera_ids: Iterable[str] | None, department_ids: Iterable[str] | None) -> None:
    """Raises Forbidden for cameras or departments beyond one's own."""
    if by is not None and (_beyond(by.only_cameras, camera_ids) or _beyond(by.only_departments, department_ids)):
        raise _too_much("You are limited to some cameras or departments, and nobody gets more from you.")


def check_over(by: Principal | None, account: Account) -> None:
    """Raises Forbidden for somebody who may more: who could change them could become them."""
    check_gives(by, account.role.permissions)
    check_limits(by, account.user.camera_ids, account.user.department_ids)


def _beyond(own: frozenset[str] | None, given: Iterable[str] | None) -> bool:
    return own is not None and (given is None or not set(given) <= own)


def _too_much(message: str) -> Forbidden:
    return Forbidden(message, code="more_than_you_may")
