"""The only opener, closer and task owner: makes the parts of a running server, and takes them down in order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast
from zoneinfo import ZoneInfo

import structlog

from server.access.access import Access
from server.access.secrets import load_or_make_secret
from server.access.sessions import Lifetimes
from server.address import AddressRules
from server.assets import asset
from server.bus.open import open_bus
from server.clock import Clock, SystemClock
from server.errors import PackRefused
from server.events.hub import Hub
from server.identity.enrolment import Enroller
from server.identity.resolver import Resolver, ResolverLimits
from server.identity.sightings import SightingRules
from server.identity.votes import VotingRules
from server.inference.loop import InferenceLoop
from server.media.camera_stream import CameraStream
from server.media.pushed import PushedStream
from server.media.source import Kind, SourceSpec
from server.media.status import StreamStatus
from server.media.stream import Stream
from server.objects.open import open_objects
from server.parts import Limits, Parts
from server.pipeline.analyse import Analyser
from server.pipeline.camera import Budget, CameraLoop
from server.pipeline.enrol import Enrolment
from server.pipeline.motion import Motion
from server.pipeline.placement import Cameras
from server.pipeline.record import Recorder
from server.pipeline.roster import Roster
from server.settings import Settings
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.migrate import upgrade
from server.store.tables import Camera
from server.supervise import Backoff, supervise
from server.telemetry import Metrics
from server.vision.detector import FaceDetector, open_detector
from server.vision.embedder import FaceEmbedder, open_embedder
from server.vision.packs import find_pack
from server.vision.quality import QualityLimits
from server.vision.tracker import Tracker
from server.webrtc.ice import IceServer
from server.webrtc.sessions import LiveSessions

REFRESH_GALLERY_S = 5.0


def address_rules(settings: Settings) -> AddressRules:
    """What a camera's address may point to."""
    roots = tuple(root.absolute() for root in settings.media.roots)
    return AddressRules(roots=roots, allowed_networks=settings.media.allowed_networks)


@dataclass(frozen=True, slots=True)
class Models:
    """The loaded networks."""

    detector: FaceDetector
    embedder: FaceEmbedder

    @classmethod
    def load(cls, settings: Settings) -> "Models":
        """Reads and checks the packs; takes a second. Raises PackRefused."""
        folders = (asset("models"), settings.data_dir / "models")
        chosen = settings.inference
        providers, threads = list(chosen.providers) or None, chosen.threads or None
        found, told_apart = find_pack(chosen.detector, *folders), find_pack(chosen.embedder, *folders)
        for pack in (found, told_apart):
            if settings.production and pack.research_only:
                raise PackRefused(f"{pack.name} may be used for research only; production refuses it.")
        return cls(
            open_detector(found, providers=providers, threads=threads, input_width=chosen.input_width_px),
            open_embedder(told_apart, providers=providers, threads=threads),
        )


def _ice_servers(settings: Settings) -> tuple[IceServer, ...]:
    return tuple(
        IceServer(one.urls, one.username, one.credential.get_secret_value() if one.credential else None)
        for one in settings.webrtc.ice_servers
    )


def _load_models(settings: Settings) -> Models:
    return Models.load(settings)


@dataclass(frozen=True, slots=True, eq=False)
class _Builder:
    """How one camera is made."""

    settings: Settings
    rules: AddressRules
    clock: Clock
    device: InferenceLoop
    models: Models
    roster: Roster
    recorder: Recorder
    hub: Hub
    metrics: Metrics

    def stream(self, camera: Camera, on_status: Callable[[StreamStatus], None]) -> CameraStream:
        media = self.settings.media
        if camera.kind == "push":
            return PushedStream(camera.id, clock=self.clock, on_status=on_status, stall_after_s=media.stall_after_s)
        spec = SourceSpec(
            camera.id,
            cast(Kind, camera.kind),  # checked when the camera was created
            camera.source,
            open_timeout_s=media.open_timeout_s,
            read_timeout_s=media.read_timeout_s,
        )
        return Stream(spec, rules=self.rules, clock=self.clock, stall_after_s=media.stall_after_s, on_status=on_status)

    def loop(self, camera: Camera, stream: CameraStream, motion: Motion) -> CameraLoop:
        pack = self.models.embedder.pack
        limits = ResolverLimits(
            voting=VotingRules(margin=pack.margin), sightings=SightingRules(gap_s=self.settings.sightings.gap_s)
        )
        resolver = Resolver(camera.id, pack.label, limits)
        analyser = Analyser(self.device, Tracker(), resolver, self.roster, QualityLimits(), self.models.embedder.align)
        budget = Budget(self.settings.inference.frames_per_second, self.settings.sightings.snapshot_quality)
        return CameraLoop(
            camera.id, stream, analyser, self.recorder, self.roster, self.hub, self.metrics, self.clock, budget,
            motion,
        )  # fmt: skip


