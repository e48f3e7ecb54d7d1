"""How the server says that it does: numbers of what has happened, told while somebody wants to know."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import orjson

from server.bus.channels import Bus
from server.clock import ManualClock
from server.events.facts import StatsFact
from server.events.hub import Hub
from server.events.latest import Latest
from server.events.subscription import Subscription
from server.parts import Parts
from server.pipeline.vitals import TOPIC, Vitals
from server.store.event_log import TableLog
from server.store.tables import Job
from server.telemetry import Metrics


class Device:
    pending = 3


def vitals_of(parts: Parts, hub: Hub, bus: Bus, every_s: float = 0.01) -> Vitals:
    return Vitals(parts.store, parts.cameras, Device(), hub, bus, parts.metrics, parts.clock, every_s=every_s)


@asynccontextmanager
async def running(*runs: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(run()) for run in runs]
        yield
        for task in started:
            task.cancel()


async def test_what_has_happened(parts: Parts, clock: ManualClock) -> None:
    """Counts since the start; rates, batches and latencies of the time that was looked back on."""
    vitals = vitals_of(parts, parts.hub, parts.bus)
    metrics: Metrics = parts.metrics
    quiet = await vitals.stats()
    assert (quiet.frames.analysed, quiet.latencies.request.p50_ms, quiet.batches) == (0, None, {})
    metrics.frames.labels("a").inc(30)
    metrics.frames.labels("b").inc(10)
    metrics.batch("detect", 4, 0.01, 0.03)
    metrics.batch("detect", 2, 0.02, 0.05)
    metrics.dropped("detect", "stale")
    metrics.event_latency.observe(0.15)
    metrics.request("GET", 200, 0.004)
    async with parts.store.transaction() as session:
        session.add(Job(kind="retention", state="queued", run_at=clock.now()))
    clock.advance(10)
    stats = await vitals.stats()
    assert (stats.frames.analysed, stats.frames.per_second, stats.window_s) == (40, 4.0, 10.0)
    detect = stats.batches["detect"]
    assert (detect.batches, detect.mean_size, detect.wait_ms, detect.run_ms) == (2, 3.0, 15.0, 40.0)
    assert (stats.queues.inference, stats.queues.inference_dropped, stats.queues.jobs) == (3, 1, 1)
    assert (stats.queues.deliveries, stats.cameras.running) == (0, 0)
    event = stats.latencies.capture_to_event
    assert event.count == 1
    assert event.p95_ms is not None
    assert 100 <= event.p95_ms <= 200
    assert stats.server.id == parts.hub.origin
    assert stats.server.uptime_s == 10.0


async def test_told_while_somebody_follows(parts: Parts) -> None:
    """As the topic's event, and nothing before or after."""
    bus, told = parts.bus, []
    vitals = vitals_of(parts, parts.hub, bus)
    parts.hub.publish_volatile = lambda *said: told.append(said)  # type: ignore[method-assign]
    async with running(vitals.run):
        await asyncio.sleep(0.05)
        assert told == []
    del parts.hub.publish_volatile
    with Latest(parts.hub, TOPIC) as latest:
        async with running(vitals.run), asyncio.timeout(10):
            said = orjson.loads(await latest.take())["event"]
    assert (said["type"], said["source"]) == ("system.stats", f"servers/{parts.hub.origin}")
    assert StatsFact.model_validate(said["data"]).server.id == parts.hub.origin
    assert "perSecond" in said["data"]["frames"]


async def test_every_server_tells_whoever_follows_at_one(parts: Parts, buses: tuple[Bus, Bus]) -> None:
    """Each of itself, wherever the reader is connected."""
    log = TableLog(parts.store)
    here, there = (Hub(log, bus, parts.clock) for bus in buses)
    sources: set[str] = set()
    seen = asyncio.Event()

    class Reader:
        ready = True

        def write(self, batch: object) -> None:
            for payload in batch.payloads:  # type: ignore[attr-defined]
                sources.add(orjson.loads(payload)["event"]["source"])
            if len(sources) == 2:
                seen.set()

    reader = Subscription(0, TOPIC, None, Reader(), on_behind=lambda: None, on_slow=lambda: None)
    clock = parts.clock
    assert isinstance(clock, ManualClock)  # it stands still: once wanted, wanted for the whole test
    own, other = vitals_of(parts, here, buses[0]), vitals_of(parts, there, buses[1])
    here.watch(reader)
    reader.release()
    async with running(here.run, there.run, own.run, other.run), asyncio.timeout(20):
        await seen.wait()
    assert sources == {f"servers/{here.origin}", f"servers/{there.origin}"}
