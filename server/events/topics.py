"""The topics: which there are, whether they are stored, who may read them and what happens on them."""

import re
from dataclasses import dataclass

SUBJECT = r"[A-Za-z0-9_-]{1,64}"


@dataclass(frozen=True, slots=True)
class TopicKind:
    """One row of the table below. `address` has `{id}` where the topic is about one thing."""

    address: str
    durable: bool
    permission: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that somebody named: its kind, and the id of what it is about."""

    name: str
    kind: TopicKind
    subject: str | None


TOPIC_KINDS = (
    TopicKind(
        "sightings",
        True,
        "sightings:read",
        ("sighting.recognized", "sighting.unknown", "sighting.closed", "sighting.corrected"),
    ),
    TopicKind(
        "attendance",
        True,
        "attendance:read",
        ("attendance.checked_in", "attendance.checked_out", "attendance.corrected", "attendance.refused"),
    ),
    TopicKind(
        "cameras",
        True,
        "cameras:read",
        ("camera.added", "camera.changed", "camera.removed", "camera.online", "camera.offline"),
    ),
    TopicKind("alerts", True, "alerts:read", ("alert.raised", "alert.cleared")),
    TopicKind("jobs", True, "jobs:read", ("job.progress", "job.done", "job.failed")),
    TopicKind("kiosks/{id}", True, "kiosks:read", ("kiosk.greeting", "kiosk.unknown", "kiosk.challenge")),
    TopicKind("cameras/{id}/tracks", False, "cameras:read", ("tracks.updated",)),
    TopicKind("system/stats", False, "system:read", ("system.stats",)),
)
JOBS, KIOSK, TRACKS = TOPIC_KINDS[4], TOPIC_KINDS[5], TOPIC_KINDS[6]

_PATTERNS = tuple(
    (re.compile(re.escape(kind.address).replace(r"\{id\}", f"({SUBJECT})")), kind) for kind in TOPIC_KINDS
)


def find_topic(name: str) -> Topic | None:
    """The topic of that name, or None where there is no such topic."""
    for pattern, kind in _PATTERNS:
        match = pattern.fullmatch(name)
        if match is not None:
            return Topic(name, kind, match[1] if match.groups() else None)
    return None


def check_event_type(topic: str, event_type: str, *, durable: bool) -> None:
    """Raises ValueError where our own code says something that the contract does not know."""
    found = find_topic(topic)
    if found is None or found.kind.durable is not durable:
        raise ValueError(f"{topic!r} is no {'durable' if durable else 'volatile'} topic.")
    if event_type not in found.kind.event_types:
        raise ValueError(f"{event_type!r} does not happen on {topic!r}.")
