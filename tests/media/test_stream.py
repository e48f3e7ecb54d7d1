"""server/media/stream.py: one camera kept open, with many bounded readers."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from server.address import AddressRules
from server.clock import SystemClock
from server.media.browsers import obstacle
from server.media.decoder import Decoder
from server.media.frame import Frame
from server.media.packet import TIME_BASE
from server.media.source import Kind, SourceSpec
from server.media.status import CameraState, StreamStatus
from server.media.stream import Stream
from server.supervise import Backoff
from tests.media.conftest import MakeFilm
from tests.media.films import write_film
from tests.media.http_server import HttpCamera
from tests.media.rtsp_server import RtspCamera

Told = list[StreamStatus]


@asynccontextmanager
async def running(
    kind: Kind, url: str | Path, rules: AddressRules, *, timeout_s: float = 1.0, stall_after_s: float = 1.0
) -> AsyncIterator[tuple[Stream, Told]]:
    """A stream that runs for as long as the block lasts, with short time-outs and pauses."""
    told: Told = []
    spec = SourceSpec("c1", kind, str(url), open_timeout_s=timeout_s, read_timeout_s=timeout_s)
    stream = Stream(
        spec,
        rules=rules,
        clock=SystemClock(),
        stall_after_s=stall_after_s,
        on_status=told.append,
        backoff=Backoff(0.05, 0.2),
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stream.run())
        try:
            async with asyncio.timeout(30):
                yield stream, told
        finally:
            task.cancel()
    assert not [thread for thread in threading.enumerate() if thread.name == "camera-c1"]


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens on threads and in sockets
        await asyncio.sleep(0.01)


def states(told: Told) -> list[tuple[str, str | None]]:
    return [(status.state.value, status.reason) for status in told]


@pytest.fixture
def film(make_film: MakeFilm) -> Path:
    return make_film("film.mp4", gop=10)


async def test_loop(make_film: MakeFilm, rules: AddressRules) -> None:
    """A file loops in real time, and neither its timestamps nor its frames jump where it starts again."""
    film = make_film("short.mp4", frames=10, b_frames=2)
    async with running("file", film, rules) as (stream, told):
        seen: list[Frame] = []
        with stream.frames() as mailbox:
            while len(seen) < 35:
                seen.append(await mailbox.take())
    steps = {after.pts - before.pts for before, after in zip(seen, seen[1:], strict=False)}
    assert steps <= {3600, 7200}
    assert 1.0 < seen[-1].captured_monotonic - seen[0].captured_monotonic < 2.0
    assert seen[0].time_base == TIME_BASE
    assert all(frame.picture.pts == frame.pts for frame in seen)
    assert states(told) == [("connecting", None), ("online", None)]


async def test_status(film: Path, rules: AddressRules) -> None:
    """An online camera tells its size, codec, rate and latency; afterwards it is disabled."""
    async with running("file", film, rules) as (stream, _):
        with stream.frames() as mailbox:
            await mailbox.take()
            await until(lambda: stream.status.fps > 20)
            status = stream.status
            assert stream.latest() is not None
        assert stream.latest() is None
    assert (status.width, status.height, status.codec) == (160, 96, "h264")
    assert status.fps < 30
    assert status.latency_ms is not None
    assert 0 <= status.latency_ms < 500
    assert stream.status.state is CameraState.disabled


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [("plain.mp4", {}, None), ("heavy.mp4", {"codec": "libx265"}, "codec"), ("late.ts", {"b_frames": 2}, "b_frames")],
)
async def test_facts(
    make_film: MakeFilm,
    rules: AddressRules,
    capsys: pytest.CaptureFixture[str],
    name: str,
    options: dict[str, object],
    why: str | None,
) -> None:
    """A camera tells what its video is, and says so where browsers cannot take it; facts stay when it is off."""
    async with running("file", make_film(name, **options), rules) as (stream, _):
        assert stream.facts is None
        assert stream.status.codec is None
        await until(lambda: stream.status.state is CameraState.online)
        with stream.packets() as queue:
            for _ in range(12):
                await queue.take()
        assert stream.facts is not None
        assert obstacle(stream.facts) == why
    assert stream.facts is not None
    assert ("camera_not_for_browsers" in capsys.readouterr().out) is (why is not None)


async def test_refill(film: Path, rules: AddressRules) -> None:
    """Who asks for a keyframe gets the group again, marked as cached, and goes on where the camera is."""
    async with running("file", film, rules) as (stream, _):
        with stream.packets() as queue:
            before = [await queue.take() for _ in range(15)]
            assert not before[-1].cached
            stream.refill(queue)
            after = [await queue.take() for _ in range(12)]
    assert after[0].keyframe
    assert after[0].cached
    assert not after[-1].cached
    assert {later.dts - earlier.dts for earlier, later in zip(after, after[1:], strict=False)} == {3600}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices have names here")
async def test_usb_is_not_there(rules: AddressRules) -> None:
    """A camera that is not plugged in is offline with its reason, and leaves no thread."""
    async with running("usb", "97", rules) as (stream, told):
        await until(lambda: stream.status.state is CameraState.offline)
    assert ("offline", "not_found") in states(told)


async def test_decodes_only_for_readers(film: Path, rules: AddressRules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decoded while nobody takes frames; who comes gets a picture before the next keyframe."""
    decoded: list[int] = []
    decode = Decoder.decode

    def counting(self: Decoder, packet: object) -> object:
        decoded.append(1)
        return decode(self, packet)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "decode", counting)
    async with running("file", film, rules) as (stream, _):
        with stream.packets() as queue:
            for _ in range(15):
                await queue.take()
            assert not decoded
            with stream.frames() as mailbox:
                frame = await mailbox.take()
                assert frame.to_bgr().shape == (96, 160, 3)
            before = len(decoded)
            for _ in range(5):
                await queue.take()
            assert len(decoded) <= before + 1


