"""Nobody gives more than they have."""

from dataclasses import replace

import pytest

from server.access.principal import Principal
from server.access.reach import check_gives, check_limits, check_over
from server.errors import Forbidden
from server.store.tables import Role, User
from server.store.users import Account

CLERK = Principal("u", "c@example.com", "C", "Clerk", frozenset({"a:read", "a:write"}), "s", None)
GUARD = replace(CLERK, only_cameras=frozenset({"c1", "c2"}), only_departments=frozenset({"d1"}))


def account(*permissions: str, camera_ids: list[str] | None = None, department_ids: list[str] | None = None) -> Account:
    user = User(
        email="x@example.com", full_name="X", password_hash="", role_id="r", camera_ids=camera_ids,
        department_ids=department_ids,
    )  # fmt: skip
    return Account(user, Role(name="R", permissions=list(permissions)))


def test_permissions() -> None:
    """Each that is beyond one's own is named; the machine's keeper gives all."""
    check_gives(CLERK, ["a:read"])
    check_gives(None, ["z:all"])
    with pytest.raises(Forbidden, match=r"b:read, z:all\.") as caught:
        check_gives(CLERK, ["z:all", "a:read", "b:read"])
    assert caught.value.code == "more_than_you_may"


def test_limits() -> None:
    """Who is limited gives some of what they see, never all."""
    check_limits(CLERK, None, ["anything"])
    check_limits(GUARD, ["c1"], [])
    check_limits(None, None, None)
    for camera_ids, department_ids in ((None, ["d1"]), (["c3"], ["d1"]), (["c1"], None), (["c1"], ["d1", "d2"])):
        with pytest.raises(Forbidden):
            check_limits(GUARD, camera_ids, department_ids)


def test_over_somebody() -> None:
    """Only over who may and sees no more."""
    check_over(CLERK, account("a:read"))
    check_over(GUARD, account("a:read", camera_ids=["c1"], department_ids=["d1"]))
    for other in (account("a:read", "b:read"), account("a:read")):
        with pytest.raises(Forbidden):
            check_over(GUARD, other)
