"""Stream: one camera kept open, with many readers, each bounded; restarts what fails and says how it is."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import structlog

from server.address import AddressRules, allowed_path, check_source, resolve_allowed
from server.clock import Clock
from server.errors import Invalid, SourceFailed
from server.media.frame import Frame
from server.media.mailbox import Mailbox
from server.media.outlets import Outlets
from server.media.packets import PacketQueue
from server.media.reading import Reading
from server.media.reasons import failure, reason_of
from server.media.source import SourceSpec, VideoFacts
from server.media.status import CameraState, Meter, StreamStatus
from server.media.timeline import Timeline
from server.supervise import Backoff

_STEADY_AFTER_S = 30.0


class Stream:
    """Belongs to the task that awaits `run`. Readers may join before it runs, and stay over restarts."""

    def __init__(
        self,
        spec: SourceSpec,
        *,
        rules: AddressRules,
        clock: Clock,
        stall_after_s: float = 10.0,
        on_status: Callable[[StreamStatus], None] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        # Video that does not come is found by the read time-out, so that is never longer than the stall.
        self._spec = replace(spec, read_timeout_s=min(spec.read_timeout_s, stall_after_s))
        self._rules = rules
        self._clock = clock
        self._on_status = on_status
        self._backoff = backoff or Backoff()
        self._meter = Meter()
        self._timeline = Timeline(clock.monotonic())
        self._outlets = Outlets(spec.camera_id, clock, self._meter)
        self._state = StreamStatus(CameraState.connecting, None, clock.now())
        self._online_s: float | None = None

    @property
    def status(self) -> StreamStatus:
        """As it is now; `state` and `reason` are what was last told to `on_status`."""
        online = self._state.state is CameraState.online
        return replace(
            self._state,
            fps=self._meter.fps(self._clock.monotonic()) if online else 0.0,
            latency_ms=self._meter.latency_ms if online else None,
            dropped=self._outlets.dropped,
        )

    def frames(self) -> AbstractContextManager[Mailbox[Frame]]:
        """A decoded reader: the newest frame wins. Nothing is decoded while nobody has one."""
        return self._outlets.frames()

    def packets(self, limit: int = 256) -> AbstractContextManager[PacketQueue]:
        """An encoded reader: begins with the current GOP; when it is full it loses packets up to the next keyframe."""
        return self._outlets.packets(limit)

    def latest(self) -> Frame | None:
        """The newest decoded frame, if somebody reads frames."""
        return self._outlets.latest

    async def run(self) -> None:
        """Keeps the camera open until cancelled; afterwards its thread is gone and the status is `disabled`, untold.

        A camera that cannot be opened stays `offline` (or `stalled`) between tries: it does not flicker.
        """
        log = structlog.get_logger(__name__).bind(camera=self._spec.camera_id)
        self._set(CameraState.connecting, None)
        try:
            while True:
                try:
                    await self._open_and_read()
                    code = "ended"
                except (SourceFailed, Invalid) as error:
                    code = reason_of(error)
                state = self._after(code)
                pause_s = self._backoff.next()
                log.info("camera_opens_again", state=state.value, reason=code, pause_s=round(pause_s, 2))
                await asyncio.sleep(pause_s)
        finally:
            self._state = replace(self._state, state=CameraState.disabled, reason=None, since=self._clock.now())

    async def _open_and_read(self) -> None:
        spec = await self._checked()
        self._meter.reset()
        reading = Reading(
            spec, clock=self._clock, timeline=self._timeline, outlets=self._outlets, on_first=self._first_packet
        )
        await reading.run()

    async def _checked(self) -> SourceSpec:
        """Names and links may point elsewhere since the last time, so the rules are asked before each opening."""
        return await checked(self._spec, self._rules)

    def _first_packet(self, facts: VideoFacts) -> None:
        self._online_s = self._clock.monotonic()
        self._state = replace(self._state, width=facts.width, height=facts.height, codec=facts.codec)
        self._set(CameraState.online, None)

    def _after(self, code: str) -> CameraState:
        was_online, self._online_s = self._online_s, None
        state, reason = CameraState.offline, code
        if was_online is not None:
            if self._clock.monotonic() - was_online >= _STEADY_AFTER_S:
                self._backoff.reset()
            if code == "timed_out":
                state, reason = CameraState.stalled, "stalled"
            elif code == "failed":
                reason = "ended"
        self._set(state, reason)
        return state

    def _set(self, state: CameraState, reason: str | None) -> None:
        if (state, reason) == (self._state.state, self._state.reason) and state is not CameraState.connecting:
            return
        self._state = replace(self._state, state=state, reason=reason, since=self._clock.now())
        if self._on_status is not None:
            self._on_status(self.status)


async def checked(spec: SourceSpec, rules: AddressRules) -> SourceSpec:
    """The spec as it may be opened now: a file by its real path, a host only if its addresses are allowed."""
    check_source(spec.kind, spec.url, rules)
    if spec.kind == "file":
        return replace(spec, url=str(await asyncio.to_thread(allowed_path, spec.url, rules)))
    try:
        async with asyncio.timeout(spec.open_timeout_s):
            await resolve_allowed(spec.url, rules)
    except TimeoutError:
        raise failure("timed_out") from None
    return spec
