"""Every permission there is, and what the built-in roles may do."""

from collections.abc import Mapping

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "cameras": ("read", "write", "delete", "control", "unmasked"),
    "people": ("read", "write", "delete", "erase"),
    "sightings": ("read", "write"),
    "attendance": ("read", "write", "delete", "correct"),
    "kiosks": ("read", "write", "delete"),
    "events": ("read", "write", "delete"),
    "alerts": ("read", "write"),
    "jobs": ("read", "delete"),
    "users": ("read", "write", "delete", "manage"),
    "roles": ("read", "write", "delete", "manage"),
    "keys": ("read", "write", "delete", "manage"),
    "settings": ("read", "write", "manage"),
    "system": ("read",),
    "audit": ("read",),
}

ALL: frozenset[str] = frozenset(f"{resource}:{action}" for resource, actions in ACTIONS.items() for action in actions)

ADMIN, OPERATOR, VIEWER = "Admin", "Operator", "Viewer"

VIEWER_MAY: frozenset[str] = frozenset(
    {
        "cameras:read",
        "people:read",  # the names and portraits beside what is live
        "sightings:read",
        "attendance:read",
        "kiosks:read",
        "events:read",
        "alerts:read",
    }
)

OPERATOR_MAY: frozenset[str] = VIEWER_MAY | {
    "people:write",
    "sightings:write",
    "attendance:write",
    "attendance:correct",
    "cameras:control",
    "alerts:write",
    "jobs:read",
    "system:read",
}

ROLES: Mapping[str, frozenset[str]] = {ADMIN: ALL, OPERATOR: OPERATOR_MAY, VIEWER: VIEWER_MAY}

# A paired kiosk reads its own topic; the endpoints marked so let it see its own cameras too, and nothing else.
KIOSK_MAY: frozenset[str] = frozenset({"kiosks:read"})
