"""Clips of sightings: some seconds before until some seconds after, out of the packets that came anyway."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Protocol

import structlog

from server.clock import Clock
from server.identity.sightings import SightingChange, SightingState
from server.ids import new_id
from server.media.areas import Areas, areas_of
from server.media.clips import Film, make_film
from server.media.packet import Packet
from server.media.packets import PacketQueue
from server.media.ring import PacketRing
from server.media.source import VideoFacts
from server.objects.objects import Objects
from server.pipeline.sighting_rows import erased_since
from server.store import cameras, sightings, zones
from server.store.away import is_away
from server.store.engine import Store
from server.store.tables import Clip
from server.supervise import Backoff

BEFORE, AFTER, LONGEST = timedelta(seconds=4), timedelta(seconds=6), timedelta(seconds=20)
# Who is decided late was seen some seconds ago: at least so much is still to come.
AFTER_DECIDED = timedelta(seconds=2)
# A camera that shows nothing more is not waited for any longer than this.
WAIT = timedelta(seconds=2)
AT_ONCE = 4
LIMIT_BYTES = 48 * 1024 * 1024
FINISH_S = 4.0
_LOOK_EVERY_S = 1.0


class Video(Protocol):
    """The camera's main stream, as far as its clips need it."""

    @property
    def facts(self) -> VideoFacts | None: ...

    def packets(self, limit: int = 256) -> AbstractContextManager[PacketQueue]: ...


Count = Callable[[str], None]  # stored | skipped | lost


@dataclass(eq=False)
class Recording:
    """One clip in the making. `facts` are those of its packets."""

    clip_id: str
    camera_id: str
    sighting_id: str
    packets: list[Packet]
    facts: VideoFacts | None
    until: datetime
    latest: datetime
    size: int = 0

    def add(self, packet: Packet) -> None:
        """Before its first keyframe it takes nothing."""
        if self.packets or packet.keyframe:
            self.packets.append(packet)
            self.size += packet.size

    def seen(self, at: datetime) -> None:
        """It goes on, within the limit."""
        self.until = max(self.until, min(at + AFTER, self.latest))


class ClipKeeper:
    """Makes films of recordings and stores them: one at a time in this process. Nothing that fails here is raised."""

    def __init__(self, store: Store, objects: Objects, count: Count) -> None:
        self._store = store
        self._objects = objects
        self._turn = asyncio.Lock()
        self.count = count

    async def keep(self, recording: Recording) -> None:
        """May be cancelled, and called again with the same recording. While the database is away it waits."""
        backoff = Backoff(cap_s=5.0)
        while True:
            try:
                async with self._turn:
                    kept = await self._keep(recording)
            except Exception as error:  # noqa: BLE001 - a full disk or a broken packet costs a clip, and nothing else
                if is_away(error):
                    await asyncio.sleep(backoff.next())
                    continue
                self.count("lost")
                log = structlog.get_logger(__name__)
                log.error("clip_not_stored", sighting=recording.sighting_id, reason=type(error).__name__)
            else:
                self.count("stored" if kept else "skipped")
            return

    async def _keep(self, recording: Recording) -> bool:
        if recording.facts is None or not recording.packets:  # no keyframe came in time
            return False
        areas = await self._areas(recording.camera_id)
        film = await _filmed(recording, recording.facts, areas)
        row = Clip(
            id=recording.clip_id, camera_id=recording.camera_id, sighting_id=recording.sighting_id,
            started_at=film.started_at, duration_s=round(film.duration_s, 3), width=film.width, height=film.height,
            codec=film.codec, masked=areas.has_masks, size_bytes=len(film.content),
            object_key=f"clips/{film.started_at:%Y/%m/%d}/{recording.clip_id}.mp4",
        )  # fmt: skip
        await self._objects.put(row.object_key, film.content)
        stored = False
        try:
            stored = await self._write(row)
        finally:
            if not stored:
                await self._objects.delete(row.object_key)
        return stored

    async def _areas(self, camera_id: str) -> Areas:
        """As they are now, when the film is made: a mask that was drawn meanwhile counts."""
        async with self._store.read() as session:
            return areas_of(await zones.of_camera(session, camera_id))

    async def _write(self, row: Clip) -> bool:
        """False where the camera or the sighting has been removed meanwhile, or the face of whom it is of erased."""
        async with self._store.transaction() as session:
            if await session.get(Clip, row.id) is not None:  # written already, and then cut off
                return True
            camera = await cameras.find(session, row.camera_id or "")
            sighting = await sightings.find(session, row.sighting_id or "")
            if camera is None or sighting is None or await erased_since(session, sighting):
                return False
            session.add(row)
        return True


