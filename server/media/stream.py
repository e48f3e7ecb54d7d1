"""Stream: one camera kept open, with many readers, each bounded; restarts what fails and says how it is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from server.address import AddressRules
from server.clock import Clock
from server.errors import Invalid, SourceFailed
from server.media.allowed import checked, moved
from server.media.browsers import obstacle
from server.media.camera_stream import CameraStream
from server.media.reading import Reading
from server.media.reasons import reason_of
from server.media.source import Source, SourceSpec
from server.media.status import CameraState, StreamStatus
from server.supervise import Backoff

_STEADY_AFTER_S = 30.0


class Stream(CameraStream):
    """A camera that is opened and read by us. Belongs to the task that awaits `run`."""

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
        super().__init__(spec.camera_id, clock=clock, on_status=on_status)
        # Video that does not come is found by the read time-out, so that is never longer than the stall.
        self._spec = replace(spec, read_timeout_s=min(spec.read_timeout_s, stall_after_s))
        self._rules = rules
        self._backoff = backoff or Backoff()
        self._online_s: float | None = None

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
            self._disabled()

    async def _open_and_read(self) -> None:
        """Names and links may point elsewhere since the last time, so the rules are asked before each opening."""
        spec = await checked(self._spec, self._rules)
        try:
            await self._read(spec)
        except SourceFailed as error:
            elsewhere = None if self._online_s or error.code != "failed" else await moved(spec, self._rules)
            if elsewhere is None:
                raise
            await self._read(elsewhere)

    async def _read(self, spec: SourceSpec) -> None:
        self._meter.reset()
        reading = Reading(
            Source(spec, clock=self._clock, timeline=self._timeline),
            camera_id=spec.camera_id,
            outlets=self._outlets,
            on_first=self._first_packet,
            # A device driver does not know FFmpeg's time-outs.
            silent_after_s=spec.open_timeout_s + spec.read_timeout_s if spec.kind == "usb" else None,
        )
        await reading.run()

    def _first_packet(self) -> None:
        self._online_s = self._clock.monotonic()
        facts = self.facts
        hindrance = obstacle(facts) if facts else None
        if facts is not None and hindrance is not None:
            structlog.get_logger(__name__).info(
                "camera_not_for_browsers",
                camera=self.camera_id,
                obstacle=hindrance,
                codec=facts.codec,
                profile=facts.profile,
                pixel_format=facts.pixel_format,
            )
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