async def test_packets_begin_at_a_keyframe(film: Path, rules: AddressRules) -> None:
    """Whoever joins gets the GOP so far, in Annex B form with its parameter sets, and then every packet."""
    async with running("file", film, rules) as (stream, _):
        await until(lambda: stream.status.state is CameraState.online)
        await asyncio.sleep(0.2)
        with stream.packets() as queue:
            assert len(queue) > 1
            packets = [await queue.take() for _ in range(20)]
    assert packets[0].keyframe
    assert bytes(packets[0].encoded).startswith(b"\x00\x00\x00\x01\x67")
    assert {after.dts - before.dts for before, after in zip(packets, packets[1:], strict=False)} == {3600}


async def test_slow_readers(film: Path, rules: AddressRules) -> None:
    """A reader that does not read loses frames, counted, and holds up nobody else."""
    async with running("file", film, rules) as (stream, _):
        with stream.frames(), stream.packets(limit=5), stream.frames() as quick:
            for _ in range(20):
                await quick.take()
            assert stream.status.dropped > 20
        assert stream.status.dropped > 20


async def test_missing_file(tmp_path: Path, rules: AddressRules) -> None:
    """A file that is not there makes the camera offline with that reason; when it comes, the camera is online."""
    path = tmp_path / "later.mp4"
    async with running("file", path, rules) as (stream, told):
        await until(lambda: stream.status.state is CameraState.offline)
        await asyncio.sleep(0.3)
        write_film(tmp_path / "made.mp4").rename(path)
        await until(lambda: stream.status.state is CameraState.online)
    assert states(told) == [("connecting", None), ("offline", "not_found"), ("online", None)]


