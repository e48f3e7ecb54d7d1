"""What is open while the server runs: lifespan fills it, routes read it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from server.access.access import Access
from server.address import AddressRules
from server.bus.channels import Bus
from server.clock import Clock
from server.events.hub import Hub
from server.events.presence import Presence
from server.inference.loop import InferenceLoop
from server.jobs.choosing import Choosing
from server.jobs.jobs import Jobs
from server.jobs.people_import import PeopleImporter
from server.jobs.report_sender import ReportSender
from server.jobs.reports import Reports
from server.objects.links import LinkSigner
from server.objects.objects import Objects
from server.outbound.open import Outbound
from server.pipeline.disclosure import Disclosure
from server.pipeline.enrol import Enrolment
from server.pipeline.erase import Eraser
from server.pipeline.knocks import Knocks
from server.pipeline.placement import Cameras
from server.pipeline.rebuild import Rebuilder
from server.pipeline.record import Recorder
from server.pipeline.roster import Roster
from server.pipeline.snapshots import Snapshots
from server.pipeline.states import TopicStates
from server.pipeline.switching import Switching
from server.pipeline.visitors import Visitors
from server.pipeline.vitals import Vitals
from server.pipeline.words import Words
from server.store.engine import Store
from server.store.runtime import RuntimeState
from server.telemetry import Metrics
from server.vision.packs import Pack
from server.webrtc.sessions import LiveSessions


@dataclass(frozen=True, slots=True)
class Limits:
    """What the edge of the server needs of the settings."""

    max_body_bytes: int
    max_import_bytes: int
    secure_cookies: bool
    hsts_s: int = 0


@dataclass(frozen=True, slots=True)
class Installation:
    """How this server was set up, as far as it is no secret: for whoever reports what went wrong."""

    production: bool
    bus: str  # memory or redis
    storage: str  # file or s3
    runs_cameras: bool
    works_on_jobs: bool
    compresses: bool
    https: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """The open rooms of one running server."""

    clock: Clock
    runtime: RuntimeState
    store: Store
    objects: Objects
    links: LinkSigner
    access: Access
    bus: Bus
    hub: Hub
    presence: Presence
    vitals: Vitals
    installation: Installation
    device: InferenceLoop
    packs: Callable[[], Mapping[str, tuple[Pack, str]]]  # by what they are for, and what runs them
    roster: Roster
    enrolment: Enrolment
    importer: PeopleImporter
    rebuilder: Rebuilder
    switching: Switching
    choosing: Choosing
    visitors: Visitors
    words: Words
    disclosure: Disclosure
    eraser: Eraser
    cameras: Cameras
    snapshots: Snapshots
    states: TopicStates
    webrtc: LiveSessions
    recorder: Recorder
    jobs: Jobs
    outbound: Outbound
    reports: Reports
    report_sender: ReportSender | None  # of one that works on jobs
    address_rules: AddressRules
    metrics: Metrics
    limits: Limits
    exporting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))  # large files made for answers
    knocks: Knocks = field(default_factory=Knocks)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # answers without an end see it

    @property
    def zone(self) -> ZoneInfo:
        """The site's."""
        return self.runtime.zone

    def midnight(self) -> datetime:
        """When the site's day began."""
        return self.runtime.midnight(self.clock.now())
