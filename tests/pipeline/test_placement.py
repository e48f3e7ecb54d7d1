"""Cameras in this process: started, stopped, told of, and no one in another's way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from server.errors import Unavailable
from server.events.schema import NewEvent, StoredEvent
from server.lifespan import running
from server.parts import Parts
from server.pipeline.camera import CameraLoop
from server.store import cameras
from server.store.tables import Camera
from tests.media.films import write_film
from tests.opened import parts_in
from tests.pipeline.conftest import events_of


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Parts]:
    """A running server on the real clock."""
    async with parts_in(tmp_path / "state", media={"roots": [tmp_path]}) as parts:
        yield parts


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if await value if isinstance(value, Awaitable) else value:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def film(parts: Parts, tmp_path: Path, name: str = "Film") -> AsyncIterator[Camera]:
    path = tmp_path / f"{name}.mp4"
    write_film(path)
    camera = Camera(name=name, source=str(path), kind="file", role="in")
    async with parts.store.transaction() as session:
        await cameras.save_camera(session, camera)
    yield camera


async def test_enabled_cameras_start_with_the_server_and_are_told(live: Parts, tmp_path: Path) -> None:
    """Online with its size, a picture at once, an event of it; afterwards no thread is left."""
    before = threading.active_count()
    async with film(live, tmp_path) as camera, running(live):
        await until(lambda: live.cameras.status(camera).state == "online")
        await until(lambda: live.cameras.analysed(camera.id) > 0)
        status = live.cameras.status(camera)
        assert (status.codec, status.width is not None, status.reason) == ("h264", True, None)
        one, other = await asyncio.gather(live.cameras.snapshot(camera.id, 80), live.cameras.snapshot(camera.id, 160))
        assert one.jpeg.startswith(b"\xff\xd8")
        assert len(one.jpeg) < len(other.jpeg)

        async def told() -> bool:
            return [kind for kind, _ in await events_of(live, "cameras")] == ["camera.online"]

        await until(told)
    await until(lambda: not [t for t in threading.enumerate() if "camera" in t.name.lower()])
    assert threading.active_count() <= before + 8  # the executor's threads stay for the next use


async def test_one_that_cannot_be_opened_says_why_and_leaves_the_others_alone(live: Parts, tmp_path: Path) -> None:
    """A missing file is offline with its reason; the film beside it plays."""
    async with film(live, tmp_path) as good, film(live, tmp_path, "Gone") as bad:
        Path(bad.source).unlink()
        async with running(live):
            await until(lambda: live.cameras.status(good).state == "online")
            await until(lambda: live.cameras.status(bad).state == "offline")
            status = live.cameras.status(bad)
            assert status.reason == "not_found"
            assert status.explanation
            with pytest.raises(Unavailable):
                await live.cameras.snapshot(bad.id, 320)

            async def told() -> bool:
                return {kind for kind, _ in await events_of(live, "cameras")} == {"camera.online", "camera.offline"}

            await until(told)


async def test_stop_start_and_restart(live: Parts, tmp_path: Path) -> None:
    """Stopped is disabled and gives no picture; started it is online again; starting twice is one camera."""
    async with film(live, tmp_path) as camera, running(live):
        await until(lambda: live.cameras.status(camera).state == "online")
        await live.cameras.stop(camera.id)
        assert live.cameras.status(camera).state == "disabled"
        with pytest.raises(Unavailable):
            await live.cameras.snapshot(camera.id, 320)
        live.cameras.start(camera)
        live.cameras.start(camera)
        await until(lambda: live.cameras.status(camera).state == "online")
        await live.cameras.restart(camera)
        await until(lambda: live.cameras.status(camera).state == "online")
        await live.cameras.stop("nothing")


async def test_a_stop_during_a_restart_wins(live: Parts, tmp_path: Path) -> None:
    """A restart waits for the camera's thread; whoever stops the camera meanwhile does not find it running again."""
    async with film(live, tmp_path) as camera, running(live):
        await until(lambda: live.cameras.status(camera).state == "online")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(live.cameras.restart(camera))
            await asyncio.sleep(0)  # it has begun
            tasks.create_task(live.cameras.stop(camera.id))
        assert live.cameras.status(camera).state == "disabled"


async def test_news_carry_the_camera_as_it_is(live: Parts, tmp_path: Path) -> None:
    """One that was renamed while it ran is told of by its new name; one that is gone is not told of."""
    async with film(live, tmp_path) as camera, film(live, tmp_path, "Gone") as gone:
        async with live.store.transaction() as session:
            (await cameras.get(session, camera.id)).name = "Renamed"
            await cameras.remove(session, await cameras.get(session, gone.id))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(live.cameras.run())
            await until(lambda: live.cameras.status(camera).state != "disabled")
            live.cameras.start(gone)
            await until(lambda: live.cameras.status(gone).state == "online")
            async with live.store.transaction() as session:
                (await cameras.get(session, camera.id)).name = "Renamed again"
            await live.cameras.restart(camera)

            async def told() -> bool:
                return [data["name"] for _, data in await events_of(live, "cameras")][-1:] == ["Renamed again"]

            await until(told)
            task.cancel()
        assert "Gone" not in [data["name"] for _, data in await events_of(live, "cameras")]


async def test_news_that_could_not_be_told_are_told_later(
    live: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away when a camera changes its state delays the event; no other news is needed for it."""
    tell, failed = live.recorder.tell, 0

    async def flaky(events: Sequence[NewEvent]) -> list[StoredEvent]:
        nonlocal failed
        failed += 1
        if failed == 1:
            raise OperationalError("INSERT", {}, OSError("the database is away"))
        return await tell(events)

    monkeypatch.setattr(live.recorder, "tell", flaky)
    async with film(live, tmp_path), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(live.cameras.run())

        async def told() -> bool:
            return [kind for kind, _ in await events_of(live, "cameras")] == ["camera.online"]

        await until(told, 5)
        task.cancel()


async def test_a_camera_that_cannot_write_its_end_does_not_end_the_others(
    live: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong while one camera stops is its own."""

    async def broken(_: CameraLoop) -> None:
        raise RuntimeError("nobody thought of this")

    async with film(live, tmp_path) as camera, film(live, tmp_path, "Other") as other, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(live.cameras.run())
        await until(lambda: live.cameras.status(camera).state == live.cameras.status(other).state == "online")
        monkeypatch.setattr(CameraLoop, "finish", broken)
        await live.cameras.stop(camera.id)
        await asyncio.sleep(0.1)
        assert not task.done()
        assert live.cameras.status(other).state == "online"
        task.cancel()
