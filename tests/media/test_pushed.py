"""server/media/pushed.py: a camera that a publisher feeds."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.clock import SystemClock
from server.errors import Conflict, Unavailable
from server.media.browsers import obstacle
from server.media.outlets import Outlets
from server.media.publication import Publication
from server.media.pushed import PushedStream
from server.media.reasons import reason_text
from server.media.status import CameraState
from server.media.units import PushedCodec
from tests.media.films import published
from tests.media.test_stream import Told, states, until


@asynccontextmanager
async def running(stall_after_s: float = 5.0) -> AsyncIterator[tuple[PushedStream, Told]]:
    told: Told = []
    stream = PushedStream("c3", clock=SystemClock(), on_status=told.append, stall_after_s=stall_after_s)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stream.run())
        try:
            async with asyncio.timeout(20):
                await until(lambda: told)
                yield stream, told
        finally:
            task.cancel()
    assert not threads()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "camera-c3"]


async def play(publication: Publication, sent: list[bytes], first: int = 0) -> None:
    for at, data in enumerate(sent):
        publication.put(data, (first + at * 3600) % 2**32)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("codec", "why"), [("h264", None), ("vp8", "codec")])
async def test_published(codec: PushedCodec, why: str | None) -> None:
    """While somebody publishes it is a camera like any other: packets, frames, facts and state."""
    async with running() as (stream, told):
        assert (stream.status.state, stream.status.reason) == (CameraState.offline, "no_publisher")
        assert not threads()
        with stream.frames() as mailbox, stream.packets() as queue:
            with stream.publisher(codec, lambda: None) as publication:
                await play(publication, published(codec, 12))
                packets = [await queue.take() for _ in range(12)]
                assert len(threads()) == 1
                await until(lambda: stream.latest() is not None and stream.latest().pts == packets[-1].pts)  # type: ignore[union-attr]
                frame = await mailbox.take()
                status = stream.status
                with stream.packets() as late:
                    assert len(late) == 2
                    assert (await late.take()).cached
            await until(lambda: not threads())
        assert (stream.status.state, stream.status.reason) == (CameraState.offline, "no_publisher")
    assert states(told) == [("offline", "no_publisher"), ("online", None), ("offline", "no_publisher")]
    assert (status.codec, status.width, status.height) == (codec, 160, 96)
    assert frame.to_bgr().shape == (96, 160, 3)
    assert frame.pts == packets[-1].pts
    assert {later.pts - earlier.pts for earlier, later in zip(packets, packets[1:], strict=False)} == {3600}
    assert stream.facts is not None
    assert obstacle(stream.facts) == why
    assert stream.status.state is CameraState.disabled
    assert "publishes" in reason_text("no_publisher")


async def test_one_at_a_time() -> None:
    """A second publisher is refused until the first has left; its video follows on the same line."""
    async with running() as (stream, told):
        with stream.packets() as queue:
            with stream.publisher("h264", lambda: None) as publication:
                with pytest.raises(Conflict) as refused, stream.publisher("vp8", lambda: None):
                    pass
                assert refused.value.code == "already_publishing"
                await play(publication, published("h264", 3), first=50)
                first = [await queue.take() for _ in range(3)]
            with stream.publisher("vp8", lambda: None) as publication:
                await play(publication, published("vp8", 3), first=2**31)
                second = [await queue.take() for _ in range(3)]
        assert first[-1].pts < second[0].pts
        assert second[0].pts - first[0].pts < 90_000
        assert stream.facts is not None
        assert stream.facts.codec == "vp8"
    assert [state for state, _ in states(told)].count("online") == 2


async def test_asks_for_keyframes() -> None:
    """The publisher is asked at its beginning, when a reader finds no group, and when a reader cannot go on."""
    asked: list[float] = []
    loop = asyncio.get_running_loop()
    async with running() as (stream, _):
        with stream.publisher("h264", lambda: asked.append(loop.time())) as publication:
            sent = published("h264", 12)
            await play(publication, sent[1:3])
            assert len(asked) == 1
            publication._asked_s = float("-inf")
            with stream.packets():
                assert len(asked) == 2
            await play(publication, sent, first=7200)
            await until(lambda: stream.status.state is CameraState.online)
            await until(lambda: stream._outlets.holds_group)
            publication._asked_s = float("-inf")
            with stream.packets() as queue, stream.frames():
                assert len(asked) == 2
                stream.refill(queue)
                assert len(asked) == 3
                stream.refill(queue)
                assert len(asked) == 3
        with stream.packets() as queue:
            stream.refill(queue)
    assert len(asked) == 3


async def test_the_size_changes() -> None:
    """Browsers adapt their size: the status follows, and decoded frames too."""
    async with running() as (stream, told):
        with stream.frames() as mailbox, stream.publisher("vp8", lambda: None) as publication:
            await play(publication, published("vp8", 3))
            await until(lambda: stream.status.width == 160)
            await play(publication, published("vp8", 3, size=(320, 180)), first=10_800)
            await until(lambda: stream.status.width == 320)
            frame = await mailbox.take()
            while frame.width != 320:
                frame = await mailbox.take()
    assert [state for state, _ in states(told)].count("online") == 1


async def test_a_stall_and_its_end() -> None:
    """A publisher that sends nothing makes the camera stalled; it comes back with its next keyframe."""
    async with running(stall_after_s=0.2) as (stream, told):
        with stream.publisher("h264", lambda: None) as publication:
            sent = published("h264", 12)
            await play(publication, sent[:4])
            await until(lambda: stream.status.state is CameraState.stalled)
            assert stream.status.reason == "stalled"
            await play(publication, sent[4:], first=4 * 3600)
            await until(lambda: stream.status.state is CameraState.online)
    assert states(told)[:4] == [("offline", "no_publisher"), ("online", None), ("stalled", "stalled"), ("online", None)]


async def test_a_publisher_that_sends_nothing() -> None:
    """Somebody who publishes without any video is stalled as well, not a camera that is online."""
    async with running(stall_after_s=0.1) as (stream, told):
        with stream.publisher("h264", lambda: None):
            await until(lambda: stream.status.state is CameraState.stalled)
        await until(lambda: stream.status.reason == "no_publisher")
    assert ("online", None) not in states(told)


async def test_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody thought of does not end the camera: it reads again from the next keyframe on."""
    publish, calls = Outlets.publish, []

    def broken(self: Outlets, packet: object) -> None:
        calls.append(packet)
        if len(calls) == 2:
            raise KeyError
        publish(self, packet)  # type: ignore[arg-type]

    monkeypatch.setattr(Outlets, "publish", broken)
    async with running() as (stream, told):
        with stream.publisher("h264", lambda: None) as publication:
            await play(publication, published("h264", 4))
            await until(lambda: stream.status.reason == "failed")
            await play(publication, published("h264", 30, gop=5), first=20_000)
            await until(lambda: stream.status.state is CameraState.online)
    assert ("offline", "failed") in states(told)


