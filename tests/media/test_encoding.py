"""server/media/encoding.py: one encode for everybody, and none for nobody."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from statistics import median

import av
import pytest

from server.address import AddressRules
from server.clock import ManualClock, SystemClock
from server.media.decoder import Decoder
from server.media.encoder import Encoder
from server.media.encoding import SharedEncoding
from server.media.frame import Frame
from server.media.mailbox import Closed
from server.media.outlets import Outlets
from server.media.packet import Packet
from server.media.packets import PacketQueue
from server.media.source import VideoFacts
from server.media.status import Meter
from tests.media.conftest import MakeFilm
from tests.media.films import frames
from tests.media.test_stream import running as stream_running
from tests.media.test_stream import until


class Camera:
    """Gives its frames to whoever reads, as Outlets do, without packets to decode."""

    def __init__(self) -> None:
        self._outlets = Outlets("c1", SystemClock(), Meter())
        self.frames = self._outlets.frames
        self._shown = frames(200)
        self.at = 0

    @property
    def readers(self) -> int:
        return len(self._outlets._mailboxes)

    def show(self) -> Frame:
        frame = self._shown[self.at]
        self.at += 1
        for mailbox in self._outlets._mailboxes:
            mailbox.put_threadsafe(frame)
        return frame


@asynccontextmanager
async def running(encoding: SharedEncoding) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(encoding.run())
        try:
            async with asyncio.timeout(20):
                yield
        finally:
            task.cancel()


async def shown(camera: Camera, queue: PacketQueue) -> Packet:
    """The packet of the next frame."""
    await until(lambda: camera.readers)
    frame = camera.show()
    packet = await queue.take()
    while packet.pts != frame.pts:
        packet = await queue.take()
    return packet


async def test_encoded_once_for_all() -> None:
    """Two viewers get the same packets of one encode, each with the times of its frame, from a keyframe on."""
    camera = Camera()
    encoding = SharedEncoding(camera.frames)
    async with running(encoding):
        with encoding.packets() as one, encoding.packets() as other:
            assert encoding.viewers == 2
            mine = [await shown(camera, one) for _ in range(5)]
            theirs = [await other.take() for _ in range(5)]
    assert [a is b for a, b in zip(mine, theirs, strict=True)] == [True] * 5
    assert [packet.keyframe for packet in mine] == [True] + [False] * 4
    assert [packet.captured_monotonic for packet in mine] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert encoding.encoded == 5


async def test_sleeps_while_nobody_watches() -> None:
    """No frames are taken before the first viewer and after the last, also when no frame comes any more."""
    camera = Camera()
    encoding = SharedEncoding(camera.frames)
    async with running(encoding):
        await asyncio.sleep(0.02)
        assert camera.readers == 0
        for _ in range(3):
            with encoding.packets() as queue:
                first = await shown(camera, queue)
                assert first.keyframe
                assert not first.cached
            assert encoding.viewers == 0
            await until(lambda: camera.readers == 0)
    assert encoding.encoded == 3


async def test_a_late_viewer_begins_with_the_group() -> None:
    """Who comes later gets what was encoded since the keyframe, marked as cached, and can decode at once."""
    camera = Camera()
    encoding = SharedEncoding(camera.frames)
    async with running(encoding):
        with encoding.packets() as early:
            for _ in range(5):
                await shown(camera, early)
            with encoding.packets() as late:
                camera.show()
                packets = [await late.take() for _ in range(6)]
    assert [packet.cached for packet in packets] == [True] * 5 + [False]
    decoder = Decoder("c1", "h264", None)
    assert len([frame for packet in packets for frame in decoder.decode(packet)]) == 6


async def test_a_late_viewer_of_a_long_group_gets_a_keyframe() -> None:
    """Where the group is long, the next picture is a keyframe instead; where no picture comes, the group it is."""
    clock = ManualClock()
    camera = Camera()
    encoding = SharedEncoding(camera.frames, clock=clock)
    async with running(encoding):
        with encoding.packets() as early:
            for _ in range(20):
                await shown(camera, early)
            clock.advance(0.6)
            with encoding.packets() as late:
                assert len(late) == 0
                camera.show()
                first = await late.take()
                assert first.keyframe
                assert not first.cached
            for _ in range(20):
                await shown(camera, early)
            clock.advance(2)
            with encoding.packets() as patient:
                assert len(patient) > 20
                assert (await patient.take()).cached


async def test_requests_make_keyframes() -> None:
    """A request makes the next picture a keyframe for everybody; requests too soon after it wait, and are not lost."""
    clock = ManualClock()
    camera = Camera()
    encoding = SharedEncoding(camera.frames, clock=clock)
    keyframes = []
    async with running(encoding):
        with encoding.packets() as queue:
            for at in range(10):
                if at in (3, 4):
                    encoding.refill(queue)
                clock.advance(0.1)
                keyframes.append((await shown(camera, queue)).keyframe)
    assert [at for at, keyframe in enumerate(keyframes) if keyframe] == [0, 5]


async def test_drawn() -> None:
    """What is drawn is encoded, on a thread, and the frame of the others stays as it is."""
    camera = Camera()
    threads: set[str] = set()

    def draw(frame: Frame) -> av.VideoFrame:
        threads.add(threading.current_thread().name)
        pixels = frame.to_bgr().copy()
        pixels[:, :, :] = (250, 250, 250)
        return av.VideoFrame.from_ndarray(pixels, format="bgr24")

    encoding = SharedEncoding(camera.frames, draw=draw)
    decoder = Decoder("c1", "h264", None)
    async with running(encoding):
        with encoding.packets() as queue:
            (frame,) = decoder.decode(await shown(camera, queue))
    assert frame.to_bgr().mean() > 240
    assert camera._shown[0].to_bgr().mean() < 120
    assert threading.current_thread().name not in threads


async def test_a_fault_is_one_picture_less(capsys: pytest.CaptureFixture[str]) -> None:
    """A picture that cannot be drawn is left out and said once, not each time; the next begins with a keyframe."""
    camera = Camera()

    def draw(frame: Frame) -> av.VideoFrame:
        if 2 <= camera.at < 5:
            raise KeyError("somebody's name")
        return frame.picture

    encoding = SharedEncoding(camera.frames, draw=draw, name="lobby")
    async with running(encoding):
        with encoding.packets() as queue:
            await shown(camera, queue)
            for failed in range(1, 4):
                camera.show()
                await until(lambda failed=failed: encoding.failed == failed)  # type: ignore[misc]
            after = await shown(camera, queue)
    assert after.keyframe
    printed = capsys.readouterr().out
    assert printed.count("encode_failed") == 1
    assert "somebody" not in printed


async def test_the_newest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that come while one is encoded replace one another: nobody watches an old picture."""
    camera, go = Camera(), threading.Event()
    encode: Callable[..., list[Packet]] = Encoder.encode

    def slow(self: Encoder, *args: object, **options: object) -> list[Packet]:
        go.wait(5)
        return encode(self, *args, **options)

    monkeypatch.setattr(Encoder, "encode", slow)
    encoding = SharedEncoding(camera.frames)
    async with running(encoding):
        with encoding.packets() as queue:
            await until(lambda: camera.readers)
            first = camera.show()
            await asyncio.sleep(0.05)
            newest = [camera.show() for _ in range(6)][-1]
            go.set()
            assert [(await queue.take()).pts for _ in range(2)] == [first.pts, newest.pts]


