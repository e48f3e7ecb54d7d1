"""What the server says of itself: structured logs that mask secrets, and metrics."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECRET_KEY = re.compile(r"pass(word|wd)?|secret|token|authorization|cookie|api[-_]?key|otp|\bkey\b", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^\s/@:]*):(?P<password>[^\s/]*)@", re.IGNORECASE)
_URL_SECRET = re.compile(
    r"(?P<name>[?&](?:pass(?:word|wd)?|pwd|token|key|secret|auth|ticket)=)[^&\s\"']+", re.IGNORECASE
)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]+")
_BEARER = re.compile(r"(?i)\bbearer\s+\S+")
MASK = "***"


def mask_text(text: str) -> str:
    """The text without passwords in URLs, tokens and bearer headers."""
    if "://" in text:
        text = _URL_LOGIN.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    text = _URL_SECRET.sub(rf"\g<name>{MASK}", text)
    return _BEARER.sub(f"Bearer {MASK}", _JWT.sub(MASK, text))


def _mask(value: Any, key: str = "") -> Any:
    if key and _SECRET_KEY.search(key) and value is not None and not isinstance(value, bool):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {k: _mask(v, str(k)) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask(v) for v in value]
    if isinstance(value, BaseException):
        return mask_text(f"{type(value).__name__}: {value}")
    return value


def mask_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog step through which every line goes, those of libraries too."""
    return {key: _mask(value, key) for key, value in event.items() if key != "_record" and key != "_from_structlog"} | {
        key: event[key] for key in ("_record", "_from_structlog") if key in event
    }


def set_up_logging(style: Literal["console", "json"], level: str) -> None:
    """Routes structlog and the logging of libraries through one formatter on standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "uvicorn.error", "aiosqlite", "alembic", "libav", "websockets", "aioice", "aiortc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


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
        self.request_seconds = histogram("http_request_seconds", "Time to answer a request", times, "method")
        self.batch_size = histogram("inference_batch_size", "Requests in one batch", (1, 2, 4, 8, 16, 32), "kind")
        self.batch_wait = histogram(
            "inference_wait_seconds", "Time the oldest request of a batch waited", times, "kind"
        )
        self.batch_seconds = histogram("inference_run_seconds", "Time of one batch on the device", times, "kind")
        self.inference_dropped = counter("inference_dropped", "Requests dropped before the device", "kind", "reason")
        self.frames = counter("camera_frames_analysed", "Frames analysed", "camera")
        self.frames_dropped = gauge("camera_frames_dropped", "Frames that a slow reader of the camera lost", "camera")
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
        self.tasks = gauge("tasks", "Tasks of the event loop")
        self.snapshots_dropped = counter("snapshots_dropped", "Snapshots that could not be stored")

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
