"""Cameras of GStreamer's RTSP server, in a process of the system's interpreter, where that has the bindings."""

import functools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad,ugly} python3-gi"
_SCRIPT = Path(__file__).with_name("gstreamer_rtsp.py")
_CHECK = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
_ELEMENTS = ("x264enc", "x265enc", "jpegenc", "rtph264pay", "rtph265pay", "rtpjpegpay")


@dataclass(frozen=True, slots=True)
class GstreamerCameras:
    """A server that runs; `sizes` names its cameras."""

    port: int
    sizes: dict[str, tuple[int, int]]

    def url(self, name: str, login: str = "") -> str:
        return f"rtsp://{login and login + '@'}127.0.0.1:{self.port}/{name}"


@functools.cache
def find_gstreamer() -> str | None:
    """The interpreter that can run it."""
    for python in ("/usr/bin/python3", shutil.which("python3")):
        if python is None or not Path(python).exists():
            continue
        found = subprocess.run([python, "-c", _CHECK], capture_output=True, check=False).returncode == 0
        if found and all(map(_has, _ELEMENTS)):
            return python
    return None


def _has(element: str) -> bool:
    inspect = shutil.which("gst-inspect-1.0")
    # Without the tool, the server itself says what is missing.
    return inspect is None or subprocess.run([inspect, "--exists", element], check=False).returncode == 0


@contextmanager
def gstreamer_cameras(*arguments: str) -> Iterator[GstreamerCameras]:
    """Skips where it is not installed."""
    python = find_gstreamer()
    if python is None:
        pytest.skip(f"no RTSP server of GStreamer here: apt-get install {PACKAGES}")
    process = subprocess.Popen(
        [python, str(_SCRIPT), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        hello = json.loads(process.stdout.readline())
        yield GstreamerCameras(hello["port"], {name: tuple(size) for name, size in hello["sizes"].items()})
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
