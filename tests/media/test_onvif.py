"""server/media/onvif.py: the streams of a camera. The camera is a fake on loopback that speaks real SOAP."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.address import AddressRules
from server.clock import SystemClock
from server.errors import Invalid, RollcallError, SourceFailed, Unavailable
from server.media import onvif
from server.media.onvif import MediaProfile, pair, profiles
from server.tls import self_signed
from tests.media.onvif_device import Offered, OnvifDevice, Reply, fault, nothing_left_open, soap

USER, PASSWORD = "operator", "p@ss/wörd"
LOGIN = "operator:p%40ss%2Fw%C3%B6rd"
OFFERED = [
    Offered("sub", width=640, height=360, fps="15", bitrate="512", uri="rtsp://127.0.0.1:8554/sub"),
    Offered("main", "H265", 2560, 1440, uri="rtsp://127.0.0.1:8554/main?channel=1&subtype=0"),
    Offered("still", "JPEG", 320, 240, fps="", uri="rtsp://someone:else@127.0.0.1/still"),
]


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """The whole test leaves nothing open."""
    async with nothing_left_open():
        yield


async def refused(device: OnvifDevice, rules: AddressRules, password: str = PASSWORD) -> RollcallError:
    with pytest.raises(RollcallError) as refusal:
        await profiles(device.url, USER, password, rules, timeout_s=5)
    return refusal.value


@pytest.mark.usefixtures("nothing_left")
async def test_profiles(rules: AddressRules) -> None:
    """The largest picture first, each with the login in its address, which is never shown."""
    with OnvifDevice() as device:
        device.offered = list(OFFERED)
        found = await profiles(device.url, USER, PASSWORD, rules)
    assert found == [
        MediaProfile(
            "main stream", "hevc", 2560, 1440, 25, 4096, f"rtsp://{LOGIN}@127.0.0.1:8554/main?channel=1&subtype=0"
        ),
        MediaProfile("sub stream", "h264", 640, 360, 15, 512, f"rtsp://{LOGIN}@127.0.0.1:8554/sub"),
        MediaProfile("still stream", "mjpeg", 320, 240, None, None, f"rtsp://{LOGIN}@127.0.0.1/still"),
    ]
    assert PASSWORD not in repr(found)
    assert LOGIN not in repr(found)


@pytest.mark.parametrize("ahead", [timedelta(days=-9000), timedelta(hours=2)])
async def test_clock(rules: AddressRules, ahead: timedelta) -> None:
    """A camera whose clock is wrong accepts the login."""
    with OnvifDevice(ahead=ahead) as device:
        assert len(await profiles(device.url, USER, PASSWORD, rules)) == 1


async def test_other_ways(rules: AddressRules) -> None:
    """A device without GetServices, one that hides its clock, one that wants the login in HTTP, one that wants none."""
    with OnvifDevice() as device:
        device.replies["GetServices"] = fault("Receiver", "ActionNotSupported", "No")
        device.replies["GetSystemDateAndTime"] = fault("Sender", "NotAuthorized", "No")
        assert len(await profiles(device.url, USER, PASSWORD, rules)) == 1
        assert "GetCapabilities" in device.asked
    with OnvifDevice() as device:
        device.http_digest = True
        assert len(await profiles(device.url, USER, PASSWORD, rules)) == 1
        assert (await refused(device, rules, "wrong")).code == "unauthorized"
    with OnvifDevice() as device:
        device._login = lambda envelope: True  # type: ignore[method-assign]
        assert [one.source for one in await profiles(device.url, "", "", rules)] == ["rtsp://127.0.0.1:8554/main"]


@pytest.mark.usefixtures("nothing_left")
async def test_https(rules: AddressRules, tmp_path: Path) -> None:
    """A certificate that the camera signed itself is good enough."""
    own = self_signed(tmp_path, ["camera"], SystemClock().now())
    device = OnvifDevice()
    device.use_tls(own.cert, own.key)
    with device:
        assert device.url.startswith("https://")
        assert len(await profiles(device.url, USER, PASSWORD, rules)) == 1


@pytest.mark.usefixtures("nothing_left")
async def test_wrong_password(rules: AddressRules, caplog: pytest.LogCaptureFixture) -> None:
    """Said as such, and the password is in no error and no log."""
    caplog.set_level(logging.DEBUG)
    with OnvifDevice() as device:
        error = await refused(device, rules, "s3cret-of-mine")
        device.replies["GetServices"] = Reply(b"", 401)
        assert (await refused(device, rules, "s3cret-of-mine")).code == "unauthorized"
    assert (type(error), error.code) == (SourceFailed, "unauthorized")
    assert "s3cret" not in str(error) + repr(error) + caplog.text


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("operation", ["GetSystemDateAndTime", "GetServices", "GetProfiles", "GetStreamUri"])
async def test_says_nothing(rules: AddressRules, operation: str) -> None:
    """A device that takes the question and says nothing has its time, all questions together."""
    loop = asyncio.get_running_loop()
    with OnvifDevice() as device:
        device.silent.add(operation)
        started = loop.time()
        with pytest.raises(SourceFailed) as failed:
            await profiles(device.url, USER, PASSWORD, rules, timeout_s=0.5)
    assert failed.value.code == "timed_out"
    assert loop.time() - started < 20  # where nobody limits it, it would be for good


@pytest.mark.usefixtures("nothing_left")
async def test_cancelled(rules: AddressRules) -> None:
    """Nothing stays open after a cancel."""
    with OnvifDevice() as device:
        device.silent.add("GetProfiles")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(profiles(device.url, USER, PASSWORD, rules))
            await asyncio.to_thread(device.was_asked, "GetProfiles")
            task.cancel()
        assert task.cancelled()


async def test_nobody_there(rules: AddressRules) -> None:
    """A closed port refuses; a service that is not there is not found."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    with pytest.raises(SourceFailed) as failed:
        await profiles(f"http://127.0.0.1:{closed}/onvif/device_service", USER, PASSWORD, rules)
    assert failed.value.code == "refused"
    with OnvifDevice() as device:
        device.replies["GetServices"] = Reply(b"", 404)
        assert (await refused(device, rules)).code == "not_found"


