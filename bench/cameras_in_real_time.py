"""How many cameras this machine carries, each analysed five times a second and watched by one viewer.

    python bench/cameras_in_real_time.py [--seconds 6] [--from 2] [--most 24]

The server's defaults; cameras over RTSP, 1280x720 at 25 frames and 2 Mbit/s, with people in the picture. One more is
added as long as each of them is analysed at least 4.5 times a second and each viewer gets at least 24 frames. The
source and the viewers share the machine, so a server that had it alone would carry more. One line, and what it came
from; the ratio is to the number of cores.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.parts.child import Child
from bench.parts.films import write_camera_film
from bench.parts.report import figure, note
from bench.parts.site import Site, running_site, watched

LEAST_ANALYSED = 4.5
LEAST_FRAMES = 24.0
SETTLE_S = 2.5


@dataclass(frozen=True, slots=True)
class Load:
    """So many cameras: what the worst of them gets in a second, and CPU in parts of a core."""

    cameras: int
    analysed: float
    frames: float
    cpu: float

    @property
    def carried(self) -> bool:
        return self.analysed >= LEAST_ANALYSED and self.frames >= LEAST_FRAMES


def analysed(site: Site, camera_ids: list[str]) -> list[int]:
    return [site.api.get(f"cameras/{camera_id}/stats")["framesAnalysed"] for camera_id in camera_ids]


def load(site: Site, crowd: Child, camera_ids: list[str], seconds: float) -> Load:
    before, began = analysed(site, camera_ids), time.monotonic()
    window = watched(site.server.pid, crowd, seconds)
    after, lasted = analysed(site, camera_ids), time.monotonic() - began
    least = min(later - earlier for earlier, later in zip(before, after, strict=True)) / lasted
    return Load(len(camera_ids), least, window.frames, window.cpu)


def climb(site: Site, source: str, asked: argparse.Namespace) -> list[Load]:
    """One camera after another until one gets too little, or there are enough."""
    loads: list[Load] = []
    camera_ids: list[str] = []
    with Child("light_viewers") as crowd:
        while len(camera_ids) < asked.most:
            camera_id = site.add_camera(f"Bench {len(camera_ids) + 1}", source)
            camera_ids.append(camera_id)
            crowd.ask("watch", 1, site.whep(camera_id), site.api.token)
            if len(camera_ids) < asked.begin:
                continue
            time.sleep(SETTLE_S)
            loads.append(load(site, crowd, camera_ids, asked.seconds))
            if not loads[-1].carried:  # a hiccup of the machine is no answer
                loads[-1] = load(site, crowd, camera_ids, asked.seconds)
            last = loads[-1]
            note(
                f"{last.cameras} cameras: the worst is analysed {last.analysed:.1f} times a second and shown at "
                f"{last.frames:.1f} frames; {100 * last.cpu:.0f} % of a core"
            )
            if not last.carried:
                break
    return loads


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="of a window")
    parser.add_argument("--from", dest="begin", type=int, default=2, help="cameras to begin with")
    parser.add_argument("--most", type=int, default=24, help="cameras to end with")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = write_camera_film(Path(folder) / "camera.mp4")
        with Child("clock_camera", str(film)) as camera, running_site(Path(folder), {}) as site:
            loads = climb(site, camera.hello["url"], asked)
    carried = [one.cameras for one in loads if one.carried]
    if not carried:
        note(f"not even {loads[0].cameras} cameras were carried")
        return 1
    figure("cameras_in_real_time", max(carried), ("cores", float(os.cpu_count() or 1)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
