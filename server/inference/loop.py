"""InferenceLoop: the requests of all cameras become batches on the one thread of the device; stale ones are dropped."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np

from server.clock import Clock
from server.errors import TooMany, Unavailable
from server.vision.detections import Detections, Floats, Pixels

Kind = Literal["detect", "embed", "liveness"]
Reason = Literal["stale", "overflow", "cancelled"]
Answer = TypeVar("Answer")

# Embeds and liveness finish a frame, so they go first, but so many batches in a row at most while a detection waits.
EMBEDS_IN_A_ROW = 2


class StaleFrame(Exception):
    """The frame grew too old, or gave way to a newer one, before the device was free. Take the next one."""


class InferenceWatch(Protocol):
    """Told what the loop does, for metrics. Called on the event loop; must not block."""

    def batch(self, kind: str, size: int, waited_s: float, took_s: float) -> None:
        """A batch of `size` pictures or chips ran; its oldest request had waited `waited_s`."""

    def dropped(self, kind: str, reason: str) -> None:
        """A request was dropped: stale, overflow or cancelled."""


@dataclass(slots=True, eq=False)
class _Request(Generic[Answer]):
    pixels: Pixels  # one picture to detect in, or a stack of chips to embed
    size: int  # pictures or chips
    captured: float
    asked: float
    answer: asyncio.Future[Answer]


class InferenceLoop:
    """Batches across cameras, embeds and liveness before detections. Everything but the models runs on the event loop.

    Bounded: beyond `max_pending` pictures the oldest detection gives way (StaleFrame), a further embed or liveness is
    refused (TooMany). A model that raises fails the requests of that batch only.
    """

    def __init__(
        self,
        detect: Callable[[Sequence[Pixels]], list[Detections]],
        embed: Callable[[Pixels], Floats],
        *,
        check: Callable[[Pixels], Floats] | None = None,
        clock: Clock,
        watch: InferenceWatch,
        max_batch: int = 8,
        max_wait_s: float = 0.008,
        max_pending: int = 64,
        stale_after_s: float = 1.0,
    ) -> None:
        if max_batch < 1 or max_pending < 1:
            raise ValueError("max_batch and max_pending are at least 1")
        self._detect_faces = detect
        self._embed_chips = embed
        self._check_chips = check or _no_check
        self._clock = clock
        self._watch = watch
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._max_pending = max_pending
        self._stale_after_s = stale_after_s
        self._detects: deque[_Request[Detections]] = deque()
        self._embeds: deque[_Request[Floats]] = deque()
        self._checks: deque[_Request[Floats]] = deque()
        self._arrived = asyncio.Event()
        self._embeds_in_a_row = 0
        self._stopped = False

    async def detect(self, image: Pixels, captured_monotonic: float) -> Detections:
        """The faces of one BGR picture. Raises StaleFrame when it was dropped. May be cancelled."""
        if len(self._detects) >= self._max_pending:
            self._forget_cancelled()
        while len(self._detects) >= self._max_pending:
            self._drop(self._detects.popleft(), "detect", "overflow")
        return await self._ask(self._detects, image, 1, captured_monotonic)

    async def embed(self, chips: Pixels) -> Floats:
        """(n, S, S, 3) BGR chips to (n, D) embeddings. Raises TooMany when too many wait. May be cancelled."""
        return await self._ask_chips("embed", self._embeds, chips)

    async def check(self, chips: Pixels) -> Floats:
        """(n, S, S, 3) BGR surroundings of faces to (n, 1) shares of live ones. As `embed`."""
        return await self._ask_chips("liveness", self._checks, chips)

    async def _ask_chips(self, kind: Kind, queue: deque[_Request[Floats]], chips: Pixels) -> Floats:
        if chips.ndim != 4:
            raise ValueError(f"chips are a stack (n, S, S, 3), not {chips.shape}")
        if len(chips) == 0:
            return np.zeros((0, 0), np.float32)
        if queue and _chips_in(queue) + len(chips) > self._max_pending:
            self._forget_cancelled()
            if queue and _chips_in(queue) + len(chips) > self._max_pending:
                self._watch.dropped(kind, "overflow")
                raise TooMany("Too many faces wait to be recognised.", retry_after_s=1)
        return await self._ask(queue, chips, len(chips), self._clock.monotonic())

    async def run(self) -> None:
        """Serve requests until cancelled; then join the thread and fail what is pending with Unavailable."""
        self._stopped = False
        pool = ThreadPoolExecutor(1, thread_name_prefix="inference")
        try:
            while True:
                match await self._next_kind():
                    case "embed":
                        await self._run_chips(pool, "embed", self._embeds, self._embed_chips)
                    case "liveness":
                        await self._run_chips(pool, "liveness", self._checks, self._check_chips)
                    case _:
                        await self._run_detects(pool)
        finally:
            self._stopped = True
            _fail(self._detects, Unavailable("Recognition has stopped."))
            for queue in (self._embeds, self._checks):
                _fail(queue, Unavailable("Recognition has stopped."))
                queue.clear()
            self._detects.clear()
            # A batch that is on the device cannot be called back: wait for it, but not on the event loop.
            await asyncio.to_thread(pool.shutdown)

    @property
    def pending(self) -> int:
        """Requests that wait for the device."""
        return len(self._detects) + len(self._embeds) + len(self._checks)

    async def _ask(self, queue: deque[_Request[Answer]], pixels: Pixels, size: int, captured: float) -> Answer:
        if self._stopped:
            raise Unavailable("Recognition has stopped.")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue.append(_Request(pixels, size, captured, self._clock.monotonic(), answer))
        self._arrived.set()
        try:
            return await answer
        finally:
            # A failed future holds its error, that the frames it passed, those the future: with the picture in them, a
            # circle that only the collector takes apart, now and then.
            del answer

    async def _next_kind(self) -> Kind:
        """Wait until a batch is worth running: it is full, or its oldest request has waited long enough."""
        while True:
            self._forget_cancelled()
            self._drop_stale()
            left: float | None = None
            if self.pending:
                kind = self._turn()
                ready, asked = self._waiting(kind)
                left = asked + self._max_wait_s - self._clock.monotonic()
                if ready >= self._max_batch or left <= 0:
                    return kind
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._arrived.wait()

    def _turn(self) -> Kind:
        waited_out = bool(self._detects) and self._embeds_in_a_row >= EMBEDS_IN_A_ROW
        if waited_out:
            return "detect"
        return "embed" if self._embeds else "liveness" if self._checks else "detect"

    def _waiting(self, kind: Kind) -> tuple[int, float]:
        if kind != "detect":
            queue = self._embeds if kind == "embed" else self._checks
            return _chips_in(queue), queue[0].asked
        return len(self._detects), self._detects[0].asked

    async def _run_detects(self, pool: ThreadPoolExecutor) -> None:
        self._embeds_in_a_row = 0
        batch = [self._detects.popleft() for _ in range(min(self._max_batch, len(self._detects)))]
        images = [request.pixels for request in batch]
        await self._run_batch(pool, "detect", batch, lambda: self._detect_faces(images))

    async def _run_chips(
        self, pool: ThreadPoolExecutor, kind: Kind, queue: deque[_Request[Floats]], run: Callable[[Pixels], Floats]
    ) -> None:
        self._embeds_in_a_row += 1
        batch = [queue.popleft()]
        while queue and self._fits(batch, queue[0]):
            batch.append(queue.popleft())
        await self._run_batch(pool, kind, batch, lambda: self._run_all(run, [request.pixels for request in batch]))

    def _fits(self, batch: list[_Request[Floats]], further: _Request[Floats]) -> bool:
        same = further.pixels.shape[1:] == batch[0].pixels.shape[1:]
        return same and sum(request.size for request in batch) + further.size <= self._max_batch

    def _run_all(self, run: Callable[[Pixels], Floats], stacks: list[Pixels]) -> list[Floats]:
        """On the device's thread: one stack a request in, a row for each of its chips out; a long one in slices."""
        chips = np.concatenate(stacks)
        slices = [chips[start : start + self._max_batch] for start in range(0, len(chips), self._max_batch)]
        rows = np.concatenate([run(part) for part in slices])
        if len(rows) != len(chips):
            raise ValueError(f"{len(rows)} embeddings for {len(chips)} chips")
        return np.split(rows, np.cumsum([len(stack) for stack in stacks])[:-1])

    async def _run_batch(
        self, pool: ThreadPoolExecutor, kind: Kind, batch: list[_Request[Answer]], work: Callable[[], list[Answer]]
    ) -> None:
        started = self._clock.monotonic()
        try:
            answers = await asyncio.get_running_loop().run_in_executor(pool, work)
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers for {len(batch)} pictures")
        except asyncio.CancelledError:
            _fail(batch, Unavailable("Recognition has stopped."))
            raise
        except Exception as error:  # noqa: BLE001 - whatever a model raises belongs to those who asked
            _fail(batch, error)
            batch.clear()  # which the error holds, by this frame
            return
        waited_s = started - batch[0].asked
        size = sum(request.size for request in batch)
        self._watch.batch(kind, size, waited_s, self._clock.monotonic() - started)
        for request, answer in zip(batch, answers, strict=True):
            if not request.answer.done():
                request.answer.set_result(answer)

    def _drop_stale(self) -> None:
        """Cameras deliver in order, but not at one pace: a stale frame may stand behind a fresh one."""
        oldest = self._clock.monotonic() - self._stale_after_s
        for request in [request for request in self._detects if request.captured < oldest]:
            self._detects.remove(request)
            self._drop(request, "detect", "stale")

    def _drop(self, request: _Request[Detections], kind: Kind, reason: Reason) -> None:
        self._watch.dropped(kind, reason)
        _fail([request], StaleFrame(reason))

    def _forget_cancelled(self) -> None:
        for _ in range(_discard_done(self._detects)):
            self._watch.dropped("detect", "cancelled")
        for _ in range(_discard_done(self._embeds)):
            self._watch.dropped("embed", "cancelled")
        for _ in range(_discard_done(self._checks)):
            self._watch.dropped("liveness", "cancelled")


def _no_check(chips: Pixels) -> Floats:
    raise Unavailable("No liveness pack is in use.")


def _chips_in(queue: Iterable[_Request[Floats]]) -> int:
    return sum(request.size for request in queue)


def _discard_done(queue: deque[_Request[Answer]]) -> int:
    waiting = [request for request in queue if not request.answer.done()]
    gone = len(queue) - len(waiting)
    if gone:
        queue.clear()
        queue.extend(waiting)
    return gone


def _fail(batch: Iterable[_Request[Answer]], error: Exception) -> None:
    for request in batch:
        if not request.answer.done():
            request.answer.set_exception(error)
