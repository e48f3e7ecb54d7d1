"""What the tests of live video share: pictures that are encoded once, a camera, and the sessions under test."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.webrtc.sessions import Answer, LiveSessions
from tests.webrtc.pictures import Camera, encoded


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    """Fifty pictures of H.264, a keyframe every ten; each is several RTP packets."""
    return encoded(50)


class Complaints(logging.Handler):
    """Everything from a warning on, that of libraries and of forgotten tasks too."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@pytest.fixture(autouse=True, scope="module")
def nothing_to_complain_of() -> Iterator[None]:
    """What peers do, come, go, vanish and send, is no error of the server: nothing of it is logged as one."""
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    with capture_logs() as logged:
        yield
        gc.collect()
    logging.getLogger().removeHandler(complaints)
    assert complaints.heard == []
    assert [line for line in logged if line["log_level"] not in ("debug", "info")] == []


async def yes() -> bool:
    return True


class Studio:
    """A camera that plays, and the sessions that serve it."""

    def __init__(self, camera: Camera, sessions: LiveSessions) -> None:
        self.camera = camera
        self.sessions = sessions

    async def watch(self, offer: str, **changed: Any) -> Answer:
        wanted: dict[str, Any] = {
            "camera_id": "door", "owner": "ann", "feed": self.camera.watched(), "messages": None, "allowed": yes,
        }  # fmt: skip
        return await self.sessions.watch(offer, **{**wanted, **changed})


OpenStudio = Callable[..., Any]


@asynccontextmanager
async def studio(
    pictures: list[bytes], *, first_pts: int = 1_000_000, playing: bool = True, **options: Any
) -> AsyncIterator[Studio]:
    """Both run as long as the block lasts."""
    camera, sessions = Camera(pictures, first_pts=first_pts), LiveSessions(**options)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(sessions.run())]
        if playing:
            running.append(tasks.create_task(camera.run()))
        await asyncio.sleep(0)
        try:
            yield Studio(camera, sessions)
        finally:
            for task in running:
                task.cancel()


@pytest.fixture
def open_studio(pictures: list[bytes]) -> OpenStudio:
    def opened(**options: Any) -> Any:
        return studio(pictures, **options)

    return opened
