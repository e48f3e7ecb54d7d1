"""The only opener, closer and task owner: makes the parts of a running server, and takes them down in order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import structlog

from server.access import reseal
from server.access.access import Access
from server.access.attempts import open_attempts
from server.access.camera_addresses import CameraAddresses
from server.access.sessions import Lifetimes
from server.address import AddressRules
from server.bus.open import open_bus
from server.chosen import stamp
from server.clock import Clock, SystemClock
from server.events.hub import Hub
from server.events.presence import Presence
from server.identity.blurring import Blurring
from server.identity.enrolment import Enroller
from server.identity.liveness import LivenessJudge, LivenessRules
from server.identity.looks import Looker
from server.identity.resolver import Resolver, ResolverLimits
from server.identity.sightings import SightingRules
from server.identity.votes import VotingRules
from server.inference.loop import InferenceLoop
from server.jobs.choosing import Choosing
from server.jobs.open import open_jobs, open_report_sender
from server.jobs.people_import import PeopleImporter
from server.jobs.rebuild_job import ask_for_rebuild
from server.jobs.report_alert import ReportAlert
from server.jobs.reports import Reports, trials_of_mail
from server.jobs.work import Place
from server.loading import Models, chosen_build, opener
from server.media.camera_stream import CameraStream
from server.media.pushed import PushedStream
from server.media.source import Kind, SourceSpec
from server.media.status import StreamStatus
from server.media.stream import Stream
from server.objects.links import LinkSigner
from server.opening import (
    address_rules,
    broker,
    ice_servers,
    installation,
    mailer,
    open_storage,
    open_store,
    prepare,
    receiver_rules,
    runtime_defaults,
)
from server.outbound.open import open_outbound
from server.parts import Limits, Parts
from server.pipeline.admission import policy_of
from server.pipeline.analyse import Analyser
from server.pipeline.attendance_log import AttendanceLog
from server.pipeline.camera import Budget, CameraLoop, Video
from server.pipeline.challenges import Challenges
from server.pipeline.clips import CameraClips, ClipKeeper
from server.pipeline.disclosure import Disclosure
from server.pipeline.enrol import Enrolment
from server.pipeline.erase import Eraser
from server.pipeline.in_order import InOrder
from server.pipeline.liveness import PassiveCheck, TrackLiveness
from server.pipeline.motion import Motion
from server.pipeline.placement import Cameras
from server.pipeline.rebuild import Rebuilder
from server.pipeline.record import Recorder
from server.pipeline.roster import Roster
from server.pipeline.snapshots import Snapshots
from server.pipeline.standing import Standing
from server.pipeline.states import TopicStates
from server.pipeline.switching import Switching, build_of, settled
from server.pipeline.visitors import Visitors
from server.pipeline.vitals import Vitals
from server.pipeline.when import When
from server.pipeline.words import Words
from server.pipeline.zoning import Zoning
from server.settings import Settings
from server.store.runtime import RuntimeState
from server.store.tables import Camera
from server.supervise import Backoff, soon, supervise
from server.telemetry import Metrics
from server.vision.liveness import LivenessCheck
from server.vision.quality import QualityLimits
from server.vision.swapped import SwappedEmbedder
from server.vision.tracker import Tracker
from server.webrtc.sessions import LiveSessions


@dataclass(frozen=True, slots=True, eq=False)
class _Builder:
    """How one camera is made."""

    settings: Settings
    rules: AddressRules
    clock: Clock
    device: InferenceLoop
    embedder: SwappedEmbedder
    passive: LivenessCheck | None
    roster: Roster
    recorder: Recorder
    hub: Hub
    metrics: Metrics
    runtime: RuntimeState
    addresses: CameraAddresses
    clips: ClipKeeper

    def stream(self, camera: Camera, on_status: Callable[[StreamStatus], None]) -> CameraStream:
        if camera.kind == "push":
            stall_after_s = self.settings.media.stall_after_s
            return PushedStream(camera.id, clock=self.clock, on_status=on_status, stall_after_s=stall_after_s)
        return self._read(camera, self.addresses.of(camera), on_status)

    def sub(self, camera: Camera) -> CameraStream | None:
        return self._read(camera, self.addresses.sub_of(camera), None) if camera.sub_source else None

    def _read(self, camera: Camera, url: str, on_status: Callable[[StreamStatus], None] | None) -> Stream:
        media = self.settings.media
        spec = SourceSpec(
            camera.id,
            cast(Kind, camera.kind),  # checked when the camera was created
            url,
            open_timeout_s=media.open_timeout_s,
            read_timeout_s=media.read_timeout_s,
        )
        return Stream(
            spec, rules=self.rules, clock=self.clock, stall_after_s=media.stall_after_s, on_status=on_status,
            backoff=Backoff(cap_s=media.longest_pause_s),
        )  # fmt: skip

    def loop(
        self, camera: Camera, video: Callable[[], Video], motion: Motion, zoning: Zoning, shown: CameraStream,
        in_order: InOrder,
    ) -> CameraLoop:  # fmt: skip
        pack = self.embedder.pack
        limits = ResolverLimits(
            voting=VotingRules(margin=pack.margin),
            sightings=SightingRules(gap_s=lambda: self.runtime.current.sightings.gap_s),
        )
        resolver = Resolver(camera.id, pack.label, limits)
        liveness = self._liveness(camera)
        asks = liveness.judged_by if policy_of(camera, self.settings.liveness.policy) == "refuse" else None
        analyser = Analyser(
            self.device, Tracker(), resolver, self.roster, QualityLimits(), self.embedder.align, liveness
        )  # fmt: skip
        budget = Budget(self.settings.inference.frames_per_second, self.settings.sightings.snapshot_quality)
        return CameraLoop(
            camera.id, video, analyser, self.recorder, self.roster, self.hub, self.metrics, self.clock, budget,
            motion, zoning, CameraClips(camera.id, shown, self.clips, self.clock) if camera.clips else None,
            When(camera.analysis, camera.analysis_hours, lambda: self.runtime.zone),
            Challenges(camera.id, asks, self.recorder) if asks else None, in_order,
        )  # fmt: skip

    def _liveness(self, camera: Camera) -> TrackLiveness:
        if policy_of(camera, self.settings.liveness.policy) == "off":
            return TrackLiveness(None)
        check = self.passive
        rules = LivenessRules(least_share=check.settings.threshold if check else None)
        return TrackLiveness(LivenessJudge(rules), PassiveCheck(check.chips, self.device.check) if check else None)


@asynccontextmanager
async def open_parts(
    settings: Settings, *, clock: Clock | None = None, models: Models | None = None
) -> AsyncIterator[Parts]:
    """Everything open, nothing running yet: also what commands use."""
    clock = clock or SystemClock()
    secret, *previous_secrets = await prepare(settings)
    metrics = Metrics()
    rules = address_rules(settings)
    objects = open_storage(settings, clock)
    loaded = models if models is not None else await asyncio.to_thread(Models.load, settings)
    bus = open_bus(settings.bus.url)
    async with open_store(settings) as store, open_attempts(settings.bus.url, store, clock) as attempts:
        embedder = SwappedEmbedder(await settled(store, loaded.embedder, opener(settings)))
        runtime = RuntimeState(store, runtime_defaults(settings))
        log = AttendanceLog(store, runtime, clock)
        hub = Hub(log, bus, clock)
        chosen = settings.inference
        device = InferenceLoop(
            loaded.detector.detect, embedder.embed, check=loaded.liveness.live_chips if loaded.liveness else None,
            clock=clock, watch=metrics, max_batch=chosen.max_batch, max_wait_s=chosen.max_wait_ms / 1000,
            max_pending=chosen.max_pending, stale_after_s=chosen.stale_after_s,
        )  # fmt: skip
        access = Access(
            store, secret, clock,
            lifetimes=Lifetimes(
                access_s=settings.security.access_token_minutes * 60,
                refresh_s=settings.security.refresh_token_days * 86400,
                session_s=settings.security.session_days * 86400,
            ),
            production=settings.production, bcrypt_rounds=settings.security.bcrypt_rounds,
            previous_secrets=previous_secrets, attempts=attempts, log=log, wake=hub.wake,
        )  # fmt: skip
        roster = Roster(store, embedder.pack, access.templates, bus, search=settings.recognition.index)
        visitors = Visitors(store, embedder.pack, access.templates)
        recorder = Recorder(
            store, log, hub, objects, clock, runtime=runtime, liveness=settings.liveness.policy,
            on_lost_picture=metrics.snapshots_dropped.inc, grouping=visitors,
        )  # fmt: skip
        builder = _Builder(
            settings, rules, clock, device, embedder, loaded.liveness, roster, recorder, hub, metrics, runtime,
            access.addresses, ClipKeeper(store, objects, lambda outcome: metrics.clips.labels(outcome).inc()),
        )  # fmt: skip
        cameras = Cameras(
            store, recorder, builder, metrics, clock, here=settings.media.run_cameras,
            alert_after_s=settings.media.alert_after_s,
        )  # fmt: skip
        hub.on_revoked = access.forget
        await access.accounts.seed()
        await access.addresses.seal_all(store)
        await reseal.seal_all(store, access.keyring)
        await access.templates.seal_all(store)
        await access.webhooks.seal_all(store)
        await runtime.load()
        enrolment = Enrolment(
            store, objects, Enroller(loaded.detector, embedder), roster, access.templates,
            consent_first=lambda: runtime.current.features.consent_first,
        )  # fmt: skip
        importer = PeopleImporter(store, access.audit, enrolment, roster)
        again = Enroller(loaded.detector, loaded.embedder)
        rebuilder = Rebuilder(store, objects, again, build_of(loaded.embedder), access.templates, bus)
        looker = Looker(loaded.detector, embedder)
        words = Words(store, objects, looker, roster, enrolment, visitors, access.templates)
        eraser = Eraser(store, objects, clock, hub, access.answers, access.audit)

        async def switched() -> None:
            """What was seen by another network is compared with nothing any more."""
            visitors.switch(embedder.pack)
            await words.again()
            await cameras.settle_all()

        jobs = open_jobs(
            Place(store, log, hub, objects, clock), access.audit, runtime, importer.ready, rebuilder.ready, eraser,
            bus_url=settings.bus.url, at_once=settings.jobs.at_once, works=settings.jobs.embedded,
        )  # fmt: skip
        outbound = open_outbound(
            store, log, hub, bus, clock, runtime, access.webhooks, receiver_rules(settings),
            works=settings.jobs.embedded, on_try=lambda outcome: metrics.webhook_tries.labels(outcome).inc(),
            broker=broker(settings), standing=Standing(store, cameras, runtime, clock) if cameras.here else None,
        )  # fmt: skip
        mail, alert = mailer(settings), ReportAlert(log, hub.wake)
        sender = open_report_sender(store, runtime, clock, bus, access.audit, mail, alert)
        yield Parts(
            clock=clock,
            runtime=runtime,
            store=store,
            objects=objects,
            links=LinkSigner(access.keyring, clock, good_for_s=settings.storage.link_minutes * 60),
            access=access,
            bus=bus,
            hub=hub,
            presence=Presence(hub.origin, bus, clock),
            vitals=Vitals(store, cameras, device, hub, bus, metrics, clock),
            installation=installation(settings),
            device=device,
            packs=partial(loaded.packs, embedder),
            roster=roster,
            enrolment=enrolment,
            importer=importer,
            rebuilder=rebuilder,
            switching=Switching(store, bus, roster, embedder, opener(settings), switched),
            visitors=visitors,
            words=words,
            disclosure=Disclosure(store, objects, Blurring(loaded.detector)),
            eraser=eraser,
            cameras=cameras,
            snapshots=Snapshots(store, objects, cameras, clock),
            states=TopicStates(store, log, cameras, runtime, clock),
            webrtc=LiveSessions(ice_servers=ice_servers(settings), max_sessions=settings.webrtc.max_sessions),
            recorder=recorder,
            jobs=jobs,
            choosing=Choosing(
                store, jobs, rebuilder, partial(chosen_build, settings), opener(settings), partial(stamp, settings)
            ),
            outbound=outbound,
            reports=Reports(bus, clock, trials_of_mail(attempts), mail, alert),
            report_sender=sender if settings.jobs.embedded else None,
            address_rules=rules,
            metrics=metrics,
            limits=Limits(
                max_body_bytes=settings.http.max_body_mb * 1_000_000,
                max_import_bytes=settings.http.max_import_mb * 1_000_000,
                secure_cookies=settings.security.secure_cookies,
                hsts_s=settings.tls.hsts_days * 86400 if settings.security.secure_cookies else 0,
            ),
        )


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """The tasks of the server. One that must not die and does asks the server to stop."""
    left = await parts.recorder.close_left_open()
    if left:
        structlog.get_logger(__name__).info("sightings_closed_after_a_crash", count=left)
    await parts.roster.refresh()
    await parts.words.refresh()
    parts.roster.on_change(parts.cameras.gallery_changed)
    await ask_for_rebuild(parts.store, parts.jobs, parts.rebuilder.build)
    async with asyncio.TaskGroup() as tasks:
        # In the order in which they end: first what nobody depends on, then the cameras, whose last sightings still
        # need the hub. A silent database holds each of them up for seconds, so those beside each other end at once.
        followers = [
            ("runtime_settings", parts.runtime.run),
            ("gallery", parts.roster.run),
            ("packs", parts.switching.run),
            ("choice", parts.choosing.run),
            ("refused", parts.words.run),
            ("presence", parts.presence.run),
            ("stats", parts.vitals.run),
        ]
        if parts.cameras.here:
            followers.append(("snapshots", parts.snapshots.run))
        followers += parts.outbound.followers
        if parts.report_sender is not None:
            followers.append(("reports", parts.report_sender.run))
        started = [
            [tasks.create_task(supervise(name, run, backoff=soon())) for name, run in followers],
            *(
                [tasks.create_task(_must_live(name, run)) for name, run in beside]
                for beside in (
                    [("jobs", parts.jobs.run), ("webrtc", parts.webrtc.run)],
                    [("cameras", parts.cameras.run)],
                    [("inference", parts.device.run)],
                    [("hub", parts.hub.run)],
                    [("bus", parts.bus.run)],
                )
            ),
        ]
        try:
            yield
        finally:
            for beside in ([*started[0], *started[1]], *started[2:]):
                for task in beside:
                    if not task.cancelling():
                        task.cancel()
                await asyncio.wait(beside)


async def _must_live(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """uvicorn goes on serving when a task of its lifespan has died: so the server is asked to stop."""
    try:
        await run()
    except Exception:
        structlog.get_logger(__name__).critical("part_died", part=name, exc_info=True)
        signal.raise_signal(signal.SIGTERM)
        raise
