"""server/webrtc/sessions.py: many at once, each its own, and nothing of them stays."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import Connection
from aiortc import RTCDtlsTransport, RTCPeerConnection

from server.errors import NotFound, Unavailable
from server.webrtc.ice import IceServer
from server.webrtc.sessions import LiveSessions
from tests.webrtc.browser import Browser, browser, open_files, until
from tests.webrtc.conftest import OpenStudio, Studio
from tests.webrtc.pictures import Camera


def connections() -> int:
    """Of aiortc and aioice, ours and the browsers'."""
    gc.collect()
    return sum(isinstance(one, (RTCPeerConnection, RTCDtlsTransport, Connection)) for one in gc.get_objects())


async def test_two_viewers_share_nothing(open_studio: OpenStudio) -> None:
    """Own session, own source, own keys: one of them ends, the other goes on, and cannot touch it."""
    async with open_studio() as studio, browser() as first, browser() as second:
        answers = []
        for viewer, owner in ((first, "ann"), (second, "bob")):
            viewer.watches()
            answer = await studio.watch(await viewer.offer(), owner=owner)
            await viewer.accept(answer.sdp)
            answers.append(answer)
        await until(lambda: first.rtp and second.rtp)
        assert studio.sessions.counts() == {"door": 2}
        assert first.rtp[0].ssrc != second.rtp[0].ssrc
        assert answers[0].session_id != answers[1].session_id
        for other in (("door", "bob"), ("gate", "ann")):
            with pytest.raises(NotFound):
                await studio.sessions.close(answers[0].session_id, *other)
            with pytest.raises(NotFound):
                await studio.sessions.patch(answers[0].session_id, *other, "")
        await studio.sessions.close(answers[0].session_id, "door", "ann")
        count = len(second.rtp)
        await until(lambda: len(second.rtp) > count + 20)
        assert studio.sessions.counts() == {"door": 1}


async def test_only_so_many(open_studio: OpenStudio) -> None:
    """One too many is told so, and may come when somebody has left."""
    async with open_studio(max_sessions=1) as studio, browser() as first, browser() as second:
        first.watches()
        second.watches()
        answer = await studio.watch(await first.offer())
        offer = await second.offer()
        with pytest.raises(Unavailable) as refused:
            await studio.watch(offer)
        assert refused.value.code == "too_many_viewers"
        await studio.sessions.close(answer.session_id, "door", "ann")
        await until(lambda: not studio.sessions.counts(), 1)
        await studio.watch(offer)


async def test_not_before_it_runs(pictures: list[bytes]) -> None:
    """Nobody would own the session."""
    async with browser() as viewer:
        viewer.watches()
        offer = await viewer.offer()
        with pytest.raises(Unavailable):
            await Studio(Camera(pictures), LiveSessions()).watch(offer)


@asynccontextmanager
async def slow_server() -> AsyncIterator[IceServer]:
    """Does not answer, so that an answer takes more than a second."""
    loop = asyncio.get_running_loop()
    silent, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    yield IceServer((f"turn:127.0.0.1:{silent.get_extra_info('sockname')[1]}",), "ann", "secret")
    silent.close()


async def test_whoever_asked_leaves_in_the_middle(open_studio: OpenStudio) -> None:
    """Nothing of what was begun for it stays."""
    async with slow_server() as server, open_studio(ice_servers=[server]) as studio, browser() as viewer:
        viewer.watches()
        offer = await viewer.offer()
        before = open_files()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await studio.watch(offer)
        await until(lambda: open_files() == before)
        assert not studio.sessions.counts()


async def test_the_server_stops_while_it_negotiates(pictures: list[bytes]) -> None:
    """Whoever asked is told, and nothing of it stays."""
    async with slow_server() as server, browser() as viewer:
        viewer.watches()
        offer = await viewer.offer()
        before = open_files()
        sessions = LiveSessions(ice_servers=[server])
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(sessions.run())
            await asyncio.sleep(0)
            tasks.create_task(stopped(running))
            with pytest.raises(Unavailable):
                await Studio(Camera(pictures), sessions).watch(offer)
        await until(lambda: open_files() == before)
        assert not sessions.counts()


async def stopped(task: asyncio.Task[None]) -> None:
    await asyncio.sleep(0.3)
    task.cancel()


async def test_the_server_stops(open_studio: OpenStudio) -> None:
    """All sessions end with it, and say goodbye."""
    async with browser() as viewer:
        async with open_studio() as studio:
            viewer.watches()
            await viewer.accept((await studio.watch(await viewer.offer())).sdp)
            await until(lambda: viewer.rtp)
        assert not studio.sessions.counts()
        assert studio.camera.readers == 0
        await until(lambda: viewer.connection.connectionState == "closed", 2)


async def test_the_server_stops_in_the_middle_of_an_answer(open_studio: OpenStudio) -> None:
    """A session that has hardly begun is closed as well."""
    async with browser() as viewer:
        viewer.watches()
        offer = await viewer.offer()
        async with open_studio() as studio:
            await studio.watch(offer)
        assert not studio.sessions.counts()


async def come_and_go(studio: Studio, number: int) -> None:
    viewer = Browser()
    viewer.watches(tracks=True)
    answer = await studio.watch(await viewer.offer())
    if number % 4 != 3:
        await viewer.accept(answer.sdp)
        await until(lambda: viewer.rtp, 20)
    if number % 4 == 0:
        viewer.vanish()
    await viewer.close()


async def test_twenty_come_and_go(open_studio: OpenStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some say goodbye, some vanish, some never connect: no task, thread, file or connection of them stays."""
    monkeypatch.setattr("server.webrtc.session.CONNECT_WITHIN_S", 4.0)
    async with open_studio(dead_after_s=2.0) as studio:
        await come_and_go(studio, 1)
        await until(lambda: not studio.sessions.counts(), 5)
        await asyncio.sleep(0.1)
        before = (len(asyncio.all_tasks()), threading.active_count(), open_files(), connections())
        for first in range(0, 20, 5):
            async with asyncio.TaskGroup() as tasks:
                for number in range(first, first + 5):
                    tasks.create_task(come_and_go(studio, number))
        await until(lambda: not studio.sessions.counts(), 10)
        await asyncio.sleep(0.2)
        assert (len(asyncio.all_tasks()), threading.active_count(), open_files(), connections()) == before
        assert before[3] == 0
        assert studio.camera.readers == 0
