"""Who may do what."""

from pathlib import Path

import pytest

import server
from server.access.permissions import ALL, KIOSK_MAY, OPERATOR_MAY, ROLES, VIEWER_MAY


def test_the_ladder() -> None:
    """Each role may do what the one below it may, and a kiosk next to nothing."""
    assert KIOSK_MAY < VIEWER_MAY < OPERATOR_MAY < ALL
    assert list(ROLES) == ["Admin", "Operator", "Viewer"]
    assert ROLES["Admin"] == ALL


@pytest.mark.parametrize(
    "permission",
    ["cameras:control", "attendance:correct", "cameras:unmasked", "people:erase", "users:manage", "roles:manage",
     "keys:manage", "settings:manage", "system:read", "audit:read", "jobs:read"],
)  # fmt: skip
def test_named_ones_exist(permission: str) -> None:
    """The contract names these."""
    assert permission in ALL


def test_viewer_changes_nothing() -> None:
    """A viewer reads, and nothing about users, keys or the system."""
    assert {permission.partition(":")[2] for permission in VIEWER_MAY} == {"read"}
    assert not {permission.partition(":")[0] for permission in VIEWER_MAY} & {"users", "roles", "keys", "audit"}


def test_operator() -> None:
    """Writes people, corrects attendance and controls cameras, and does not set them up or erase anybody."""
    assert {"people:write", "attendance:correct", "cameras:control"} <= OPERATOR_MAY
    assert not {"cameras:write", "people:erase", "people:delete", "cameras:unmasked"} & OPERATOR_MAY


def test_every_permission_is_asked_for() -> None:
    """One that opens nothing would only mislead whoever makes a role, except where the contract has it in advance."""
    in_advance = {
        "roles:manage", "settings:manage",
    }  # fmt: skip
    listing = ("permissions.py", "permission_words.py")
    folder = Path(server.__file__).parent
    code = "".join(path.read_text() for path in folder.rglob("*.py") if path.name not in listing)
    assert {permission for permission in ALL if f'"{permission}"' not in code} == in_advance