async def test_the_camera_is_stopped() -> None:
    """While somebody publishes, a stop ends the thread at once; afterwards nobody can publish."""
    async with running(stall_after_s=30) as (stream, _):
        stack = stream.publisher("h264", lambda: None)
        publication = stack.__enter__()
        await play(publication, published("h264", 3))
        await until(lambda: stream.status.state is CameraState.online)
    assert publication.closed
    publication.put(b"\x00\x00\x01\x65", 0)
    stack.__exit__(None, None, None)
    with pytest.raises(Unavailable) as refused, stream.publisher("h264", lambda: None):
        pass
    assert refused.value.code == "camera_offline"


async def test_losses_are_counted() -> None:
    """What was put faster than it could be read is in the status, also after the publisher has left."""
    stream = PushedStream("c3", clock=SystemClock())
    with stream.publisher("h264", lambda: None) as publication:
        sent = published("h264", 10)
        for at in range(200):
            publication.put(sent[0] if at == 0 else sent[1], at * 3600)
        assert stream.status.dropped == 110
    assert stream.status.dropped == 110


async def test_many_publishers_leave_nothing() -> None:
    """Publishers come and go; no thread stays."""
    sent = published("h264", 2)
    async with running() as (stream, _):
        with stream.frames() as mailbox:
            for _ in range(15):
                with stream.publisher("h264", lambda: None) as publication:
                    await play(publication, sent)
                    await mailbox.take()
            await until(lambda: not threads())
