"""What is told about users and their sessions."""

from dataclasses import fields
from datetime import UTC, datetime

from server.access.views import RoleView, SessionView, UserView
from server.store.tables import Role, Session, User
from server.store.users import Account

AT = datetime(2026, 1, 5, tzinfo=UTC)


def test_nothing_secret() -> None:
    """No view has a field for a hash, and none of a row's hashes gets into one."""
    user = User(email="a@b.c", full_name="A", password_hash="SECRET", role_id="r")
    shown = UserView.of(Account(user, Role(name="Viewer", permissions=["b:read", "a:read"])))
    assert shown.permissions == ("a:read", "b:read")
    row = Session(user_id="u", refresh_hash="SECRET", cookie_hash="SECRET", expires_at=AT)
    view = SessionView.of(row, row.id)
    assert view.current
    assert not SessionView.of(row, None).current
    assert "SECRET" not in f"{shown}{view}"
    assert not [field.name for kind in (UserView, SessionView) for field in fields(kind) if "hash" in field.name]


def test_limits_and_what_is_asked_of_a_user() -> None:
    """No limits are not the same as limits to nothing."""
    user = User(email="a@b.c", full_name="A", password_hash="x", role_id="r", camera_ids=[], must_change_password=True)
    shown = UserView.of(Account(user, Role(name="Viewer")))
    assert (shown.camera_ids, shown.department_ids) == ((), None)
    assert (shown.must_change_password, shown.totp_enabled) == (True, False)
    user.totp_confirmed_at = AT
    assert UserView.of(Account(user, Role(name="Viewer"))).totp_enabled


def test_a_role() -> None:
    """With how many users have it."""
    shown = RoleView.of(Role(name="Desk", permissions=["b:read", "a:read"]), 3)
    assert (shown.name, shown.permissions, shown.users, shown.builtin) == ("Desk", ("a:read", "b:read"), 3, False)
