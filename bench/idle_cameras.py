"""What a camera costs in which nothing happens: analysed always, on motion, and outside of its hours.

    python bench/idle_cameras.py [--cameras 4] [--seconds 10] [--rounds 3]

Cameras over RTSP, 1280x720 at 25 frames, that show an empty room; nobody watches. CPU of the server in parts of a core
and camera, less what the server takes without any; medians of the rounds. The ratio is to cameras that are analysed
always, in the same run.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.parts.child import Child
from bench.parts.films import write_still_film
from bench.parts.report import figure, median, note
from bench.parts.site import Site, running_site, spent

SETTLE_S = 12.0  # on motion, a camera is looked at for a while first: it is not known yet what is background
NEVER = [{"days": [1], "start": "03:00", "end": "03:01"}]
WAYS: dict[str, dict[str, Any]] = {
    "always": {},
    "motion": {"analysis": "motion"},
    "schedule": {"analysis": "schedule", "analysisHours": NEVER},
}


def cost(site: Site, source: str, way: str, asked: argparse.Namespace) -> float:
    """In parts of a core, of one camera that is analysed in that way."""
    ids = [site.add_camera(f"{way} {number}", source, **WAYS[way]) for number in range(asked.cameras)]
    time.sleep(SETTLE_S)
    costs = [spent(site.server.pid, asked.seconds) for _ in range(asked.rounds)]
    for camera_id in ids:
        site.api.call("DELETE", f"cameras/{camera_id}", 204)
    return median(costs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=8.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = write_still_film(Path(folder) / "room.mp4")
        with Child("clock_camera", str(film)) as camera, running_site(Path(folder), {}) as site:
            nothing = median([spent(site.server.pid, asked.seconds / 2) for _ in range(asked.rounds)])
            costs = {way: (cost(site, camera.hello["url"], way, asked) - nothing) / asked.cameras for way in WAYS}
    note(f"without cameras the server takes {nothing:.3f} of a core")
    for way in ("motion", "schedule"):
        figure(f"idle_camera_cpu_cores, {way}", costs[way], ("always", costs["always"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
