"""server/media/devices.py: the camera with a number, on each system."""

import sys

import pytest

from server.errors import SourceFailed
from server.media.devices import device


def yes(name: str) -> bool:
    return True


def test_linux() -> None:
    """Video4Linux by its path; Motion JPEG first, then whatever the camera gives."""
    found = device("2", "linux", supported=yes)
    assert (found.address, found.format) == ("/dev/video2", "v4l2")
    assert found.wishes == (
        {"video_size": "1280x720", "framerate": "30", "input_format": "mjpeg"},
        {"video_size": "1280x720", "framerate": "30"},
        {},
    )


def test_mac() -> None:
    """AVFoundation by its number, without sound."""
    found = device("0", "darwin", supported=yes)
    assert (found.address, found.format) == ("0:none", "avfoundation")
    assert found.wishes[-1] == {}


def test_windows() -> None:
    """DirectShow by its name, which the number is looked up for."""
    cameras = ["Front: camera", "Desk"]
    found = device("1", "win32", supported=yes, cameras=lambda: cameras)
    assert (found.address, found.format) == ("video=Desk", "dshow")
    with pytest.raises(SourceFailed) as failure:
        device("2", "win32", supported=yes, cameras=lambda: cameras)
    assert failure.value.code == "not_found"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "sunos5"])
def test_not_supported(platform: str) -> None:
    """A video library without the system's cameras says so; so does a system that nobody thought of."""
    with pytest.raises(SourceFailed) as failure:
        device("0", platform, supported=lambda name: False)
    assert failure.value.code == "not_supported"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other cameras")
def test_this_library() -> None:
    """FFmpeg as it is installed here is asked whether it knows the system's cameras, and knows no others."""
    assert device("0").address == "/dev/video0"
    with pytest.raises(SourceFailed):
        device("0", "darwin")


@pytest.mark.parametrize("number", ["", "-1", "1000", "one", "/dev/video0", "²"])
def test_no_number(number: str) -> None:
    """What is not the number of a device is not found."""
    with pytest.raises(SourceFailed) as failure:
        device(number, "linux", supported=yes)
    assert failure.value.code == "not_found"
