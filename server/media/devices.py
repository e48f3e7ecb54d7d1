"""How the camera with a number is opened on this system: what FFmpeg calls it, and what it is asked for."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import av
from av.device import enumerate_input_devices

from server.media.reasons import failure

_SIZE = {"video_size": "1280x720", "framerate": "30"}


@dataclass(frozen=True, slots=True)
class Device:
    """`wishes` are tried one after another: not every camera can do the first."""

    address: str
    format: str
    wishes: tuple[dict[str, str], ...]


def device(
    number: str,
    platform: str = sys.platform,
    *,
    supported: Callable[[str], bool] | None = None,
    cameras: Callable[[], list[str]] | None = None,
) -> Device:
    """Raises SourceFailed: `not_supported` where this FFmpeg was built without the system's cameras, `not_found`."""
    if not (number.isascii() and number.isdigit() and len(number) <= 2):
        raise failure("not_found")
    knows = supported or _supported
    if platform.startswith("linux"):
        # Raw pictures of this size are more than USB 2 can carry in time, so Motion JPEG comes first.
        found = Device(f"/dev/video{int(number)}", "v4l2", ({**_SIZE, "input_format": "mjpeg"}, _SIZE, {}))
    elif platform == "darwin":
        found = Device(f"{int(number)}:none", "avfoundation", (_SIZE, {"framerate": "30"}, {}))
    elif platform == "win32":
        found = Device("", "dshow", (_SIZE, {}))
    else:
        raise failure("not_supported")
    if not knows(found.format):
        raise failure("not_supported")
    return _named(found, int(number), cameras or _dshow_cameras) if found.format == "dshow" else found


def _named(found: Device, number: int, cameras: Callable[[], list[str]]) -> Device:
    """DirectShow knows cameras by their names only."""
    names = cameras()
    if number >= len(names):
        raise failure("not_found")
    return Device(f"video={names[number]}", found.format, found.wishes)


def _supported(name: str) -> bool:
    try:
        return av.ContainerFormat(name, "r").is_input
    except ValueError:
        return False


def _dshow_cameras() -> list[str]:
    return [one.name for one in enumerate_input_devices("dshow") if "video" in one.media_types]
