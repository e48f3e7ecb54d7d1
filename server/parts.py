"""What is open while the server runs: lifespan fills it, routes read it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from server.access.access import Access
from server.address import AddressRules
from server.bus.channels import Bus
from server.clock import Clock
from server.events.hub import Hub
from server.inference.loop import InferenceLoop
from server.objects.objects import Objects
from server.pipeline.enrol import Enrolment
from server.pipeline.placement import Cameras
from server.pipeline.record import Recorder
from server.pipeline.roster import Roster
from server.store.engine import Store
from server.telemetry import Metrics
from server.webrtc.sessions import LiveSessions


@dataclass(frozen=True, slots=True)
class Limits:
    """What the edge of the server needs of the settings."""

    max_body_bytes: int
    secure_cookies: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """The open rooms of one running server."""

    clock: Clock
    zone: ZoneInfo
    store: Store
    objects: Objects
    access: Access
    bus: Bus
    hub: Hub
    device: InferenceLoop
    roster: Roster
    enrolment: Enrolment
    cameras: Cameras
    webrtc: LiveSessions
    recorder: Recorder
    address_rules: AddressRules
    metrics: Metrics
    limits: Limits
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # answers without an end see it

    def midnight(self) -> datetime:
        """When the site's day began."""
        return self.clock.now().astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
