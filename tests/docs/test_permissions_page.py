"""docs/permissions.md says what the code says."""

from pathlib import Path

from server.access.permission_words import described
from server.access.permissions import ACTIONS, ADMIN, OPERATOR, ROLES, VIEWER
from server.app import ENDPOINTS
from server.events.topics import TOPIC_KINDS

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def table() -> str:
    """The permission table: what each allows, who has it, and what it opens."""
    lines = [f"| permission | allows | {ADMIN} | {OPERATOR} | {VIEWER} |", "|---|---|---|---|---|"]
    for resource, actions in ACTIONS.items():
        for permission in (f"{resource}:{action}" for action in actions):
            has = ["yes" if permission in ROLES[role] else "" for role in (ADMIN, OPERATOR, VIEWER)]
            lines.append(f"| `{permission}` | {described(permission)} | {' | '.join(has)} |")
    return "\n".join(lines)


def opened() -> str:
    """What each permission opens: endpoints and topics."""
    lines = ["| permission | opens |", "|---|---|"]
    for resource, actions in ACTIONS.items():
        for permission in (f"{resource}:{action}" for action in actions):
            calls = [f"`{one.method} {one.path.lstrip('/')}`" for one in ENDPOINTS if one.allow == permission]
            topics = [f"topic `{kind.address}`" for kind in TOPIC_KINDS if kind.permission == permission]
            if calls or topics:
                lines.append(f"| `{permission}` | {', '.join([*calls, *topics])} |")
    return "\n".join(lines)


def test_the_tables_are_those_of_the_code() -> None:
    """Both tables of the page are made from the permissions, the endpoints and the topics."""
    text = PAGE.read_text()
    assert table() in text
    assert opened() in text