@pytest.mark.parametrize(
    "address",
    ["http://10.0.0.5/onvif", "http://169.254.169.254/", "rtsp://127.0.0.1/", "file:///etc/passwd", "http://", "http:"],
)
async def test_not_allowed(rules: AddressRules, address: str) -> None:
    """An address outside the rules is never asked."""
    with pytest.raises(Invalid):
        await profiles(address, USER, PASSWORD, rules)


@pytest.mark.usefixtures("nothing_left")
async def test_sent_elsewhere(rules: AddressRules) -> None:
    """A device cannot send us to an address that is not allowed: not as its media service, not as a stream."""
    for elsewhere in ("http://10.0.0.5/onvif/media", "http://169.254.169.254/latest", "ftp://127.0.0.1/", ""):
        with OnvifDevice() as device:
            device.media_address = elsewhere or "http:///"
            assert isinstance(await refused(device, rules), Invalid)
    for uri in ("rtsp://10.0.0.5/main", "file:///etc/passwd", "rtsp://a:b@169.254.169.254/x", "concat:x|y"):
        with OnvifDevice() as device:
            device.offered = [Offered("main", uri=uri)]
            assert isinstance(await refused(device, rules), Invalid)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect(rules: AddressRules, status: int) -> None:
    """Redirects are not followed, not even to an address that is allowed."""
    with OnvifDevice() as device, OnvifDevice() as other:
        for operation in ("GetServices", "GetCapabilities"):
            device.replies[operation] = Reply(b"", status, {"Location": other.url})
        assert (await refused(device, rules)).code == "failed"
        assert other.asked == []


async def test_a_name_that_moves(rules: AddressRules, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is checked again where the connection is made."""

    async def unchecked(*_: object, **__: object) -> None:
        pass

    monkeypatch.setattr(onvif, "resolve_allowed", unchecked)
    with OnvifDevice() as device:
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{urlsplit(device.url).port}/"
            with pytest.raises(SourceFailed) as failed:
                await profiles(url, USER, PASSWORD, AddressRules())
            assert failed.value.code == "not_allowed"
        assert device.asked == []


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
    + soap("<trt:GetProfilesResponse>&j;</trt:GetProfilesResponse>").partition(b"?>")[2]
)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("operation", ["GetServices", "GetProfiles"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML at all",
        b"<a><b>",
        b"\xff\xfe\x00" * 9,
        soap(""),
        soap("<trt:Other/>"),
        BOMB,
        BOMB.decode().replace('"1.0"?', '"1.0" encoding="UTF-16"?').encode("utf-16"),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 100_000,
        b" " * (3 << 20),
        soap("<s:Fault/>"),
    ],
    ids=["empty", "text", "cut", "bytes", "bare", "other", "bomb", "bomb-16", "external", "deep", "long", "fault"],
)
async def test_garbage(rules: AddressRules, operation: str, body: bytes) -> None:
    """Whatever a device answers, it is one reason among ours, and soon."""
    with OnvifDevice() as device:
        for name in {operation, "GetCapabilities"}:
            device.replies[name] = Reply(body)
        error = await refused(device, rules)
    assert isinstance(error, SourceFailed)
    assert error.code in ("failed", "no_video")


async def test_odd_profiles(rules: AddressRules) -> None:
    """Profiles that make no sense are left out, and a device may not have more of them than anybody needs."""
    with OnvifDevice() as device:
        device.offered = [
            Offered("none", "H266"),
            Offered("zero", width=0),
            Offered("huge", width=10**9),
            Offered("n" * 500, fps="many", bitrate="-1"),
        ]
        (found,) = await profiles(device.url, USER, PASSWORD, rules)
        assert (found.name, found.fps, found.bitrate_kbps) == ("n" * 200, None, None)
        device.offered = [Offered(f"p{number}") for number in range(100)]
        assert len(await profiles(device.url, USER, PASSWORD, rules)) == 64
        device.replies["GetStreamUri"] = fault("Receiver", "Action", "No")
        assert (await refused(device, rules)).code == "no_video"
        device.offered = []
        assert (await refused(device, rules)).code == "no_video"


def test_pair() -> None:
    """The largest, and the smallest that is wide enough and smaller."""

    def one(width: int, height: int) -> MediaProfile:
        return MediaProfile(f"{width}", "h264", width, height, None, None, "")

    large, wide, small, tiny = one(2560, 1440), one(1280, 720), one(640, 360), one(320, 240)
    assert pair([tiny, small, large, wide]) == (large, small)
    assert pair([large, tiny]) == (large, None)
    assert pair([large, large]) == (large, None)
    assert pair([tiny]) == (tiny, None)
    with pytest.raises(SourceFailed):
        pair([])


@pytest.mark.parametrize("missing", ["zeep", "lxml.etree", "onvif"])
async def test_not_installed(rules: AddressRules, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Without the extra there is one sentence that says what to do."""
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "onvif":
        monkeypatch.setattr(onvif, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"\.\[onvif\]") as absent:
        await profiles("http://127.0.0.1/", USER, PASSWORD, rules)
    assert absent.value.code == "not_installed"


async def test_importing_changes_nothing(rules: AddressRules) -> None:
    """The package `onvif` would set up logging for the whole process, so only its files are used."""
    with OnvifDevice() as device:
        await profiles(device.url, USER, PASSWORD, rules)
    assert "onvif" not in sys.modules
