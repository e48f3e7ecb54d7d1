"""Who is asking."""

from server.access.principal import Principal
from server.events.gate import Principal as AsTheSocketKnowsIt


def test_is_what_the_socket_needs() -> None:
    """The realtime protocol's idea of a principal is met, and the permissions are told in a stable order."""
    principal = Principal("u", "a@b.c", "A", "Viewer", frozenset({"b:read", "a:read"}), "s", None)
    known: AsTheSocketKnowsIt = principal
    assert known.id == "u"
    assert known.kiosk_id is None
    assert known.user["id"] == "u"
    assert known.user["fullName"] == "A"
    assert known.user["permissions"] == ["a:read", "b:read"]
    assert known.may("a:read")
    assert not known.may("a:write")
