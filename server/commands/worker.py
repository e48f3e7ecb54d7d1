"""`rollcall worker`: background jobs on this machine until SIGTERM or Ctrl-C. No cameras, no port."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from server.access.answers import KeptAnswers
from server.access.audit import PURPOSE, Audit
from server.access.keyring import Keyring
from server.access.template_seals import TemplateSeals
from server.access.webhook_seals import WebhookSeals
from server.bus.channels import Bus
from server.bus.open import open_bus
from server.clock import SystemClock
from server.commands.configuration import read_settings
from server.errors import Conflict
from server.events.hub import Hub
from server.identity.enrolment import Enroller
from server.jobs.jobs import Jobs
from server.jobs.open import open_jobs, open_report_sender
from server.jobs.people_import import PeopleImporter
from server.jobs.report_alert import ReportAlert
from server.jobs.report_sender import ReportSender
from server.jobs.work import Place
from server.loading import Models, chosen_build, opener
from server.masking import register_secret
from server.objects.objects import Objects
from server.opening import mailer, open_storage, open_store, prepare, receiver_rules, runtime_defaults
from server.outbound.open import Outbound, open_outbound
from server.pipeline.attendance_log import AttendanceLog
from server.pipeline.enrol import Enrolment
from server.pipeline.erase import Eraser
from server.pipeline.rebuild import Rebuilder
from server.pipeline.roster import Roster
from server.pipeline.switching import Switching, build_of, settled
from server.settings import Settings, unknown_names
from server.store.audit import Filter
from server.store.engine import Store
from server.store.paging import Page
from server.store.runtime import RuntimeState
from server.supervise import soon, supervise
from server.telemetry import set_up_logging
from server.vision.swapped import SwappedEmbedder

WORK_THREADS = 16


def worker() -> None:
    """Does background jobs beside the server, on this machine or on another; configured like the server."""
    asyncio.run(_work(read_settings()))


async def _work(settings: Settings) -> None:
    set_up_logging(settings.log.format, settings.log.level)
    # Look-ups of names share it with what jobs do in threads: one that hangs must not keep the others waiting.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WORK_THREADS, thread_name_prefix="work"))
    log = structlog.get_logger(__name__)
    for name in unknown_names():
        log.warning("unknown_setting", name=name)
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for asked_by in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(asked_by, task.cancel)
    async with open_worker(settings) as (jobs, bus, runtime, outbound, sender), asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(supervise("webhooks", outbound.deliverer.run, backoff=soon())),
            tasks.create_task(supervise("reports", sender.run, backoff=soon())),
            tasks.create_task(bus.run()),
            tasks.create_task(supervise("runtime_settings", runtime.run, backoff=soon())),
        ]
        sys.stdout.write("\n  Rollcall works on jobs\n")
        sys.stdout.flush()
        try:
            await jobs.run()
        finally:  # what the last job said is still sent
            for each in beside:
                each.cancel()


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[tuple[Jobs, Bus, RuntimeState, Outbound, ReportSender]]:
    """What jobs need, open and not running yet. Raises Conflict where the secret is not the server's."""
    clock = SystemClock()
    secrets = await prepare(settings)
    for secret in secrets:  # one that was made just now too
        register_secret(secret)
    objects, bus = open_storage(settings, clock), open_bus(settings.bus.url)
    async with open_store(settings) as store:
        keyring = Keyring(secrets)
        audit = Audit(store, keyring, clock)
        await _check_secret(audit, keyring)
        runtime = RuntimeState(store, runtime_defaults(settings))
        await runtime.load()
        log = AttendanceLog(store, runtime, clock)
        hub = Hub(log, bus, clock)
        place = Place(store, log, hub, objects, clock)
        eraser = Eraser(store, objects, clock, hub, KeptAnswers(store, keyring), audit)
        importers = _Importers(settings, store, objects, bus, keyring, audit, runtime)
        jobs = open_jobs(
            place, audit, runtime, importers.ready, importers.rebuilder, eraser,
            bus_url=settings.bus.url, at_once=settings.jobs.at_once, works=True,
        )  # fmt: skip
        outbound = open_outbound(
            store, log, hub, bus, clock, runtime, WebhookSeals(keyring), receiver_rules(settings), works=True
        )
        alert = ReportAlert(log, hub.wake)
        sender = open_report_sender(store, runtime, clock, bus, audit, mailer(settings), alert)
        yield jobs, bus, runtime, outbound, sender


class _Importers:
    """Loads the networks when there is something to import, and keeps them: they take a second and 100 MB."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        objects: Objects,
        bus: Bus,
        keyring: Keyring,
        audit: Audit,
        runtime: RuntimeState,
    ) -> None:
        self._settings = settings
        self._store = store
        self._objects = objects
        self._bus = bus
        self._keyring = keyring
        self._audit = audit
        self._runtime = runtime
        self._importer: PeopleImporter | None = None
        self._switching: Switching | None = None
        self._models: Models | None = None
        self._loading = asyncio.Lock()

    async def ready(self) -> PeopleImporter:
        """Raises PackRefused."""
        async with self._loading:
            models, seals = await self._loaded(), TemplateSeals(self._keyring)
            if self._importer is None:
                opened = await settled(self._store, models.embedder, opener(self._settings))
                embedder = SwappedEmbedder(opened)
                roster = Roster(self._store, embedder.pack, seals, self._bus)
                enrolment = Enrolment(
                    self._store, self._objects, Enroller(models.detector, embedder), roster, seals,
                    consent_first=lambda: self._runtime.current.features.consent_first,
                )  # fmt: skip
                self._importer = PeopleImporter(self._store, self._audit, enrolment, roster)
                self._switching = Switching(self._store, self._bus, roster, embedder, opener(self._settings), _nothing)
            if self._switching is not None:
                await self._switching.look()
            return self._importer

    async def rebuilder(self) -> Rebuilder:
        """Raises PackRefused."""
        async with self._loading:
            models = await self._loaded()
            enroller, build = Enroller(models.detector, models.embedder), build_of(models.embedder)
            return Rebuilder(self._store, self._objects, enroller, build, TemplateSeals(self._keyring), self._bus)

    async def _loaded(self) -> Models:
        """The embedder is the one that is chosen now: a worker outlives such a choice."""
        if self._models is None:
            self._models = await asyncio.to_thread(Models.load, self._settings)
        chosen = await asyncio.to_thread(chosen_build, self._settings)
        if chosen != build_of(self._models.embedder):
            opened = await asyncio.to_thread(opener(self._settings), chosen)
            self._models = replace(self._models, embedder=opened)
        return self._models


async def _nothing() -> None:
    """No cameras run here."""


async def _check_secret(audit: Audit, keyring: Keyring) -> None:
    """What is signed here must be known there: two secrets would tear the audit's chain."""
    newest = (await audit.page(Page(page_size=1), Filter())).rows
    if newest and newest[0].key_id not in keyring.known(PURPOSE):
        raise Conflict(
            "This is not the server's secret. Give the worker the same ROLLCALL_SECURITY__SECRET_KEY, "
            "or the file secret.key of its data folder."
        )
