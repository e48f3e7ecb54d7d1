"""The jobs of an installation: every kind there is, and the one who does them; and who sends reports."""

from server.access.audit import Audit
from server.clock import Clock
from server.events.hub import Wires
from server.jobs.audit_export import audit_export
from server.jobs.check_outs import missing_check_outs
from server.jobs.days_export import DaysExport, days_export
from server.jobs.entries_import import EntriesImporter
from server.jobs.entries_job import entries_import
from server.jobs.erasure import erasure
from server.jobs.import_job import GetImporter, people_import
from server.jobs.jobs import Jobs
from server.jobs.rebuild_job import GetRebuilder, templates_rebuild
from server.jobs.report_alert import ReportAlert
from server.jobs.report_sender import ReportSender
from server.jobs.retention import retention
from server.jobs.terminal_lines import terminal_lines
from server.jobs.work import Place
from server.jobs.worker import worker_name
from server.outbound.mail import Mailer
from server.pipeline.erase import Eraser
from server.store.engine import Store
from server.store.runtime import RuntimeState


def open_jobs(
    place: Place,
    audit: Audit,
    runtime: RuntimeState,
    importer: GetImporter,
    rebuilder: GetRebuilder,
    eraser: Eraser,
    *,
    bus_url: str,
    at_once: int,
    works: bool,
) -> Jobs:
    """Its `run()` needs an owner; with `works` it does jobs too."""
    kinds = (
        retention(place, audit, lambda: runtime.current.retention, eraser),
        audit_export(place.objects, audit),
        days_export(place.objects, DaysExport(place.store, runtime, place.clock)),
        people_import(place.objects, place.store, importer),
        entries_import(
            place.objects,
            place.store,
            EntriesImporter(place.store, place.log, place.waker, audit, place.clock, runtime),
        ),
        templates_rebuild(place.store, place.objects, audit, rebuilder),
        erasure(eraser),
        terminal_lines(place, runtime),
        missing_check_outs(place, runtime),
    )
    return Jobs(place, kinds, bus_url=bus_url, at_once=at_once, works=works)


def open_report_sender(
    store: Store,
    runtime: RuntimeState,
    clock: Clock,
    bus: Wires,
    audit: Audit,
    mailer: Mailer | None,
    alert: ReportAlert,
) -> ReportSender:
    """Its `run()` needs an owner, in every process that works on jobs."""
    return ReportSender(DaysExport(store, runtime, clock), bus, audit, mailer, alert, name=worker_name())