async def test_link_out_of_the_roots(tmp_path: Path, film: Path, rules: AddressRules) -> None:
    """A link that leads out of the media folders is not followed."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.mp4").symlink_to(film)
    async with running("file", inside / "link.mp4", AddressRules(roots=(inside,))) as (stream, _):
        await until(lambda: stream.status.reason == "not_allowed")


async def test_playlist_in_disguise(tmp_path: Path, film: Path, rules: AddressRules) -> None:
    """A file that names other files, whatever it is called, is not video."""
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {film}\n")
    async with running("file", tmp_path / "list.mp4", rules) as (stream, _):
        await until(lambda: stream.status.reason == "no_video")


@pytest.fixture
def http_camera(tmp_path: Path) -> HttpCamera:
    write_film(tmp_path / "film.avi", codec="mjpeg")
    write_film(tmp_path / "film.ts", gop=5)
    write_film(tmp_path / "film.mp4", frames=20, gop=5)
    write_film(tmp_path / "fragmented.mp4", frames=20, gop=5)
    return HttpCamera(tmp_path, tmp_path / "film.mp4")


@pytest.mark.parametrize("path", ["/mjpeg", "/live.ts"])
async def test_http_stream(path: str, http_camera: HttpCamera, rules: AddressRules) -> None:
    """MJPEG and transport streams over HTTP run on a line that only goes forward, as fast as real time."""
    with http_camera as camera:
        async with running("http", camera.url(path), rules, timeout_s=4, stall_after_s=4) as (stream, told):
            with stream.packets() as queue:
                packets = [await queue.take() for _ in range(60)]
    stamps = [packet.dts for packet in packets]
    assert stamps == sorted(set(stamps))
    assert 0.8 < (stamps[-1] - stamps[10]) / 90000 < 4.0
    assert ("online", None) in states(told)


@pytest.mark.parametrize("name", ["film.mp4", "fragmented.mp4"])
async def test_http_film_ends(name: str, http_camera: HttpCamera, rules: AddressRules) -> None:
    """A film over HTTP plays in real time; when it ends the camera says so and is opened again."""
    with http_camera as camera:
        async with running("http", camera.url(f"/film/{name}"), rules) as (stream, told):
            await until(lambda: states(told).count(("online", None)) == 2)
    assert states(told) == [("connecting", None), ("online", None), ("offline", "ended"), ("online", None)]
    assert stream.status.codec == "h264"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/nothing", "not_found"), ("/locked", "unauthorized"), ("/silent", "timed_out"), ("/text", "no_video")],
)
async def test_http_reasons(path: str, reason: str, http_camera: HttpCamera, rules: AddressRules) -> None:
    """Each way in which an HTTP camera cannot be opened has its reason."""
    with http_camera as camera:
        async with running("http", camera.url(path), rules) as (stream, _):
            await until(lambda: stream.status.state is CameraState.offline)
            assert stream.status.reason == reason


async def test_redirects_are_followed_where_they_are_allowed(http_camera: HttpCamera, tmp_path: Path) -> None:
    """A camera may send the server to another address only if that could have been given in the first place."""
    rules = AddressRules(allowed_networks=(ip_network("127.0.0.1/32"),))
    with http_camera as camera, HttpCamera(tmp_path, tmp_path / "film.mp4") as other:
        forbidden = camera.url(f"/away/127.0.0.2/{other.port}/mjpeg")
        async with running("http", forbidden, rules) as (stream, told):
            await until(lambda: stream.status.reason == "not_allowed")
        assert ("online", None) not in states(told)
        assert not other._clients
        async with running("http", camera.url(f"/away/127.0.0.1/{other.port}/mjpeg"), rules) as (stream, _):
            await until(lambda: stream.status.state is CameraState.online)


async def test_nobody_listens(http_camera: HttpCamera, rules: AddressRules) -> None:
    """A closed port is refused; a name that nobody knows is not found; a network that is not allowed is not asked."""
    with http_camera as camera:
        url = camera.url("/mjpeg")
    for address, reason in (
        (url, "refused"),
        ("http://camera.invalid/", "not_found"),
        ("http://8.8.8.8/", "not_allowed"),
    ):
        async with running("http", address, rules) as (_, told):
            await until(lambda: told and told[-1].reason)
            assert told[-1].reason == reason


async def test_http_stall(http_camera: HttpCamera, rules: AddressRules) -> None:
    """Video that stops coming makes the camera stalled; it is opened again and comes back by itself."""
    with http_camera as camera:
        async with running("http", camera.url("/mjpeg"), rules) as (stream, told):
            await until(lambda: stream.status.state is CameraState.online)
            camera.paused = True
            await until(lambda: stream.status.state is CameraState.stalled)
            assert stream.status.reason == "stalled"
            camera.paused = False
            await until(lambda: stream.status.state is CameraState.online)
    assert ("stalled", "stalled") in states(told)


async def test_rtsp(film: Path, rules: AddressRules) -> None:
    """An RTSP camera that tells its parameter sets only in the description gives frames, and packets with them."""
    with RtspCamera(film) as camera:
        async with running("rtsp", camera.url, rules, timeout_s=4) as (stream, _):
            with stream.packets() as queue, stream.frames() as mailbox:
                packets = [await queue.take() for _ in range(25)]
                frame = await mailbox.take()
    assert frame.width == 160
    assert bytes(packets[0].encoded)[4] & 31 == 7
    assert all(after.dts > before.dts for before, after in zip(packets, packets[1:], strict=False))


async def test_rtsp_dies_and_returns(film: Path, rules: AddressRules) -> None:
    """A camera that loses its power is offline with its reason, and online again by itself; its time line goes on."""
    with RtspCamera(film) as camera:
        async with running("rtsp", camera.url, rules, timeout_s=4) as (stream, told):
            with stream.frames() as mailbox:
                before = await mailbox.take()
                await asyncio.to_thread(camera.stop)
                await until(lambda: stream.status.reason == "refused")
                camera.start()
                await until(lambda: stream.status.state is CameraState.online)
                after = await mailbox.take()
                while after.captured_monotonic < before.captured_monotonic + 0.1:
                    after = await mailbox.take()
    assert after.pts > before.pts
    passed_s = after.captured_monotonic - before.captured_monotonic
    assert after.seconds - before.seconds == pytest.approx(passed_s, abs=0.5)
    assert [state for state, _ in states(told)][:3] == ["connecting", "online", "offline"]


async def test_rtsp_login(film: Path, rules: AddressRules) -> None:
    """A wrong password is unauthorized, the right one opens; neither is in what is told."""
    with RtspCamera(film, login="admin:pa55") as camera:
        for login, state, reason in (("admin:wr0ng", "offline", "unauthorized"), ("admin:pa55", "online", None)):
            url = camera.url.replace("//", f"//{login}@")
            async with running("rtsp", url, rules, timeout_s=4) as (stream, told):
                await until(lambda: len(told) > 1)
                assert (stream.status.state.value, stream.status.reason) == (state, reason)
            assert login.partition(":")[2] not in repr((told, stream._spec))


async def test_rtsp_reasons(film: Path, rules: AddressRules) -> None:
    """No such stream is not found; a camera that accepts and says nothing times out."""
    with RtspCamera(film) as camera:
        async with running("rtsp", camera.url.replace("live", "other"), rules) as (stream, _):
            await until(lambda: stream.status.reason == "not_found")
        camera.silent = True
        async with running("rtsp", camera.url, rules, timeout_s=0.5) as (stream, _):
            await until(lambda: stream.status.reason == "timed_out")


async def test_rtsp_stall(film: Path, rules: AddressRules) -> None:
    """A session that stays open without any video is stalled."""
    with RtspCamera(film) as camera:
        async with running("rtsp", camera.url, rules, timeout_s=4) as (stream, _):
            await until(lambda: stream.status.state is CameraState.online)
            camera.paused = True
            await until(lambda: stream.status.state is CameraState.stalled)


async def test_no_password_in_the_log(
    film: Path, rules: AddressRules, capsys: pytest.CaptureFixture[str], http_camera: HttpCamera
) -> None:
    """Whatever fails, the camera's password is neither logged nor in the error."""
    with http_camera as camera:
        url = camera.url("/nothing").replace("//", "//admin:hush@")
        async with running("http", url, rules) as (stream, _):
            await until(lambda: stream.status.state is CameraState.offline)
            await asyncio.sleep(0.2)
    printed = capsys.readouterr()
    assert "camera_opens_again" in printed.out
    assert "hush" not in printed.out + printed.err


@pytest.mark.parametrize("drops", [3, pytest.param(24, marks=pytest.mark.slow)])
async def test_many_drops_leave_nothing(drops: int, film: Path, rules: AddressRules) -> None:
    """After forced drops there is no thread, socket or file more than before."""
    with RtspCamera(film) as camera:
        async with running("rtsp", camera.url, rules, timeout_s=4) as (stream, told):
            await until(lambda: stream.status.state is CameraState.online)
            threads, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
            for drop in range(drops):
                stream._backoff.reset()
                camera.drop()
                await until(lambda drop=drop: states(told).count(("online", None)) == drop + 2)  # type: ignore[misc]
            await until(lambda: threading.active_count() <= threads + 1)
            await until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= files + 1)
    await until(lambda: not [name for name in threading.enumerate() if name.name.startswith("camera-")])
