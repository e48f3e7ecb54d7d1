"""What each permission allows, in words for whoever makes a role."""

from collections.abc import Mapping

RESOURCES: Mapping[str, str] = {
    "cameras": "cameras, their status and their live video",
    "people": "people, their photos and departments",
    "sightings": "sightings, with their pictures",
    "attendance": "check-ins and check-outs",
    "kiosks": "kiosks",
    "events": "events and where they are sent",
    "alerts": "alerts",
    "jobs": "jobs in the background",
    "users": "users",
    "roles": "roles and permissions",
    "keys": "API keys",
    "settings": "the settings",
    "system": "the state of the system",
    "audit": "the audit: who did what",
}
ACTIONS: Mapping[str, str] = {
    "read": "See {}",
    "write": "Add and change {}",
    "delete": "Remove {}",
    "manage": "Manage {}, those of others too",
}
SPECIAL: Mapping[str, str] = {
    "alerts:write": "Acknowledge alerts",
    "attendance:correct": "Correct check-ins and check-outs, with a reason",
    "cameras:control": "Start and stop cameras, keep and remove snapshots, remove clips, publish from a browser",
    "cameras:unmasked": "See cameras without their privacy masks",
    "jobs:delete": "Cancel jobs in the background",
    "people:erase": "Erase everything that is known of a person's face",
    "settings:write": "Change the settings",
    "sightings:write": "Say who it was, or that it was somebody else",
}


def described(permission: str) -> str:
    """One sentence without its full stop."""
    resource, _, action = permission.partition(":")
    return SPECIAL.get(permission) or ACTIONS[action].format(RESOURCES[resource])
