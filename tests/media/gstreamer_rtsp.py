"""GStreamer's RTSP server, for the interpreter that has its bindings (the system's): imports nothing of Rollcall.

    python3 gstreamer_rtsp.py [--basic NAME:PASSWORD | --digest NAME:PASSWORD]

Says its port and its cameras in a line of JSON, and ends with its input. All of its cameras show a ball that moves.
"""

import argparse
import json
import sys
import threading
from typing import Any

import gi

for namespace in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(namespace, "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - after the versions

SIZES = {"baseline": (320, 240), "main": (480, 270), "h265": (400, 304), "mjpeg": (352, 288)}
ENCODERS = {
    "baseline": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! "
    "video/x-h264,profile=constrained-baseline ! rtph264pay name=pay0 pt=96",
    "main": "x264enc speed-preset=veryfast bframes=2 b-adapt=false key-int-max=25 ! video/x-h264,profile=main ! "
    "rtph264pay name=pay0 pt=96",
    "h265": "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=25 ! rtph265pay name=pay0 pt=96",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
ROLE = "guard"


def factory_of(name: str) -> Any:
    width, height = SIZES[name]
    picture = f"video/x-raw,format=I420,width={width},height={height},framerate=25/1"
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(f"( videotestsrc is-live=true pattern=ball ! {picture} ! {ENCODERS[name]} )")
    factory.set_shared(True)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_role(ROLE)
    for what in ("access", "construct"):
        permissions.add_permission_for_role(ROLE, f"media.factory.{what}", True)
    factory.set_permissions(permissions)
    return factory


def login(asked: argparse.Namespace) -> Any:
    """Who is let in; None where everybody is."""
    given = asked.basic or asked.digest
    if given is None:
        return None
    name, _, password = given.partition(":")
    auth, token = GstRtspServer.RTSPAuth.new(), GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", ROLE)
    if asked.digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(name, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(name, password), token)
    return auth


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--basic")
    parser.add_argument("--digest")
    asked = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    auth = login(asked)
    if auth is not None:
        server.set_auth(auth)
    for name in ENCODERS:
        server.get_mount_points().add_factory(f"/{name}", factory_of(name))
    server.attach(None)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.get_bound_port(), "sizes": SIZES}) + "\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main()