async def prepare(settings: Settings) -> str:
    """The data folder, the secret and the database, ready for use. Returns the secret."""
    await asyncio.to_thread(settings.make_data_dir)
    configured = settings.security.secret_key
    secret = await asyncio.to_thread(
        load_or_make_secret,
        settings.data_dir,
        configured.get_secret_value() if configured else None,
        settings.production,
    )
    if settings.database.migrate_at_start:
        await upgrade(settings.database_url)
    return secret


@asynccontextmanager
async def open_parts(
    settings: Settings, *, clock: Clock | None = None, models: Models | None = None
) -> AsyncIterator[Parts]:
    """Everything open, nothing running yet: also what commands use."""
    clock = clock or SystemClock()
    secret = await prepare(settings)
    metrics = Metrics()
    zone = ZoneInfo(settings.attendance.timezone)
    rules = address_rules(settings)
    objects = open_objects(settings.storage_url)
    loaded = models if models is not None else await asyncio.to_thread(_load_models, settings)
    bus = open_bus(settings.bus.url)
    async with Store(settings.database_url) as store:
        log = TableLog(store)
        hub = Hub(log, bus, clock)
        roster = Roster(store, loaded.embedder.pack)
        recorder = Recorder(
            store,
            log,
            hub,
            objects,
            clock,
            cooldown_s=settings.attendance.cooldown_s,
            zone=zone,
            on_lost_picture=metrics.snapshots_dropped.inc,
        )
        chosen = settings.inference
        device = InferenceLoop(
            loaded.detector.detect,
            loaded.embedder.embed,
            clock=clock,
            watch=metrics,
            max_batch=chosen.max_batch,
            max_wait_s=chosen.max_wait_ms / 1000,
            max_pending=chosen.max_pending,
            stale_after_s=chosen.stale_after_s,
        )
        builder = _Builder(settings, rules, clock, device, loaded, roster, recorder, hub, metrics)
        access = Access(
            store,
            secret,
            clock,
            lifetimes=Lifetimes(
                access_s=settings.security.access_token_minutes * 60,
                refresh_s=settings.security.refresh_token_days * 86400,
            ),
            production=settings.production,
            bcrypt_rounds=settings.security.bcrypt_rounds,
        )
        await access.accounts.seed()
        yield Parts(
            clock=clock,
            zone=zone,
            store=store,
            objects=objects,
            access=access,
            bus=bus,
            hub=hub,
            device=device,
            roster=roster,
            enrolment=Enrolment(store, objects, Enroller(loaded.detector, loaded.embedder), roster),
            cameras=Cameras(store, recorder, builder, metrics, clock),
            webrtc=LiveSessions(ice_servers=_ice_servers(settings), max_sessions=settings.webrtc.max_sessions),
            recorder=recorder,
            address_rules=rules,
            metrics=metrics,
            limits=Limits(
                max_body_bytes=settings.http.max_body_mb * 1_000_000,
                secure_cookies=settings.security.secure_cookies,
            ),
        )


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """The tasks of the server. One that must not die and does asks the server to stop."""
    left = await parts.recorder.close_left_open()
    if left:
        structlog.get_logger(__name__).info("sightings_closed_after_a_crash", count=left)
    await parts.roster.refresh()
    parts.roster.on_change(parts.cameras.gallery_changed)
    async with asyncio.TaskGroup() as tasks:
        started = [
            tasks.create_task(_must_live(name, run))
            for name, run in (
                ("webrtc", parts.webrtc.run),
                ("cameras", parts.cameras.run),
                ("inference", parts.device.run),
                ("hub", parts.hub.run),
                ("bus", parts.bus.run),
            )
        ]
        started.append(
            tasks.create_task(supervise("gallery", lambda: _follow_gallery(parts.roster), backoff=Backoff()))
        )
        try:
            yield
        finally:
            # The viewers first, then the cameras: their last sightings still need the hub.
            for task in started:
                if not task.cancelling():
                    task.cancel()
                await asyncio.wait([task])


async def _follow_gallery(roster: Roster) -> None:
    while True:
        await asyncio.sleep(REFRESH_GALLERY_S)
        await roster.refresh()


async def _must_live(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """uvicorn goes on serving when a task of its lifespan has died: so the server is asked to stop."""
    try:
        await run()
    except Exception:
        structlog.get_logger(__name__).critical("part_died", part=name, exc_info=True)
        signal.raise_signal(signal.SIGTERM)
        raise
