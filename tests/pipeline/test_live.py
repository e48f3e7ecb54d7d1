"""What the viewers of a camera get: its own packets, or one encode for all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest

from server.address import AddressRules
from server.clock import SystemClock
from server.media.frame import Frame
from server.media.mailbox import Closed
from server.media.packet import Packet
from server.media.source import SourceSpec
from server.media.stream import Stream
from server.pipeline.live import Feed, Live
from server.pipeline.zoning import Zoning
from tests.media.films import write_film


class Drawing:
    """How the tests draw: as they say, and with the masks of the zones painted over."""

    def __init__(self, zoning: Zoning, draw: Callable[[Frame], av.VideoFrame] | None = None) -> None:
        self._zoning = zoning
        self.draw = draw or self.hide

    def hide(self, frame: Frame) -> av.VideoFrame:
        return av.VideoFrame.from_ndarray(self._zoning.now.painted(frame.to_bgr()), format="bgr24")


@asynccontextmanager
async def playing(
    source: Path, draw: Callable[[Frame], av.VideoFrame] | None = None, zoning: Zoning | None = None
) -> AsyncIterator[tuple[Stream, Live]]:
    """A running camera with its viewers' side."""
    spec = SourceSpec("camera", "file", str(source))
    stream = Stream(spec, rules=AddressRules(roots=(source.parent,)), clock=SystemClock())
    zoning = zoning or Zoning()
    live = Live("camera", stream, Drawing(zoning, draw), zoning)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(stream.run()), tasks.create_task(live.run())]
        yield stream, live
        for task in started:
            task.cancel()


async def taken(feed: Feed, count: int) -> list[Packet]:
    return [await feed.take() for _ in range(count)]


def decoded(packets: list[Packet]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return [frame for packet in packets for frame in decoder.decode(packet.encoded)]


async def test_what_a_browser_can_take_is_passed_through(tmp_path: Path) -> None:
    """The camera's own bytes, the same for everybody; nothing is encoded."""
    async with playing(write_film(tmp_path / "a.mp4", frames=100)) as (_, live):
        with live.viewer() as one, live.viewer() as other:
            first = await taken(one, 20)
            assert {id(packet.encoded) for packet in first} & {id(p.encoded) for p in await taken(other, 20)}
            assert (live.viewers, live.encodings, live.obstacle) == (2, 0, None)
            assert len(decoded(first)) == 20
    assert live.viewers == 0


@pytest.mark.parametrize(
    ("film", "obstacle"),
    [({"codec": "mjpeg"}, "codec"), ({"codec": "libx265"}, "codec"), ({"b_frames": 2, "gop": 30}, "b_frames")],
)
async def test_what_a_browser_cannot_take_is_encoded_once(
    tmp_path: Path, film: dict[str, object], obstacle: str
) -> None:
    """One encode for two viewers, which begins with the first and ends after the last."""
    ending = "mkv" if film.get("codec") == "mjpeg" else "mp4"
    async with playing(write_film(tmp_path / f"a.{ending}", frames=100, **film)) as (_, live):  # type: ignore[arg-type]
        with live.viewer() as one, live.viewer() as other:
            pictures = decoded(await taken(one, 15))
            assert [packet.pts for packet in await taken(other, 5)]
            assert (live.obstacle, live.encodings) == (obstacle, 1)
        assert len(pictures) >= 14
        assert {(picture.width, picture.height) for picture in pictures} == {(160, 96)}
        assert live.encodings == 0


async def test_an_annotated_picture_is_drawn(tmp_path: Path) -> None:
    """By what it was given to draw, for those who asked for it; the others get the camera's own."""

    def white(frame: Frame) -> av.VideoFrame:
        pixels = frame.to_bgr().copy()
        pixels[:] = 255
        return av.VideoFrame.from_ndarray(pixels, format="bgr24")

    async with playing(write_film(tmp_path / "a.mp4", frames=100), white) as (_, live):
        with live.viewer(annotated=True) as drawn, live.viewer() as own:
            assert decoded(await taken(drawn, 10))[-1].to_ndarray(format="bgr24").mean() > 240
            assert decoded(await taken(own, 10))[-1].to_ndarray(format="bgr24").mean() < 200
            assert live.encodings == 1


async def test_the_slowest_third_sets_the_bit_rate(tmp_path: Path) -> None:
    """Of those who share the encode; who gets the camera's own packets does not count, nor who has left."""
    async with playing(write_film(tmp_path / "a.mp4", frames=400)) as (_, live):
        encoder_takes = live._annotated._bit_rate
        with live.viewer(annotated=True) as one, live.viewer() as own:
            own.bit_rate = lambda: 100
            assert encoder_takes() is None
            with live.viewer(annotated=True) as slow:
                slow.bit_rate = lambda: 300_000
                assert encoder_takes() == 300_000
                assert len(await taken(one, 10)) == 10
            assert encoder_takes() is None


async def test_a_keyframe_comes_when_it_is_asked_for(tmp_path: Path) -> None:
    """From the cache of the camera's packets, or from the encoder, long before the next one of the camera."""
    async with playing(write_film(tmp_path / "a.mp4", frames=400, gop=400)) as (_, live):
        with live.viewer() as own, live.viewer(annotated=True) as drawn:
            for feed in (own, drawn):
                before = await taken(feed, 30)
                feed.request_keyframe()
                after = await taken(feed, 30)
                assert any(packet.keyframe for packet in after)
                assert len(before) == 30


async def test_the_same_group_is_not_sent_twice(tmp_path: Path) -> None:
    """Before anything newer has come, a request for a keyframe changes nothing: a still camera stays still."""
    async with playing(write_film(tmp_path / "a.mp4", frames=400, gop=400)) as (stream, live):
        with stream.packets() as before:
            for _ in range(40):
                await before.take()
        with live.viewer() as feed:
            first = await taken(feed, 1)
            feed.request_keyframe()
            rest = await taken(feed, 60)
            assert first[0].cached
            assert not any(packet.keyframe for packet in rest)


async def test_a_stopped_camera_ends_its_viewers(tmp_path: Path) -> None:
    """They are told, whatever they were waiting for, and leaving afterwards is fine."""
    async with playing(write_film(tmp_path / "a.mp4", frames=100)) as (_, live):
        with live.viewer() as one, live.viewer(annotated=True) as other:
            await taken(one, 3)
            live.close()
            for feed in (one, other):
                with pytest.raises(Closed):
                    await taken(feed, 1000)
            one.request_keyframe()
        with live.viewer() as late, pytest.raises(Closed):
            await late.take()
