"""The inference loop: batches across cameras, drops before it falls behind, outlives a failing model."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import pytest

from server.clock import Clock, ManualClock, SystemClock
from server.errors import TooMany, Unavailable
from server.inference.loop import InferenceLoop, StaleFrame
from server.vision.detections import Detections, Floats, Pixels

PICTURE = np.zeros((36, 64, 3), np.uint8)


@dataclass
class Watch:
    batches: list[tuple[str, int, float, float]] = field(default_factory=list)
    drops: list[tuple[str, str]] = field(default_factory=list)

    def batch(self, kind: str, size: int, waited_s: float, took_s: float) -> None:
        self.batches.append((kind, size, waited_s, took_s))

    def dropped(self, kind: str, reason: str) -> None:
        self.drops.append((kind, reason))

    def sizes(self, kind: str) -> list[int]:
        return [size for what, size, _, _ in self.batches if what == kind]


class Device:
    """Answers what it was asked: a detection per picture whose confidence is the picture's first pixel."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.takes_s = takes_s
        self.free = threading.Event()
        self.free.set()
        self.busy = threading.Event()
        self.threads: set[str] = set()
        self.order: list[str] = []
        self.fails = False

    def detect(self, images: Sequence[Pixels]) -> list[Detections]:
        self._work("detect")
        return [
            Detections(
                np.zeros((1, 4), np.float32), np.zeros((1, 5, 2), np.float32), np.array([image[0, 0, 0]], np.float32)
            )
            for image in images
        ]

    def embed(self, chips: Pixels) -> Floats:
        self._work("embed")
        return chips[:, 0, 0, :].astype(np.float32)

    def check(self, chips: Pixels) -> Floats:
        self._work("liveness")
        return chips[:, 0, 0, :1].astype(np.float32)

    def _work(self, what: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.order.append(what)
        self.busy.set()
        assert self.free.wait(10)
        time.sleep(self.takes_s)
        if self.fails:
            raise RuntimeError("out of memory")


@asynccontextmanager
async def running(loop: InferenceLoop) -> AsyncIterator[InferenceLoop]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(loop.run())
        try:
            yield loop
        finally:
            task.cancel()


def build(device: Device, watch: Watch, clock: Clock | None = None, **limits: float) -> InferenceLoop:
    return InferenceLoop(
        device.detect,
        device.embed,
        check=device.check,
        clock=clock or SystemClock(),
        watch=watch,
        max_batch=int(limits.get("max_batch", 8)),
        max_wait_s=limits.get("max_wait_s", 0.008),
        max_pending=int(limits.get("max_pending", 64)),
        stale_after_s=limits.get("stale_after_s", 60.0),
    )


def picture(mark: int) -> Pixels:
    return np.full((36, 64, 3), mark, np.uint8)


async def until_busy(device: Device) -> None:
    assert await asyncio.to_thread(device.busy.wait, 10)
    device.busy.clear()


async def test_eight_cameras_share_batches() -> None:
    """Eight cameras that each await one frame at a time are served in batches larger than one, each with its own."""
    device, watch = Device(takes_s=0.002), Watch()
    clock = SystemClock()

    async def camera(number: int) -> None:
        for _ in range(10):
            faces = await loop.detect(picture(number), clock.monotonic())
            assert faces.confidence[0] == number
            embeddings = await loop.embed(np.full((number, 4, 4, 3), number, np.uint8))
            assert embeddings.shape == (number, 3)
            assert (embeddings == number).all()

    async with running(build(device, watch)) as loop, asyncio.TaskGroup() as cameras:
        for number in range(1, 9):
            cameras.create_task(camera(number))
    assert sum(watch.sizes("detect")) == 80
    assert max(watch.sizes("detect")) > 1
    assert sum(watch.sizes("detect")) / len(watch.sizes("detect")) > 1.5
    assert max(watch.sizes("embed")) > 1
    assert max(watch.sizes("embed") + watch.sizes("detect")) <= 8
    assert watch.drops == []


async def test_one_thread_of_the_device_runs_everything_and_ends() -> None:
    """All batches run on one thread, which is gone once the loop has stopped."""
    device = Device()
    async with running(build(device, Watch())) as loop:
        for _ in range(3):
            await loop.detect(PICTURE, 0.0 + SystemClock().monotonic())
            await loop.embed(np.zeros((1, 4, 4, 3), np.uint8))
    assert len(device.threads) == 1
    assert not device.threads & {thread.name for thread in threading.enumerate()}


async def test_a_lone_request_waits_no_longer_than_the_maximum() -> None:
    """A batch that does not fill runs once its oldest request has waited the maximum wait."""
    watch = Watch()
    async with running(build(Device(), watch, max_wait_s=0.05)) as loop:
        await loop.detect(PICTURE, SystemClock().monotonic())
    [(kind, size, waited_s, _)] = watch.batches
    assert (kind, size) == ("detect", 1)
    assert 0.05 <= waited_s < 5


async def test_a_full_batch_does_not_wait() -> None:
    """As soon as the maximum size has gathered, the batch runs."""
    watch = Watch()
    async with running(build(Device(), watch, max_batch=2, max_wait_s=60)) as loop, asyncio.TaskGroup() as cameras:
        cameras.create_task(loop.detect(PICTURE, SystemClock().monotonic()))
        cameras.create_task(loop.detect(PICTURE, SystemClock().monotonic()))
    assert watch.sizes("detect") == [2]


async def test_a_stale_frame_is_dropped_and_a_fresh_one_behind_it_is_served() -> None:
    """A frame older than allowed when its batch forms is dropped, counted, and its caller told."""
    clock, watch = ManualClock(), Watch()
    async with running(build(Device(), watch, clock, max_wait_s=0, stale_after_s=1)) as loop:
        with pytest.raises(StaleFrame):
            await loop.detect(PICTURE, clock.monotonic() - 1.5)
        assert len(await loop.detect(PICTURE, clock.monotonic() - 0.5)) == 1
    assert watch.drops == [("detect", "stale")]


async def test_the_oldest_detection_gives_way_when_too_many_wait() -> None:
    """Beyond the bound the oldest picture is dropped, not the newest refused."""
    device, watch = Device(), Watch()
    loop = build(device, watch, max_pending=2)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_outcome(loop, mark)) for mark in range(3)]
        await asyncio.sleep(0)
        assert loop.pending == 2
        async with running(loop):
            await asyncio.wait(asked)
    assert [task.result() for task in asked] == ["stale", "1", "2"]
    assert watch.drops == [("detect", "overflow")]


