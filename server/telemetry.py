"""What the server says of itself: structured logs that mask secrets, and metrics."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, TextIO

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from server.masking import mask_value


def mask_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog step through which every line goes, those of libraries too."""
    return {
        key: mask_value(value, key) for key, value in event.items() if key != "_record" and key != "_from_structlog"
    } | {key: event[key] for key in ("_record", "_from_structlog") if key in event}


def set_up_logging(style: Literal["console", "json"], level: str) -> None:
    """Routes structlog and the logging of libraries to standard error, in one form.

    Our own lines do not take the way through the logging of libraries: that costs twice what the line itself does, and
    there is one for each request.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        mask_secrets,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = (
        structlog.processors.JSONRenderer(serializer=_json)
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = _Lines(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _OwnLines(names[0] if names else "server", handler),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    for noisy in ("uvicorn.access", "uvicorn.error", "aiosqlite", "alembic", "libav", "websockets", "aioice", "aiortc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _json(event: object, default: Callable[[Any], Any] | None = None, **_options: object) -> str:
    return orjson.dumps(event, default=default, option=orjson.OPT_NON_STR_KEYS).decode()


class _OwnLines:
    """What structlog writes to: finished lines, to where those of libraries go."""

    def __init__(self, name: str, handler: "_Lines") -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        self._handler.put(self.name, line)

    debug = info = warning = error = critical = msg


class _Lines(logging.StreamHandler[TextIO]):
    """One that does not print the arguments of a line that could not be written: they may be secrets."""

    def put(self, name: str, line: str) -> None:
        """A finished line."""
        self.acquire()
        try:
            self.stream.write(f"{line}\n")
            self.flush()
        except Exception as error:  # noqa: BLE001 - no line is worth a failed request
            self._could_not_write(name, error)
        finally:
            self.release()

    def handleError(self, record: logging.LogRecord) -> None:
        self._could_not_write(record.name, sys.exc_info()[1])

    def _could_not_write(self, name: str, error: BaseException | None) -> None:
        if not isinstance(error, OSError):
            self.stream.write(f"A line of {name} could not be written: {type(error).__name__}\n")


class Metrics:
    """All metrics of one server, in a registry of their own so that tests may make several."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"rollcall_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"rollcall_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"rollcall_{name}", text, labels, registry=self.registry, buckets=buckets)

        times = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
        self.requests = counter("http_requests", "HTTP requests", "method", "status")
        self._of_requests: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.request_seconds = histogram("http_request_seconds", "Time to answer a request", times, "method")
        self.batch_size = histogram("inference_batch_size", "Requests in one batch", (1, 2, 4, 8, 16, 32), "kind")
        self.batch_wait = histogram(
            "inference_wait_seconds", "Time the oldest request of a batch waited", times, "kind"
        )
        self.batch_seconds = histogram("inference_run_seconds", "Time of one batch on the device", times, "kind")
        self.inference_dropped = counter("inference_dropped", "Requests dropped before the device", "kind", "reason")
        self.frames = counter("camera_frames_analysed", "Frames analysed", "camera")
        self.frames_dropped = gauge("camera_frames_dropped", "Frames that a slow reader of the camera lost", "camera")
        self.unrecorded = gauge("camera_unrecorded", "Frames whose findings wait for the database", "camera")
        self.camera_online = gauge("camera_online", "1 while video arrives", "camera")
        self.viewers = gauge("camera_viewers", "Who watches the camera over WebRTC", "camera")
        self.encodings = gauge("camera_encodings", "Encodes of the camera that run for its viewers", "camera")
        self.event_latency = histogram(
            "capture_to_event_seconds", "From the capture of the deciding frame to its event in the log", times
        )
        self.sightings = counter("sightings", "Sightings opened", "kind")
        self.entries = counter("attendance_entries", "Entries made from sightings", "direction")
        self.gallery = gauge("gallery_templates", "Templates in the gallery")
        self.subscribers = gauge("websocket_connections", "Open WebSocket connections")
        self.bus = gauge("bus_up", "1 while messages of other processes arrive")
        self.tasks = gauge("tasks", "Tasks of the event loop")
        self.clips = counter("clips", "Clips of sightings: stored, skipped (too many, no video) or lost", "outcome")
        self.webhook_tries = counter("webhook_tries", "Tries of webhook deliveries, by what came of them", "outcome")
        self.snapshots_dropped = counter("snapshots_dropped", "Snapshots that could not be stored")

    # What the edge reports of every request: its children are looked up once.

    def request(self, method: str, status: int, took_s: float) -> None:
        """`method` is one of a closed set, `status` one that we send: few pairs."""
        children = self._of_requests.get((method, status))
        if children is None:
            counted = self.requests.labels(method, str(status))
            children = self._of_requests[(method, status)] = (counted, self.request_seconds.labels(method))
        children[0].inc()
        children[1].observe(took_s)

    # What the inference loop reports (server/inference/loop.py declares it).

    def batch(self, kind: str, size: int, waited_s: float, took_s: float) -> None:
        self.batch_size.labels(kind).observe(size)
        self.batch_wait.labels(kind).observe(waited_s)
        self.batch_seconds.labels(kind).observe(took_s)

    def dropped(self, kind: str, reason: str) -> None:
        self.inference_dropped.labels(kind, reason).inc()

    def render(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self.registry)
