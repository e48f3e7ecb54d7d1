"""How this server does: cameras, frames, batches, queues and latencies, told while somebody wants to know."""

import asyncio
import platform
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.clock import Clock
from server.events.facts import (
    BatchCounts,
    CameraCounts,
    FrameCounts,
    LatencyFact,
    LatencyFacts,
    QueueCounts,
    ServerFact,
    StatsFact,
)
from server.events.hub import Hub, Wires
from server.media.status import CameraState
from server.pipeline.tally import Tally, counted, tallies
from server.store import deliveries, jobs
from server.store.engine import Store
from server.store.views import CameraStatus
from server.telemetry import Metrics

TOPIC, TYPE = "system/stats", "system.stats"
WATCHED_CHANNEL = "stats-watched"
EVERY_S = 2.0
WINDOW_S = 60.0
WATCHED_FOR_S = 3  # times the pause: a lost word of the bus does not end it


class RunningCameras(Protocol):
    """Of each that runs here, its status and who watches it."""

    def survey(self) -> Sequence[tuple[CameraStatus, int]]: ...


class Device(Protocol):
    """What runs the networks."""

    @property
    def pending(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What the metrics said at one moment."""

    at_s: float
    frames: float
    sizes: Mapping[str, Tally]
    waits: Mapping[str, Tally]
    runs: Mapping[str, Tally]
    events: Tally
    requests: Tally


class Vitals:
    """Looks at the metrics every few seconds, so that rates are of the last minute and not of all time."""

    def __init__(
        self, store: Store, cameras: RunningCameras, device: Device, hub: Hub, bus: Wires, metrics: Metrics,
        clock: Clock, *, every_s: float = EVERY_S,
    ) -> None:  # fmt: skip
        self._store = store
        self._cameras = cameras
        self._device = device
        self._hub = hub
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._every_s = every_s
        self._started_at, self._started_s = clock.now(), clock.monotonic()
        self._readings: deque[Reading] = deque([self._read()], maxlen=max(2, round(WINDOW_S / every_s)))
        self._wanted_until_s = self._started_s

    @property
    def server(self) -> ServerFact:
        """This process."""
        up_s = round(self._clock.monotonic() - self._started_s, 1)
        return ServerFact(id=self._hub.origin, name=platform.node(), started_at=self._started_at, uptime_s=up_s)

    async def run(self) -> None:
        """Until cancelled. Who watches may be connected to another server: it says so on the bus."""
        async with asyncio.TaskGroup() as tasks, self._bus.subscribe(WATCHED_CHANNEL) as words:
            tasks.create_task(self._listen(words))
            while True:
                if self._hub.watched(TOPIC):
                    self._wanted()
                    self._bus.publish(WATCHED_CHANNEL, b"")
                if self._clock.monotonic() < self._wanted_until_s:
                    stats = await self.stats()
                    self._hub.publish_volatile(TOPIC, TYPE, f"servers/{self._hub.origin}", as_json(stats))
                self._readings.append(self._read())
                await asyncio.sleep(self._every_s)

    async def stats(self) -> StatsFact:
        """How it does now."""
        async with self._store.read() as session:
            waiting, undelivered = await jobs.count_waiting(session), await deliveries.count_all_pending(session)
        before, now = self._readings[0], self._read()
        took_s = max(now.at_s - before.at_s, 0.001)
        shown = self._cameras.survey()
        states = [status.state for status, _ in shown]
        online = [status.latency_ms for status, _ in shown if status.state == CameraState.online.value]
        return StatsFact(
            server=self.server,
            window_s=round(now.at_s - before.at_s, 1),
            cameras=CameraCounts(
                running=len(shown), viewers=sum(viewers for _, viewers in shown),
                **{name: states.count(name) for name in ("online", "connecting", "stalled", "offline")},
            ),
            frames=FrameCounts(
                analysed=round(now.frames), per_second=round((now.frames - before.frames) / took_s, 2),
                dropped=sum(status.dropped for status, _ in shown),
            ),
            batches={kind: _batches(kind, before, now, took_s) for kind in sorted(now.sizes)},
            queues=QueueCounts(
                inference=self._device.pending, inference_dropped=round(counted(self._metrics.inference_dropped)),
                jobs=waiting, deliveries=undelivered, listeners=len(self._hub.listeners), skipped=self._hub.skipped,
            ),
            latencies=LatencyFacts(
                camera_ms=max(online, default=None),
                capture_to_event=_latency(now.events.since(before.events)),
                request=_latency(now.requests.since(before.requests)),
            ),
        )  # fmt: skip

    def _read(self) -> Reading:
        metrics = self._metrics
        return Reading(
            self._clock.monotonic(), counted(metrics.frames), tallies(metrics.batch_size, "kind"),
            tallies(metrics.batch_wait, "kind"), tallies(metrics.batch_seconds, "kind"),
            tallies(metrics.event_latency).get("", Tally()), tallies(metrics.request_seconds).get("", Tally()),
        )  # fmt: skip

    async def _listen(self, words: AsyncIterator[tuple[str, bytes]]) -> None:
        async for _ in words:
            self._wanted()

    def _wanted(self) -> None:
        self._wanted_until_s = self._clock.monotonic() + WATCHED_FOR_S * self._every_s


def as_json(stats: StatsFact) -> dict[str, object]:
    """As on the wire."""
    return stats.model_dump(mode="json", by_alias=True)


def _batches(kind: str, before: Reading, now: Reading, took_s: float) -> BatchCounts:
    none = Tally()
    sizes = now.sizes[kind].since(before.sizes.get(kind, none))
    waits = now.waits[kind].since(before.waits.get(kind, none))
    runs = now.runs[kind].since(before.runs.get(kind, none))
    return BatchCounts(
        batches=round(sizes.count), per_second=round(sizes.count / took_s, 2),
        mean_size=None if sizes.mean is None else round(sizes.mean, 2), wait_ms=_ms(waits.mean), run_ms=_ms(runs.mean),
    )  # fmt: skip


def _latency(tally: Tally) -> LatencyFact:
    return LatencyFact(count=round(tally.count), p50_ms=_ms(tally.quantile(0.5)), p95_ms=_ms(tally.quantile(0.95)))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
