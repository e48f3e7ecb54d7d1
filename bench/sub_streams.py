"""What a sub stream saves: the smaller picture is analysed five times a second, the larger one only passed on.

    python bench/sub_streams.py [--cameras 3] [--seconds 10] [--rounds 3]

Cameras over RTSP with people in the picture, 1280x720 at 25 frames and 2 Mbit/s, with and without a sub stream of
640x360 at 0.4 Mbit/s. CPU of the server for each frame that was analysed, in milliseconds; medians of the rounds. The
ratio is to the main stream alone, in the same run. From it and the number of cores follows how many cameras would fit.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.parts.child import Child
from bench.parts.films import write_camera_film
from bench.parts.report import figure, median, note
from bench.parts.site import Site, running_site, spent

SETTLE_S = 5.0
WANTED_FPS = 5.0


def cost(site: Site, sources: dict[str, str], asked: argparse.Namespace) -> tuple[float, float]:
    """Milliseconds of CPU for each analysed frame, and how many there were for each camera and second."""
    ids = [site.add_camera(f"Bench {number}", **sources) for number in range(asked.cameras)]
    time.sleep(SETTLE_S)
    costs, rates = [], []
    for _ in range(asked.rounds):
        before, began = analysed(site, ids), time.monotonic()
        cores = spent(site.server.pid, asked.seconds)
        lasted, frames = time.monotonic() - began, analysed(site, ids) - before
        costs.append(1000 * cores * lasted / max(frames, 1))
        rates.append(frames / lasted / asked.cameras)
    for camera_id in ids:
        site.api.call("DELETE", f"cameras/{camera_id}", 204)
    return median(costs), median(rates)


def analysed(site: Site, camera_ids: list[str]) -> int:
    return sum(site.api.get(f"cameras/{camera_id}/stats")["framesAnalysed"] for camera_id in camera_ids)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = write_camera_film(folder / "large.mp4")
        small = write_camera_film(folder / "small.mp4", bit_rate=400_000, size=(640, 360))
        with (
            Child("clock_camera", str(large)) as main_stream,
            Child("clock_camera", str(small)) as sub_stream,
            running_site(folder, {}) as site,
        ):
            url, sub = main_stream.hello["url"], sub_stream.hello["url"]
            alone, alone_fps = cost(site, {"url": url}, asked)
            with_sub, sub_fps = cost(site, {"url": url, "subSource": sub}, asked)
    figure("sub_stream_cpu_ms_a_frame", with_sub, ("main stream", alone))
    cores = os.cpu_count() or 1
    fits = {label: 1000 * cores / (WANTED_FPS * ms) for label, ms in (("with", with_sub), ("without", alone))}
    figure("sub_stream_cameras_that_fit", fits["with"], ("main stream", fits["without"]))
    note(f"analysed {sub_fps:.1f} and {alone_fps:.1f} times a second and camera; the cameras share the machine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
