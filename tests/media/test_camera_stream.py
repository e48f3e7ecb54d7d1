"""server/media/camera_stream.py: what every camera offers."""

from server.clock import ManualClock
from server.media.camera_stream import CameraStream
from server.media.source import VideoFacts
from server.media.status import CameraState, StreamStatus
from tests.media.films import packet

FACTS = VideoFacts("h264", 640, 360, 25.0, False, None, "h264", None, "High", "yuv420p")


class Camera(CameraStream):
    """One that does nothing by itself."""

    async def run(self) -> None:
        self._disabled()


async def test_state_is_told_when_it_changes() -> None:
    """The same state again is not told again; size and codec are there once the camera has been online."""
    told: list[StreamStatus] = []
    clock = ManualClock()
    camera = Camera("c1", clock=clock, on_status=told.append)
    camera._set(CameraState.offline, "refused")
    clock.advance(3)
    camera._set(CameraState.offline, "refused")
    camera._outlets.opened(FACTS)
    assert camera.status.width is None
    camera._set(CameraState.online, None)
    assert [status.state.value for status in told] == ["offline", "online"]
    assert (told[1].width, told[1].height, told[1].codec, told[1].since) == (640, 360, "h264", clock.now())
    await camera.run()
    assert (camera.status.state, len(told)) == (CameraState.disabled, 2)


async def test_readers() -> None:
    """Encoded readers begin with the group, and may begin again; losses are in the status."""
    camera = Camera("c1", clock=ManualClock(), on_status=None)
    camera._outlets.opened(FACTS)
    camera._outlets.publish(packet(0, key=True))
    with camera.packets(2) as queue:
        for at in range(1, 4):
            camera._outlets.publish(packet(at))
        assert camera.status.dropped == 2
        camera.refill(queue)
        assert len(queue) == 4
    assert camera.facts is FACTS
    assert camera.latest() is None
