"""What each permission allows, in words."""

from server.access.permission_words import SPECIAL, described
from server.access.permissions import ALL


def test_every_permission_is_described() -> None:
    """In words of its own."""
    words = [described(permission) for permission in ALL]
    assert len(set(words)) == len(ALL)
    assert described("users:read") == "See users"
    assert described("people:write") == "Add and change people, their photos and departments"
    assert described("cameras:control") == SPECIAL["cameras:control"]
