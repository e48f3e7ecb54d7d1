"""Cameras in this process: started, stopped, told of, and no one in another's way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError

from server.errors import Unavailable
from server.events.schema import NewEvent, StoredEvent
from server.lifespan import running
from server.media.camera_stream import CameraStream
from server.media.reasons import reason_text
from server.media.status import CameraState, StreamStatus
from server.media.watch import PictureWatch
from server.parts import Parts
from server.pipeline.camera import CameraLoop
from server.pipeline.placement import Builder
from server.store import cameras
from server.store.tables import Camera
from tests.journeys.films import decoded
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
        assert live.cameras.live(camera.id) is None
        with pytest.raises(Unavailable):
            await live.cameras.snapshot(camera.id, 320)
        live.cameras.start(camera)
        live.cameras.start(camera)
        await until(lambda: live.cameras.status(camera).state == "online")
        await live.cameras.settle(camera.id, afresh=True)
        await until(lambda: live.cameras.status(camera).state == "online")
        await live.cameras.stop("nothing")


async def test_a_stop_during_a_restart_wins(live: Parts, tmp_path: Path) -> None:
    """A restart waits for the camera's thread; whoever stops the camera meanwhile does not find it running again."""
    async with film(live, tmp_path) as camera, running(live):
        await until(lambda: live.cameras.status(camera).state == "online")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(live.cameras.settle(camera.id, afresh=True))
            await asyncio.sleep(0)  # it has begun
            tasks.create_task(live.cameras.stop(camera.id))
        assert live.cameras.live(camera.id) is None


async def test_news_carry_the_camera_as_it_is(live: Parts, tmp_path: Path) -> None:
    """One that was renamed while it ran is told of by its new name; one that is gone is not told of."""
    async with film(live, tmp_path) as camera, film(live, tmp_path, "Gone") as gone:
        async with live.store.transaction() as session:
            (await cameras.get(session, camera.id)).name = "Renamed"
            await cameras.remove(session, await cameras.get(session, gone.id))
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(live.cameras.run())
            await until(lambda: live.cameras.live(camera.id) is not None)
            live.cameras.start(gone)
            await until(lambda: live.cameras.status(gone).state == "online")
            async with live.store.transaction() as session:
                (await cameras.get(session, camera.id)).name = "Renamed again"
            await live.cameras.settle(camera.id, afresh=True)

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


async def test_the_news_is_the_state_that_it_tells_of(
    live: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera that is back before it is told that it was away: both are told, each with its own state."""
    states: list[Callable[[StreamStatus], None]] = []
    builder = type(live.cameras._builder)
    make = builder.stream

    def stream(self: Builder, camera: Camera, on_status: Callable[[StreamStatus], None]) -> CameraStream:
        states.append(on_status)
        return make(self, camera, on_status)

    monkeypatch.setattr(builder, "stream", stream)
    async with film(live, tmp_path) as camera, running(live):
        await until(lambda: live.cameras.status(camera).state == "online")
        states[0](StreamStatus(CameraState.stalled, "stalled", live.clock.now()))
        states[0](StreamStatus(CameraState.online, None, live.clock.now()))

        async def told() -> bool:
            return len(await events_of(live, "cameras")) == 3

        await until(told)
        states_told = [
            (kind, cast("dict[str, str]", data["status"])["state"]) for kind, data in await events_of(live, "cameras")
        ]
    assert states_told == [
        ("camera.online", "online"), ("camera.offline", "stalled"), ("camera.online", "online"),
    ]  # fmt: skip


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


async def test_what_another_process_changes_counts_here(live: Parts, tmp_path: Path) -> None:
    """A camera that another server adds, switches off or removes is started and stopped here within seconds."""
    async with running(live), film(live, tmp_path) as camera:
        await until(lambda: live.cameras.status(camera).state == "online")
        async with live.store.transaction() as session:
            row = await cameras.get(session, camera.id)
            row.enabled = False
            await cameras.save_camera(session, row)
        await until(lambda: live.cameras.live(camera.id) is None)


async def test_a_server_that_runs_no_cameras(tmp_path: Path) -> None:
    """It starts none, says that another one has them, and does not say of one that is switched off that it runs."""
    async with (
        parts_in(tmp_path, media={"roots": [tmp_path], "run_cameras": False}) as parts,
        film(parts, tmp_path) as camera,
        running(parts),
    ):
        parts.cameras.start(camera)
        status = parts.cameras.status(camera)
        assert (status.state, status.reason) == ("offline", "elsewhere")
        with pytest.raises(Unavailable):
            parts.cameras.online(camera.id)
        camera.enabled = False
        assert parts.cameras.status(camera).state == "disabled"


async def test_the_smaller_picture_is_analysed_and_the_larger_one_shown(live: Parts, tmp_path: Path) -> None:
    """With a sub stream the main one is decoded for nobody, but for a picture that is asked for."""
    async with film(live, tmp_path) as camera:
        await give_sub_stream(live, camera, write_film(tmp_path / "small.mp4", size=(80, 48)))
        async with running(live):
            await until(lambda: live.cameras.analysed(camera.id) > 2)
            ours = live.cameras._running[camera.id]
            assert ours.sub is not None
            assert ours.stream.latest() is None
            analysed, sub = ours.sub.latest(), live.cameras.sub_status(camera.id)
            assert analysed is not None
            assert sub is not None
            assert (analysed.width, sub.width, sub.state) == (80, 80, "online")
            shown = live.cameras.status(camera)
            assert shown.width == 160
            assert shown.bitrate_kbps
            taken = await live.cameras.snapshot(camera.id, 3840)
            assert decoded(taken.jpeg).shape == (96, 160, 3)
            await until(lambda: ours.stream.latest() is None)
            # On one time line: the boxes of the small picture belong to the large one of the same moment.
            newest = ours.sub.latest()
            assert newest is not None
            assert abs(taken.pts - newest.pts) < 90_000


async def test_the_larger_picture_is_analysed_while_the_smaller_one_is_away(live: Parts, tmp_path: Path) -> None:
    """A sub stream that cannot be opened costs nothing but processor time."""
    async with film(live, tmp_path) as camera:
        await give_sub_stream(live, camera, tmp_path / "gone.mp4")
        async with running(live):
            await until(lambda: live.cameras.analysed(camera.id) > 2)
            sub = live.cameras.sub_status(camera.id)
            assert sub is not None
            assert (sub.state, sub.reason) == ("offline", "not_found")
            assert live.cameras.status(camera).state == "online"
            assert live.cameras._running[camera.id].stream.latest() is not None


async def give_sub_stream(parts: Parts, camera: Camera, path: Path) -> None:
    async with parts.store.transaction() as session:
        row = await cameras.get(session, camera.id)
        row.sub_source = str(path)
        await cameras.save_camera(session, row)


async def test_a_picture_that_stands_still_is_told(live: Parts, tmp_path: Path) -> None:
    """The camera is online and can be watched, and its reason says what is wrong with it."""
    path = tmp_path / "Still.mp4"
    async with film(live, tmp_path, "Still") as camera:
        write_film(path, frames=50, moving=False)
        async with running(live):
            await until(lambda: camera.id in live.cameras._running)
            live.cameras._running[camera.id].loop._watch = PictureWatch(frozen_after_s=2.0)
            await until(lambda: live.cameras.status(camera).reason == "frozen")
            status = live.cameras.status(camera)
            assert (status.state, status.explanation) == ("online", reason_text("frozen"))
            assert (await live.cameras.snapshot(camera.id, 80)).jpeg