class CameraClips:
    """One a camera with clips on. `run` reads its packets; `saw` is told what the analysis decided."""

    def __init__(self, camera_id: str, video: Video, keeper: ClipKeeper, clock: Clock) -> None:
        self._camera_id = camera_id
        self._video = video
        self._keeper = keeper
        self._clock = clock
        self._ring = PacketRing()
        self._facts: VideoFacts | None = None
        self._going_on: list[Recording] = []
        self._ended: deque[Recording] = deque()
        self._has_ended = asyncio.Event()

    async def run(self, recorded: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled; what is in the making then is for `finish`. `recorded` waits until the sightings are stored
        of which `saw` was told: without them there is no clip."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._write(recorded))

    def saw(self, changes: Sequence[SightingChange]) -> None:
        """Sightings that opened begin a clip each, those that go on make theirs longer."""
        for change in changes:
            if change.opened:
                self._begin(change.sighting)
            else:
                for recording in self._going_on:
                    if recording.sighting_id == change.sighting.id:
                        recording.seen(change.sighting.last_seen_at)

    def take(self, packet: Packet) -> None:
        """The next packet of the camera."""
        if packet.keyframe and self._another_picture():
            self._end(lambda _: True)
            self._ring.clear()
        self._ring.add(packet)
        for recording in self._going_on:
            if recording.facts is None:
                recording.facts = self._facts
            recording.add(packet)
        self._end(lambda one: packet.captured_at >= one.until or one.size >= LIMIT_BYTES)

    def look(self) -> None:
        """Ends what a camera that shows nothing more would leave open."""
        now = self._clock.now()
        self._end(lambda one: now >= one.until + WAIT)

    async def finish(self) -> None:
        """The camera stops: what was begun is stored as far as it came, if it can be in time."""
        self._end(lambda _: True)
        try:
            async with asyncio.timeout(FINISH_S):
                await self._store_ended()
        except TimeoutError:
            for _ in self._ended:
                self._keeper.count("lost")
            log = structlog.get_logger(__name__)
            log.error("clips_not_finished", camera=self._camera_id, count=len(self._ended))
            self._ended.clear()

    def _begin(self, seen: SightingState) -> None:
        if len(self._going_on) + len(self._ended) >= AT_ONCE:
            self._keeper.count("skipped")
            return
        packets = list(self._ring.since(seen.started_at - BEFORE))
        begins = packets[0].captured_at if packets else seen.started_at
        until = max(seen.started_at + AFTER, seen.last_seen_at + AFTER_DECIDED)
        self._going_on.append(
            Recording(
                new_id(), self._camera_id, seen.id, packets, self._facts, until, max(until, begins + LONGEST),
                sum(packet.size for packet in packets),
            )
        )  # fmt: skip

    def _another_picture(self) -> bool:
        """Whether the camera shows something of another kind from here on: that is no part of the same film."""
        facts, before = self._video.facts, self._facts
        self._facts = facts
        return before is not None and facts is not None and _kind(facts) != _kind(before)

    def _end(self, over: Callable[[Recording], bool]) -> None:
        if ended := [one for one in self._going_on if over(one)]:
            self._going_on = [one for one in self._going_on if one not in ended]
            self._ended.extend(ended)
            self._has_ended.set()

    async def _read(self) -> None:
        # What a queue begins with may have been taken before.
        self._end(lambda _: True)
        self._ring.clear()
        with self._video.packets() as queue:
            while True:
                try:
                    async with asyncio.timeout(_LOOK_EVERY_S):
                        self.take(await queue.take())
                except TimeoutError:
                    self.look()

    async def _write(self, recorded: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._has_ended.wait()
            await recorded()
            self._has_ended.clear()
            await self._store_ended()

    async def _store_ended(self) -> None:
        while self._ended:
            await self._keeper.keep(self._ended[0])  # there until it is stored: a stop may cut this off
            self._ended.popleft()


async def _filmed(recording: Recording, facts: VideoFacts, areas: Areas) -> Film:
    stop = Event()
    paint = areas.paint if areas.has_masks else None
    try:
        return await asyncio.to_thread(partial(make_film, recording.packets, facts, paint=paint, stop=stop))
    finally:
        stop.set()


def _kind(facts: VideoFacts) -> tuple[object, ...]:
    return facts.codec, facts.width, facts.height, facts.extradata
