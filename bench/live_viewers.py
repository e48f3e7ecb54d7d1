"""What a further viewer costs: CPU and memory of the server, beside a plain aiortc server that encodes for each peer.

    python bench/live_viewers.py [--seconds 8] [--rounds 3] [--gop 50] [--most 32] [--only passthrough annotated plain]

One camera over RTSP, 1280x720 at 25 frames and 2 Mbit/s, from a process of its own. Its viewers are in another: they
receive, decrypt and count frames, so that 32 of them fit; a run in which one of them gets fewer than 24 a second says
so and fails. CPU is that of the server's process over a window, in percent of one core, the median of the windows; the
cost of a further viewer is the difference between two numbers of viewers. The camera is hardly analysed meanwhile.
The plain server is asked for as many viewers as it carries at 25 frames, up to 4; its encoder stays at the 1 Mbit/s
that aiortc begins with, since nobody asks it for more.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.parts.child import Child
from bench.parts.films import write_camera_film
from bench.parts.report import figure, median, note
from bench.parts.site import HARDLY_ANALYSED, running_site, watched

PLAIN = "plain aiortc"
PLAIN_STEPS = ((1, 4), (1, 2))  # the second where the first is too much
LEAST_FRAMES = 24.0
SETTLE_S = 2.0
MOST_OF_PLAIN = {"passthrough": 1 / 50, "annotated": 1 / 40}
MOST_PERCENT = 0.5  # of a core, a passthrough viewer


@dataclass(frozen=True, slots=True)
class Level:
    """So many viewers: the medians of the windows."""

    viewers: int
    cpu_percent: float
    frames: float
    resident_mb: float

    @property
    def carried(self) -> bool:
        return self.frames >= LEAST_FRAMES


@dataclass(frozen=True, slots=True)
class Runs:
    """How long and how often."""

    seconds: float
    rounds: int
    most: int

    def climb(self, name: str, pid: int, url: str, token: str | None, steps: tuple[int, ...]) -> list[Level]:
        """More and more viewers, as long as each gets its frames. They all leave at the end."""
        levels: list[Level] = []
        with Child("light_viewers") as crowd:
            for viewers in steps:
                so_far = levels[-1].viewers if levels else 0
                crowd.ask("watch", viewers - so_far, url, token or "")
                watched(pid, crowd, SETTLE_S)
                windows = [watched(pid, crowd, self.seconds) for _ in range(self.rounds)]
                level = Level(
                    viewers,
                    100 * median([one.cpu for one in windows]),
                    median([one.frames for one in windows]),
                    median([one.resident_mb for one in windows]),
                )
                levels.append(level)
                lost = sum(one.lost for one in windows)
                note(
                    f"{name}, {viewers:2} viewers: {level.cpu_percent:.1f} % of a core, the worst gets "
                    f"{level.frames:.1f} frames a second, {lost} packets lost, {level.resident_mb:.0f} MB"
                )
                if not level.carried:
                    break
            crowd.ask("leave", levels[-1].viewers)
        return levels


def slope(first: Level, last: Level, of: Callable[[Level], float]) -> float:
    """By how much one more viewer raises it."""
    return (of(last) - of(first)) / (last.viewers - first.viewers)


def cpu(level: Level) -> float:
    return level.cpu_percent


def further_plain(levels: list[Level]) -> float | None:
    """What a further viewer costs the plain server, as far as it carries them."""
    carried = [level for level in levels if level.carried]
    if len(carried) < 2:
        return None
    return slope(carried[0], carried[-1], cpu)


def tell(name: str, levels: list[Level], plain: float | None) -> bool:
    """The figures of one kind of ours; whether all bars are reached."""
    good = all(level.carried for level in levels)
    if not good:
        note(f"{name}: {levels[-1].viewers} viewers were NOT carried at {LEAST_FRAMES:.0f} frames a second")
    first, most = levels[0], MOST_OF_PLAIN[name]
    for last in levels[1:]:
        further = slope(first, last, cpu)
        bar = f"at most 1/{1 / most:.0f}"
        if name == "passthrough":
            bar += f" and {MOST_PERCENT} %"
            good &= further <= MOST_PERCENT
        good &= plain is None or further <= most * plain
        label = f"further_viewer_cpu_%, {name}, 1 to {last.viewers}"
        figure(label, further, (PLAIN, plain), bar=bar)
    if len(levels) > 1:
        grown = slope(first, levels[-1], lambda level: level.resident_mb)
        figure(f"further_viewer_memory_mb, {name}, 1 to {levels[-1].viewers}", grown)
    return good


def measure_site(folder: Path, source: str, runs: Runs, kinds: list[str]) -> dict[str, list[Level]]:
    steps = tuple(sorted({1, min(8, runs.most), runs.most}))
    with running_site(folder, HARDLY_ANALYSED) as site:
        camera_id = site.add_camera("Bench", source)
        return {
            kind: runs.climb(
                kind,
                site.server.pid,
                site.whep(camera_id, annotated=kind == "annotated"),
                site.api.token,
                steps,
            )
            for kind in kinds
        }


def measure_plain(source: str, runs: Runs) -> list[Level]:
    levels: list[Level] = []
    for steps in PLAIN_STEPS:
        with Child("plain_webrtc", source) as plain:
            levels = runs.climb(PLAIN, plain.pid, f"{plain.hello['url']}/whep", None, steps)
        if all(level.carried for level in levels):
            break
    return levels


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="of a window")
    parser.add_argument("--rounds", type=int, default=3, help="windows of each number of viewers")
    parser.add_argument("--gop", type=int, default=50, help="frames from keyframe to keyframe")
    parser.add_argument("--most", type=int, default=32, help="viewers")
    kinds = ["passthrough", "annotated", "plain"]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    asked = parser.parse_args()
    runs = Runs(asked.seconds, asked.rounds, asked.most)
    with tempfile.TemporaryDirectory() as folder:
        film = write_camera_film(Path(folder) / "camera.mp4", gop=asked.gop)
        with Child("clock_camera", str(film)) as camera:
            source, ours_asked = camera.hello["url"], [kind for kind in asked.only if kind != "plain"]
            ours = measure_site(Path(folder), source, runs, ours_asked) if ours_asked else {}
            theirs = measure_plain(source, runs) if "plain" in asked.only else []
    plain = further_plain(theirs)
    if theirs and plain is None:
        note(f"the {PLAIN} server carries no second viewer here, so nothing can be said beside it")
        return 1
    results = [tell(kind, levels, plain) for kind, levels in ours.items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
