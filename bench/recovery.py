"""How soon a camera that was cut off is noticed, and how soon it is back.

    python bench/recovery.py [--drops 12]

A camera over RTSP, 1280x720 at 25 frames, whose connection is cut again and again; it lets whoever comes back in at
once. From the cut to the event `camera.offline`, and to `camera.online` after it, by a subscriber on the WebSocket. The
pauses between two tries are the server's own (half a second at first). Beside it: FFmpeg alone, from a cut to its first
packet of a new connection that is opened without any pause. p50 and p95.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import av

from bench.parts.films import write_camera_film
from bench.parts.report import figure, quantile
from bench.parts.site import running_site
from tests.journeys.client import Subscriber
from tests.media.rtsp_server import RtspCamera

STEADY_S = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drops", type=int, default=12)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = write_camera_film(Path(folder) / "camera.mp4")
        with RtspCamera(film) as camera:
            noticed, back = ours(Path(folder), camera, asked.drops)
            bare = [alone(camera) for _ in range(asked.drops)]
    for part, label in ((0.5, "p50"), (0.95, "p95")):
        figure(f"drop_noticed_s, {label}", quantile(noticed, part))
        figure(f"drop_recovered_s, {label}", quantile(back, part), ("ffmpeg alone", quantile(bare, part)))
    return 0


def ours(folder: Path, camera: RtspCamera, drops: int) -> tuple[list[float], list[float]]:
    """Seconds until it was noticed, and until the camera was online again."""
    noticed: list[float] = []
    back: list[float] = []
    # A pause that has doubled because of earlier drops says nothing about this one.
    with (
        running_site(folder, {"ROLLCALL_MEDIA__LONGEST_PAUSE_S": "0.5"}) as site,
        site.server.subscriber(site.api.token) as hears,
    ):
        hears.subscribe("cameras")
        site.add_camera("Bench", camera.url)
        for number in range(drops):
            time.sleep(STEADY_S)
            cut_s = time.monotonic()
            camera.drop()
            wait_for(hears, "camera.offline", number + 1)
            noticed.append(time.monotonic() - cut_s)
            wait_for(hears, "camera.online", number + 2)
            back.append(time.monotonic() - cut_s)
    return noticed, back


def wait_for(hears: Subscriber, kind: str, times: int) -> None:
    """Until it has been told so often."""
    hears.message(lambda _: len(hears.events(kind)) >= times)


def alone(camera: RtspCamera) -> float:
    """From a cut to the first packet of a new connection, without a server."""
    with av.open(camera.url, options={"rtsp_transport": "tcp"}) as first:
        next(packet for packet in first.demux(video=0) if packet.size)
        cut_s = time.monotonic()
        camera.drop()
    with av.open(camera.url, options={"rtsp_transport": "tcp"}) as again:
        next(packet for packet in again.demux(video=0) if packet.size)
        return time.monotonic() - cut_s


if __name__ == "__main__":
    sys.exit(main())
