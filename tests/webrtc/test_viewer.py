"""server/webrtc/viewer.py: what one viewer sees and hears, with a real peer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.errors import BadRequest, Invalid
from server.media.mailbox import Mailbox
from tests.webrtc.browser import browser, until
from tests.webrtc.conftest import OpenStudio
from tests.webrtc.pictures import CameraFeed
from tests.webrtc.test_sender import pictures_of


async def test_sees_the_camera(open_studio: OpenStudio) -> None:
    """Frames are decoded, of H.264, also for a browser that offers VP8 first."""
    async with open_studio() as studio, browser() as viewer, asyncio.TaskGroup() as tasks:
        viewer.watches(codecs=None)
        answer = await studio.watch(await viewer.offer())
        assert "H264/90000" in answer.sdp
        assert "VP8" not in answer.sdp
        await viewer.accept(answer.sdp)
        reading = tasks.create_task(viewer.read())
        await until(lambda: len(viewer.frames) > 25)
        assert (viewer.frames[-1].width, viewer.frames[-1].height) == (320, 192)
        reading.cancel()


async def test_comes_late_and_sees_at_once(open_studio: OpenStudio) -> None:
    """The group so far comes first, pressed together: strictly growing, over before the first live picture."""
    async with open_studio() as studio, browser() as viewer:
        await asyncio.sleep(1.0)
        viewer.watches()
        answer = await studio.watch(await viewer.offer())
        await viewer.accept(answer.sdp)
        await until(lambda: len(pictures_of(viewer.rtp)) > 25)
        times = pictures_of(viewer.rtp)
        assert times == sorted(set(times))
        exact = [at in set(studio.camera.sent) for at in times]
        first_live = exact.index(True)
        assert all(exact[first_live:])
        assert times[first_live] - times[0] < 90_000 // 4


async def test_a_camera_that_shows_nothing_yet(open_studio: OpenStudio) -> None:
    """A viewer connects, waits, and sees the first picture when it comes."""
    async with open_studio(playing=False) as studio, browser() as viewer:
        viewer.watches()
        await viewer.accept((await studio.watch(await viewer.offer())).sdp)
        await viewer.connected()
        assert viewer.rtp == []
        studio.camera.publish(0, 0.0)
        await until(lambda: viewer.rtp)


async def test_a_slow_network_loses_pictures_up_to_keyframes(open_studio: OpenStudio) -> None:
    """Of a viewer that loses half, nothing waits in memory: pictures are left out, counted, and it goes on."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        await viewer.accept((await studio.watch(await viewer.offer())).sdp)
        await until(lambda: viewer.rtp)
        (session,) = studio.sessions._sessions.values()
        viewer.lose = 0.5
        await until(lambda: session._peer.dropped > 10, 10)
        count = len(viewer.rtp)
        viewer.lose = 0.0
        await until(lambda: len(viewer.rtp) > count + 20)


@contextmanager
def said(mailbox: Mailbox[bytes]) -> Iterator[Mailbox[bytes]]:
    yield mailbox
    mailbox.close()


async def test_messages_on_the_channel(open_studio: OpenStudio) -> None:
    """On a channel labelled `tracks`, the newest message wins."""
    async with open_studio() as studio, browser() as viewer:
        mailbox: Mailbox[bytes] = Mailbox()
        mailbox.put_threadsafe(b"old")
        mailbox.put_threadsafe(b"new")
        viewer.watches(tracks=True)
        await viewer.accept((await studio.watch(await viewer.offer(), messages=said(mailbox))).sdp)
        await until(lambda: viewer.messages)
        mailbox.put_threadsafe(b"newer")
        await until(lambda: len(viewer.messages) == 2)
        assert viewer.messages == ["new", "newer"]


async def test_a_channel_that_closes(open_studio: OpenStudio) -> None:
    """The messages end, the picture goes on."""
    async with open_studio() as studio, browser() as viewer:
        mailbox: Mailbox[bytes] = Mailbox()
        viewer.watches(tracks=True)
        await viewer.accept((await studio.watch(await viewer.offer(), messages=said(mailbox))).sdp)
        mailbox.put_threadsafe(b"one")
        await until(lambda: viewer.messages)
        assert viewer.channel is not None
        viewer.channel.close()
        await until(lambda: viewer.channel is not None and viewer.channel.readyState == "closed")
        mailbox.put_threadsafe(b"two")
        count = len(viewer.rtp)
        await until(lambda: len(viewer.rtp) > count + 20)
        assert viewer.messages == ["one"]


async def test_a_camera_that_has_stopped_meanwhile(open_studio: OpenStudio) -> None:
    """When the viewer is connected there is nothing to see any more: it ends at once."""

    @contextmanager
    def stopped() -> Iterator[CameraFeed]:
        with studio.camera.watched() as feed:
            studio.camera.end()
            yield feed

    async with open_studio(playing=False) as studio, browser() as viewer:
        viewer.watches()
        await viewer.accept((await studio.watch(await viewer.offer(), feed=stopped())).sdp)
        await until(lambda: not studio.sessions.counts(), 3)


async def test_a_channel_of_another_name_gets_nothing(open_studio: OpenStudio) -> None:
    """And the messages are not even asked for."""
    async with open_studio() as studio, browser() as viewer:
        mailbox: Mailbox[bytes] = Mailbox()
        mailbox.put_threadsafe(b"tracks")
        viewer.watches()
        other = viewer.connection.createDataChannel("other")
        await viewer.accept((await studio.watch(await viewer.offer(), messages=said(mailbox))).sdp)
        await until(lambda: other.readyState == "open")
        await asyncio.sleep(0.2)
        assert (await mailbox.take()) == b"tracks"


async def test_sound_is_declined(open_studio: OpenStudio) -> None:
    """A player that asks for sound as well, and names it first, sees the picture and gets no sound."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches(sound=True)
        answer = await studio.watch(await viewer.offer())
        sound = answer.sdp.partition("m=audio")[2].partition("m=video")[0]
        assert "a=inactive" in sound
        await viewer.accept(answer.sdp)
        await until(lambda: viewer.rtp)


async def test_needs_h264(open_studio: OpenStudio) -> None:
    """Without it there is nothing to send, and nothing is kept."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches(codecs="video/VP8")
        with pytest.raises(Invalid) as refused:
            await studio.watch(await viewer.offer())
        assert refused.value.code == "codec_not_supported"
        assert not studio.sessions.counts()
        assert studio.camera.readers == 0


async def test_needs_packetization_mode_1(open_studio: OpenStudio) -> None:
    """The pictures are cut into fragments, which mode 0 does not have."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        offer = (await viewer.offer()).replace("packetization-mode=1", "packetization-mode=0")
        with pytest.raises(Invalid) as refused:
            await studio.watch(offer)
        assert refused.value.code == "codec_not_supported"


async def test_needs_somebody_who_receives(open_studio: OpenStudio) -> None:
    """An offer that only sends is not one to watch with."""
    async with open_studio() as studio, browser() as viewer:
        viewer.watches()
        offer = (await viewer.offer()).replace("a=recvonly", "a=sendonly")
        with pytest.raises(BadRequest) as refused:
            await studio.watch(offer)
        assert refused.value.code == "bad_sdp"
