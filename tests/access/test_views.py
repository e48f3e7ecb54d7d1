"""What is told about users and their sessions."""

from dataclasses import fields
from datetime import UTC, datetime

from server.access.views import SessionView, UserView
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
