"""Whether a server that runs for long stays as it is: the slopes of its memory and of its latency, over ten cameras.

    python bench/soak.py [--minutes 3] [--cameras 10] [--fps 1]

Cameras over RTSP, 1280x720 at 25 frames and 2 Mbit/s, each analysed `--fps` times a second; one of them is watched,
one is drawn for its viewer. Every two seconds the resident memory of the server and the latency of its cameras (from
the arrival of a packet to its picture, the median) are noted. In the first minutes caches, thread pools and the heaps
of threads grow to their size, so the slopes are fitted to the second half alone, by the median of all pairs (Theil and
Sen): one peak moves nothing. The ratio is to what the server holds then: how much it grows in an hour.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import psutil

from bench.parts.child import Child
from bench.parts.films import write_camera_film
from bench.parts.report import figure, median, note
from bench.parts.site import Site, running_site

EVERY_S = 2.0
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    memory_mb: float
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Soaked:
    """What was noted in the second half, and what it comes to in an hour."""

    memory_mb: float
    latency_ms: float
    memory_mb_an_hour: float
    latency_ms_an_hour: float
    online: int


def slope_an_hour(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes of all pairs."""
    slopes = [(later[1] - first[1]) / (later[0] - first[0]) for first, later in combinations(points, 2)]
    return float(statistics.median(slopes)) * HOUR_S


def sample(site: Site, process: psutil.Process, camera_ids: Sequence[str], began_s: float) -> Sample:
    latencies = [site.api.get(f"cameras/{camera_id}/status")["latencyMs"] or 0.0 for camera_id in camera_ids]
    return Sample(time.monotonic() - began_s, process.memory_info().rss / 1e6, median(latencies))


def soak(site: Site, source: str, cameras: int, minutes: float, on: Callable[[Soaked], float]) -> Soaked:
    """For that long, and then for as many minutes more as `on` says of what was found, once."""
    camera_ids = [site.add_camera(f"Soak {number + 1}", source) for number in range(cameras)]
    process, began_s = psutil.Process(site.server.pid), time.monotonic()
    samples: list[Sample] = []
    with Child("light_viewers") as crowd:
        for camera_id, annotated in ((camera_ids[0], False), (camera_ids[-1], True)):
            crowd.ask("watch", 1, site.whep(camera_id, annotated=annotated), site.api.token)

        def look(until_s: float) -> Soaked:
            while time.monotonic() - began_s < until_s:
                time.sleep(EVERY_S)
                samples.append(sample(site, process, camera_ids, began_s))
                if len(samples) % 30 == 0:
                    last = samples[-1]
                    note(f"{last.at_s / 60:.1f} min: {last.memory_mb:.0f} MB, {last.latency_ms:.1f} ms")
            states = [site.api.get(f"cameras/{one}/status")["state"] for one in camera_ids]
            return summed(samples, states.count("online"))

        soaked = look(minutes * 60)
        more = on(soaked)
        return look((minutes + more) * 60) if more else soaked


def summed(samples: Sequence[Sample], online: int) -> Soaked:
    half = samples[len(samples) // 2 :]
    return Soaked(
        median([one.memory_mb for one in half]),
        median([one.latency_ms for one in half]),
        slope_an_hour([(one.at_s, one.memory_mb) for one in half]),
        slope_an_hour([(one.at_s, one.latency_ms) for one in half]),
        online,
    )


def run(minutes: float, cameras: int, fps: float, on: Callable[[Soaked], float] = lambda _soaked: 0.0) -> Soaked:
    """On a server and cameras of its own; see `soak`."""
    settings = {
        "ROLLCALL_INFERENCE__FRAMES_PER_SECOND": str(fps),
        # Signed in once for all of it.
        "ROLLCALL_SECURITY__ACCESS_TOKEN_MINUTES": str(round(minutes) + 60),
    }
    with tempfile.TemporaryDirectory() as folder:
        film = write_camera_film(Path(folder) / "camera.mp4")
        with Child("clock_camera", str(film)) as camera, running_site(Path(folder), settings) as site:
            return soak(site, camera.hello["url"], cameras, minutes, on)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.2, help="how long; the longer, the surer")
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--fps", type=float, default=1.0, help="analysed frames a second and camera")
    asked = parser.parse_args()
    soaked = run(asked.minutes, asked.cameras, asked.fps)
    label = f"{asked.cameras} cameras, {asked.minutes:g} minutes"
    figure(f"soak_memory_mb_an_hour, {label}", soaked.memory_mb_an_hour, ("resident mb", soaked.memory_mb))
    figure(f"soak_latency_ms_an_hour, {label}", soaked.latency_ms_an_hour, ("latency ms", soaked.latency_ms))
    if soaked.online < asked.cameras:
        note(f"only {soaked.online} of {asked.cameras} cameras are online")
    return 0 if soaked.online == asked.cameras else 1


if __name__ == "__main__":
    sys.exit(main())
