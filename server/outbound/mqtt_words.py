"""What an MQTT broker is told, and what Home Assistant has to know to find it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from server.events.encoding import encode_body
from server.store.tables import EventRow
from server.store.views import CameraPublic

ONLINE, OFFLINE = "online", "offline"
ARRIVALS: Mapping[str, str] = {"attendance.checked_in": "checked_in", "attendance.checked_out": "checked_out"}
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is and what is said there. `discovery` "": Home Assistant is not told. `people`: who it was, too."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)
    base: str
    discovery: str
    people: bool
    ca_file: Path | None = None  # None: whom the system trusts

    @property
    def availability(self) -> str:
        return f"{self.base}/availability"


@dataclass(frozen=True, slots=True)
class Said:
    """One message. An empty one that is retained takes back what was there."""

    topic: str
    payload: bytes
    retain: bool = True


def camera_states(broker: Broker, cameras: Sequence[CameraPublic], site: str) -> list[Said]:
    """Of each camera whether it is online, and how Home Assistant finds it."""
    said = []
    for one in cameras:
        topic = f"{broker.base}/cameras/{one.id}/online"
        more = {"device_class": "connectivity", "payload_on": "ON", "payload_off": "OFF"}
        said += _found(broker, site, "binary_sensor", f"camera_{one.id}", one.name, topic, more)
        said.append(Said(topic, b"ON" if one.status.state == "online" else b"OFF"))
    return said


def camera_gone(broker: Broker, camera_id: str) -> list[Said]:
    """Takes it back."""
    topics = [f"{broker.base}/cameras/{camera_id}/online"]
    if broker.discovery:
        topics.append(_config(broker, "binary_sensor", f"camera_{camera_id}"))
    return [Said(topic, b"") for topic in topics]


def present(broker: Broker, count: int, site: str) -> list[Said]:
    """How many are in."""
    topic = f"{broker.base}/present"
    more = {"state_class": "measurement", "icon": "mdi:account-check"}
    return [
        *_found(broker, site, "sensor", "present", "People present", topic, more),
        Said(topic, str(count).encode()),
    ]


def arrivals(broker: Broker, site: str) -> list[Said]:
    """How Home Assistant finds who comes and goes."""
    more = {"event_types": sorted(ARRIVALS.values()), "icon": "mdi:door"}
    return _found(broker, site, "event", "arrival", "Last arrival", f"{broker.base}/arrival", more)


def of_event(broker: Broker, event: EventRow) -> list[Said]:
    """What an event says. Whole, and with who it was, only where people are to be told of."""
    said = []
    if event.type in ARRIVALS:
        told: dict[str, Any] = {"event_type": ARRIVALS[event.type], "at": event.data.get("at")}
        told |= {name: event.data.get(name) for name in ("cameraId", "kioskId", "lateMinutes")}
        person = event.data.get("person")
        if broker.people and isinstance(person, Mapping):
            told |= {"person": person.get("fullName"), "employeeId": person.get("employeeId")}
        said.append(Said(f"{broker.base}/arrival", orjson.dumps(told), retain=False))
    if broker.people:
        body = encode_body(event.id, event.type, event.time, event.source, event.data)
        said.append(Said(f"{broker.base}/events/{event.topic}", body, retain=False))
    return said


def _found(
    broker: Broker, site: str, component: str, part: str, name: str, topic: str, more: Mapping[str, Any]
) -> list[Said]:
    """Home Assistant's discovery of one entity; nothing where it is not to be told."""
    if not broker.discovery:
        return []
    slug = _slug(broker)
    config = {
        "name": name,
        "unique_id": f"{slug}_{part}",
        "state_topic": topic,
        "availability_topic": broker.availability,
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "device": {"identifiers": [slug], "name": site, "manufacturer": "Rollcall"},
        "origin": {"name": "Rollcall"},
        **more,
    }
    return [Said(_config(broker, component, part), orjson.dumps(config))]


def _config(broker: Broker, component: str, part: str) -> str:
    return f"{broker.discovery}/{component}/{_slug(broker)}/{part}/config"


def _slug(broker: Broker) -> str:
    return _NOT_IN_IDS.sub("_", broker.base)