async def test_close_and_cancel() -> None:
    """Closing ends the viewers, also those who come later; a cancelled encode leaves no reader of frames behind."""
    camera = Camera()
    encoding = SharedEncoding(camera.frames)
    async with running(encoding):
        with encoding.packets() as queue:
            await shown(camera, queue)
            encoding.close()
            with pytest.raises(Closed):
                await queue.take()
        with encoding.packets() as late, pytest.raises(Closed):
            await late.take()
        await until(lambda: camera.readers == 0)
    again = SharedEncoding(camera.frames)
    with again.packets() as queue:
        async with running(again):
            await shown(camera, queue)
        assert camera.readers == 0
        async with running(again):
            assert (await shown(camera, queue)).keyframe


async def test_an_odd_camera_becomes_one_for_browsers() -> None:
    """Pictures in another format are converted once, and what comes out is what a browser takes."""
    camera = Camera()
    camera._shown = frames(5, (161, 97), pixel_format="yuvj444p")
    encoding = SharedEncoding(camera.frames)
    async with running(encoding):
        with encoding.packets() as queue:
            packet = await shown(camera, queue)
    facts = Decoder("c1", "h264", None).look(packet, VideoFacts("h264", 0, 0, None, False, None, "h264", None))
    assert facts is not None
    assert (facts.width, facts.height, facts.profile) == (160, 96, "Constrained Baseline")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("heavy.mp4", {"codec": "libx265"}),
        ("pictures.avi", {"codec": "mjpeg"}),
        ("reordered.mp4", {"b_frames": 2}),
        ("odd.mp4", {"pixel_format": "yuv444p", "size": (160, 98)}),
    ],
)
async def test_real_cameras(make_film: MakeFilm, rules: AddressRules, name: str, options: dict[str, object]) -> None:
    """What browsers do not take is encoded for them, while the analysis converts the same frames on its threads."""
    async with stream_running("file", make_film(name, **options), rules) as (stream, _):
        encoding = SharedEncoding(stream.frames)
        async with running(encoding):
            with stream.frames() as mailbox, encoding.packets() as queue:
                packets, analysed = [], set()
                for _ in range(30):
                    packets.append(await queue.take())
                    frame = await mailbox.take()
                    analysed.add(frame.pts)
                    await asyncio.to_thread(frame.to_bgr)
    assert packets[0].keyframe
    steps = [later.pts - earlier.pts for earlier, later in zip(packets, packets[1:], strict=False)]
    assert all(step > 0 and step % 3600 == 0 for step in steps)
    assert median(steps) <= 7200, "a machine that is busy for a moment skips frames, as everybody who looks on does"
    assert len({packet.pts for packet in packets} & analysed) > 15
    decoder = Decoder("c1", "h264", None)
    decoded = [frame for packet in packets for frame in decoder.decode(packet)]
    assert [frame.pts for frame in decoded] == [packet.pts for packet in packets]
    assert decoder.corrupt == 0
