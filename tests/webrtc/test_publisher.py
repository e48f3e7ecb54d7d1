"""server/webrtc/publisher.py: a browser's camera comes in as it was encoded, and is decoded by nobody on the way."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
import pytest

from server.errors import BadRequest, Conflict, Invalid
from server.webrtc.publisher import Codec
from tests.webrtc.browser import Browser, Scene, browser, until
from tests.webrtc.conftest import OpenStudio, Studio, yes


class Camera:
    """A camera that waits for a publisher, and writes down what it gets."""

    def __init__(self) -> None:
        self.codec: Codec | None = None
        self.pictures: list[tuple[bytes, int]] = []
        self.want_keyframe: Callable[[], None] = lambda: None
        self.closed = False

    @contextmanager
    def publisher(self, codec: Codec, want_keyframe: Callable[[], None]) -> "Iterator[Camera]":
        if self.codec is not None:
            raise Conflict("Somebody publishes to this camera already.", code="already_publishing")
        self.codec, self.want_keyframe = codec, want_keyframe
        try:
            yield self
        finally:
            self.codec = None

    def put(self, data: bytes, rtp_timestamp: int) -> None:
        self.pictures.append((data, rtp_timestamp))


async def published(studio: Studio, phone: Browser, camera: Camera) -> str:
    answer = await studio.sessions.publish(
        await phone.offer(), camera_id="phone", owner="ann", publication=camera.publisher, allowed=yes
    )
    await phone.accept(answer.sdp)
    return answer.sdp


@pytest.mark.parametrize(
    ("offered", "codec"),
    [
        (("video/H264",), "h264"),
        (("video/VP8",), "vp8"),
        # H.264 is taken wherever there is a choice: it goes on to viewers as it is.
        (("video/VP8", "video/H264"), "h264"),
    ],
)
async def test_pictures_come_in(open_studio: OpenStudio, offered: tuple[str, ...], codec: Codec) -> None:
    """Bytes that a decoder of that codec decodes, at times that grow by what the camera's do, and no thread decodes."""
    async with open_studio(playing=False) as studio, browser() as phone:
        camera = Camera()
        phone.publishes(Scene(), codecs=offered)
        answer = await published(studio, phone, camera)
        assert camera.codec == codec
        assert ("VP8" in answer) == (codec == "vp8")
        await until(lambda: len(camera.pictures) > 30, 10)
        decoder = av.CodecContext.create(codec, "r")
        frames = [frame for data, _ in camera.pictures for frame in decoder.decode(av.Packet(data))]
        assert len(frames) >= 29
        times = [at for _, at in camera.pictures]
        assert all(2500 < after - before < 3500 for before, after in zip(times, times[1:], strict=False))


async def test_a_keyframe_can_be_had(open_studio: OpenStudio) -> None:
    """The publisher is sent what asks for one, and the next pictures have one."""
    async with open_studio(playing=False) as studio, browser() as phone:
        camera = Camera()
        phone.publishes(Scene(), codecs=("video/VP8",))
        await published(studio, phone, camera)
        await until(lambda: len(camera.pictures) > 10, 10)
        count = len(camera.pictures)
        assert not any(is_key(data) for data, _ in camera.pictures[5:count])
        camera.want_keyframe()
        await until(lambda: any(is_key(data) for data, _ in camera.pictures[count:]))


def is_key(vp8: bytes) -> bool:
    return not vp8[0] & 1


async def test_sound_is_declined(open_studio: OpenStudio) -> None:
    """A phone that offers its microphone, and names it first, is understood; the microphone is not heard."""
    async with open_studio(playing=False) as studio, browser() as phone:
        camera = Camera()
        phone.publishes(Scene(), codecs=("video/H264",), sound=True)
        answer = await published(studio, phone, camera)
        assert "a=inactive" in answer.partition("m=audio")[2].partition("m=video")[0]
        await until(lambda: len(camera.pictures) > 5, 10)


async def test_viewers_do_not_keep_a_publisher_out(open_studio: OpenStudio) -> None:
    """However many watch: who publishes is somebody's attendance."""
    async with open_studio(max_sessions=1) as studio, browser() as viewer, browser() as phone:
        viewer.watches()
        await studio.watch(await viewer.offer())
        camera = Camera()
        phone.publishes(Scene(), codecs=("video/H264",))
        await published(studio, phone, camera)
        await until(lambda: len(camera.pictures) > 5, 10)


async def test_one_publisher_at_a_time(open_studio: OpenStudio) -> None:
    """The second is told by the camera, and the first goes on; when it leaves, its place is free."""
    async with open_studio(playing=False) as studio, browser() as phone, browser() as other:
        camera = Camera()
        phone.publishes(Scene(), codecs=("video/H264",))
        other.publishes(Scene(), codecs=("video/H264",))
        await published(studio, phone, camera)
        with pytest.raises(Conflict) as refused:
            await published(studio, other, camera)
        assert refused.value.code == "already_publishing"
        assert studio.sessions.counts() == {"phone": 1}
        await until(lambda: camera.pictures, 10)
        await phone.close()
        await until(lambda: camera.codec is None, 3)


async def test_ends_with_its_camera(open_studio: OpenStudio) -> None:
    """Nobody goes on sending to a camera that takes nothing any more."""
    async with open_studio(playing=False) as studio, browser() as phone:
        camera = Camera()
        phone.publishes(Scene(), codecs=("video/VP8",))
        await published(studio, phone, camera)
        await until(lambda: camera.pictures, 10)
        camera.closed = True
        await until(lambda: not studio.sessions.counts(), 3)
        await until(lambda: phone.connection.connectionState == "closed", 2)


async def test_needs_a_known_codec(open_studio: OpenStudio) -> None:
    """H.264 or VP8."""
    async with open_studio(playing=False) as studio, browser() as phone:
        camera = Camera()
        phone.publishes(Scene(), codecs=("video/VP8",))
        offer = (await phone.offer()).replace("VP8/90000", "VP9/90000")
        with pytest.raises(Invalid) as refused:
            await studio.sessions.publish(
                offer, camera_id="phone", owner="ann", publication=camera.publisher, allowed=yes
            )
        assert refused.value.code == "codec_not_supported"
        assert camera.codec is None


async def test_needs_somebody_who_sends(open_studio: OpenStudio) -> None:
    """An offer that only receives is one to watch with."""
    async with open_studio(playing=False) as studio, browser() as phone:
        phone.watches()
        with pytest.raises(BadRequest) as refused:
            await published(studio, phone, Camera())
        assert refused.value.code == "bad_sdp"


async def test_nothing_stays(open_studio: OpenStudio) -> None:
    """Neither its place nor a thread, also of one that vanishes."""
    async with open_studio(playing=False, dead_after_s=1.5) as studio:
        camera = Camera()
        async with browser() as phone:
            phone.publishes(Scene(), codecs=("video/VP8",))
            await published(studio, phone, camera)
            await until(lambda: camera.pictures, 10)
            phone.vanish()
            await until(lambda: not studio.sessions.counts(), 4)
            assert camera.codec is None
        await asyncio.sleep(0.1)
        assert not [one for one in threading.enumerate() if "decoder" in one.name]