async def _outcome(loop: InferenceLoop, mark: int) -> str:
    try:
        faces = await loop.detect(picture(mark), SystemClock().monotonic())
    except StaleFrame:
        return "stale"
    return str(int(faces.confidence[0]))


async def test_too_many_chips_are_refused_but_a_single_large_stack_is_cut() -> None:
    """Embeds never go stale; they are bounded by a refusal, and one large request runs in slices."""
    device, watch = Device(), Watch()
    loop = build(device, watch, max_pending=8, max_batch=4)
    chips = np.arange(11, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    async with asyncio.TaskGroup() as group:
        large = group.create_task(loop.embed(chips))
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await loop.embed(chips[:1])
        async with running(loop):
            assert (await large)[:, 0].tolist() == list(range(11))
    assert len(device.order) == 3
    assert watch.drops == [("embed", "overflow")]


async def test_embeds_go_before_detections_but_do_not_starve_them() -> None:
    """What finishes a frame goes first, yet a waiting detection has its turn after two batches of embeds."""
    device = Device()
    async with running(build(device, Watch(), max_wait_s=0)) as loop, asyncio.TaskGroup() as group:
        device.free.clear()
        group.create_task(loop.detect(PICTURE, SystemClock().monotonic()))
        await until_busy(device)
        group.create_task(loop.detect(PICTURE, SystemClock().monotonic()))
        for side in range(4, 9):  # shapes that cannot share a batch
            group.create_task(loop.embed(np.zeros((1, side, side, 3), np.uint8)))
        await asyncio.sleep(0)
        device.free.set()
    assert device.order == ["detect", "embed", "embed", "detect", "embed", "embed", "embed"]


async def test_a_cancelled_caller_is_skipped() -> None:
    """A request whose caller has gone takes no place on the device."""
    device, watch = Device(), Watch()
    loop = build(device, watch, max_wait_s=0)
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(loop.detect(picture(1), SystemClock().monotonic()))
        stays = group.create_task(loop.detect(picture(2), SystemClock().monotonic()))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        async with running(loop):
            assert (await stays).confidence[0] == 2
    assert watch.sizes("detect") == [1]
    assert watch.drops == [("detect", "cancelled")]


async def test_a_caller_that_leaves_during_its_batch_harms_nobody() -> None:
    """Cancelled while the device works: the others of the batch have their answers."""
    device = Device()
    device.free.clear()
    async with running(build(device, Watch(), max_batch=2)) as loop, asyncio.TaskGroup() as group:
        gone = group.create_task(loop.detect(picture(1), SystemClock().monotonic()))
        stays = group.create_task(loop.detect(picture(2), SystemClock().monotonic()))
        await until_busy(device)
        gone.cancel()
        await asyncio.sleep(0)
        device.free.set()
        assert (await stays).confidence[0] == 2


async def test_a_failing_model_fails_its_batch_and_the_loop_goes_on() -> None:
    """Those who asked hear of it; the next request is served."""
    device, watch = Device(), Watch()
    async with running(build(device, watch)) as loop:
        device.fails = True
        answers = await asyncio.gather(
            *(loop.detect(PICTURE, SystemClock().monotonic()) for _ in range(3)),
            loop.embed(np.zeros((1, 4, 4, 3), np.uint8)),
            return_exceptions=True,
        )
        assert all(isinstance(answer, RuntimeError) for answer in answers)
        device.fails = False
        assert len(await loop.detect(PICTURE, SystemClock().monotonic())) == 1
    assert watch.sizes("detect") == [1]


async def test_stopping_fails_what_is_pending_and_what_comes_after() -> None:
    """On cancel nobody is left waiting: pending, running and later requests end with Unavailable."""
    device = Device()
    device.free.clear()
    loop = build(device, Watch(), max_batch=1)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(loop.run())
        asked = [group.create_task(_failure(loop)) for _ in range(3)]
        await until_busy(device)
        serving.cancel()
        await asyncio.sleep(0)
        device.free.set()
        await asyncio.wait(asked)
    assert [task.result() for task in asked] == ["unavailable"] * 3
    with pytest.raises(Unavailable):
        await loop.embed(np.zeros((1, 4, 4, 3), np.uint8))


async def _failure(loop: InferenceLoop) -> str:
    with suppress(Unavailable):
        await loop.detect(PICTURE, SystemClock().monotonic())
        return "served"
    return "unavailable"


async def test_no_chips_need_no_device_and_a_single_chip_is_no_stack() -> None:
    """An empty stack is answered at once; something that is not a stack is a mistake of the caller."""
    loop = build(Device(), Watch())
    assert len(await loop.embed(np.zeros((0, 112, 112, 3), np.uint8))) == 0
    with pytest.raises(ValueError, match="stack"):
        await loop.embed(PICTURE)


def test_bounds_of_zero_are_a_mistake() -> None:
    """A loop that could never form a batch is refused when it is built."""
    with pytest.raises(ValueError, match="at least 1"):
        build(Device(), Watch(), max_batch=0)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_picture_that_failed_is_let_go_at_once(fails: bool) -> None:
    """Stale, or of a model that fails: its picture is not kept until the collector of circles comes by."""
    device = Device()
    device.fails = fails
    gone: list[weakref.ref[Pixels]] = []

    async def ask(loop: InferenceLoop) -> None:
        asked = PICTURE.copy()
        gone.append(weakref.ref(asked))
        with suppress(StaleFrame, RuntimeError):
            await loop.detect(asked, loop._clock.monotonic() if fails else -100.0)

    gc.disable()
    try:
        async with running(build(device, Watch())) as loop:
            await ask(loop)
            await asyncio.sleep(0.05)
            assert gone[0]() is None
    finally:
        gc.enable()


async def test_liveness_is_asked_after_embeds_and_before_detections() -> None:
    """Each request gets its own shares, a detection that waits has its turn, and without a pack there is no answer."""
    device, watch = Device(), Watch()
    async with running(build(device, watch, max_wait_s=0.0)) as loop:
        device.free.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(loop.detect(picture(1), SystemClock().monotonic()))
            await until_busy(device)
            tasks.create_task(loop.detect(picture(2), SystemClock().monotonic()))
            checks = [tasks.create_task(loop.check(np.full((n, 8, 8, 3), n, np.uint8))) for n in (1, 2)]
            tasks.create_task(loop.embed(np.full((1, 4, 4, 3), 1, np.uint8)))
            await asyncio.sleep(0)
            device.free.set()
    assert [task.result().tolist() for task in checks] == [[[1.0]], [[2.0], [2.0]]]
    assert device.order == ["detect", "embed", "liveness", "detect"]
    assert watch.sizes("liveness") == [3]
    async with running(InferenceLoop(device.detect, device.embed, clock=SystemClock(), watch=watch)) as loop:
        with pytest.raises(Unavailable, match="No liveness pack"):
            await loop.check(np.zeros((1, 8, 8, 3), np.uint8))
