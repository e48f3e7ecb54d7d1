"""How old the picture on a viewer's screen is, and how soon after the click it comes, beside a plain aiortc server.

    python bench/glass_to_glass.py [--rounds 3] [--seconds 6] [--connects 15] [--gop 50]

A camera over RTSP has a clock painted into its frames, and each frame leaves when its clock shows. Chromium shows the
stream and reads the clock out of its own pictures; a picture's age counts until the browser expects it on the screen.
Ours is watched with the site's own modules, passthrough and annotated, the plain server with a few lines of script that
wish for the same; in turns, in one run, after the stream has settled. The first frame counts from the click, at
random places of the camera's GOP.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser

from bench.parts.child import Child, Json
from bench.parts.films import write_camera_film
from bench.parts.glass import Screen, Seen, browser
from bench.parts.report import figure, median, note, quantile
from bench.parts.site import HARDLY_ANALYSED, Site, running_site

PLAIN = "plain aiortc"
MOST_OF_PLAIN = 0.8
FIRST_FRAME_MS = 500.0
LEAST_FRAMES = 24.0
MOST_UNREAD = 0.05
MOST_BEHIND_MS = 400.0
SETTLE_MS = 3000.0
PAUSE_MS = (150.0, 900.0)


@dataclass
class Side:
    """One of those that are compared: a page that shows it, and what was seen there."""

    name: str
    screen: Screen
    url: str
    watch: Callable[[Screen], float]
    seen: list[Seen] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)

    def look(self, seconds: float) -> None:
        """Settles, then samples."""
        self.screen.open(self.url)
        self.watch(self.screen)
        self.screen.wait(SETTLE_MS)
        self.seen.append(self.screen.sample(seconds))
        self.screen.stop()

    def connect(self, times: int, chance: random.Random) -> None:
        """The way to the first frame, again and again. The first one warms up."""
        self.screen.open(self.url)
        for time in range(times + 1):
            took = self.watch(self.screen)
            if time:
                self.first_ms.append(took)
            self.screen.wait(chance.uniform(*PAUSE_MS))
            self.screen.stop()
            self.screen.wait(chance.uniform(*PAUSE_MS))

    @property
    def ages_ms(self) -> list[float]:
        return [age for one in self.seen for age in one.ages_ms]

    def is_sound(self) -> bool:
        """Whether enough pictures came, nearly all could be read, and none of it was a queue that is worked off."""
        frames = median([one.frames_per_second for one in self.seen])
        unread = sum(one.unread for one in self.seen)
        note(f"{self.name}: {len(self.ages_ms)} pictures, {frames:.1f} a second, {unread} without a readable clock")
        kept_up = all(one.ages_ms and median(one.ages_ms) <= MOST_BEHIND_MS for one in self.seen)
        if kept_up and frames >= LEAST_FRAMES and unread <= MOST_UNREAD * len(self.ages_ms):
            return True
        note(f"{self.name}: it was not carried here, so there is nothing to compare")
        return False


def tell(ours: list[Side], plain: Side) -> bool:
    """Every figure; whether all bars are reached."""
    sound = [side.is_sound() for side in (*ours, plain)]
    good = all(sound)
    for side in (side for side, carried in zip(ours, sound, strict=False) if carried):
        barred = side is ours[0]
        for label, part in (("median", 0.5), ("p95", 0.95)):
            mine = quantile(side.ages_ms, part)
            theirs = quantile(plain.ages_ms, part) if sound[-1] else None
            bar = f"at most {MOST_OF_PLAIN}" if barred else ""
            figure(f"glass_to_glass_ms, {side.name}, {label}", mine, (PLAIN, theirs), bar=bar)
            good &= not barred or theirs is None or mine <= MOST_OF_PLAIN * theirs
    for side in ours:
        mine, theirs = median(side.first_ms), median(plain.first_ms)
        bar = f"under {FIRST_FRAME_MS:.0f}"
        figure(f"first_frame_ms, {side.name}, median of {len(side.first_ms)}", mine, (PLAIN, theirs), bar=bar)
        figure(f"first_frame_ms, {side.name}, longest", max(side.first_ms), (PLAIN, max(plain.first_ms)))
        good &= mine < FIRST_FRAME_MS
    if not sound[-1]:
        note(f"the machine is too busy for the {PLAIN} server: without it nothing is said about the bar")
    return good


def our_sides(running: Browser, site: Site, camera: Json, kinds: list[str]) -> list[Side]:
    camera_id = site.add_camera("Bench", camera["url"])

    def side(kind: str) -> Side:
        def watch(screen: Screen) -> float:
            return screen.watch_site(camera_id, site.api.token, annotated=kind == "annotated")

        return Side(kind, Screen(running.new_page(), camera), f"{site.server.url}/health/live", watch)

    return [side(kind) for kind in kinds]


def measure(folder: Path, camera: Json, asked: argparse.Namespace) -> bool:
    chance = random.Random(7)
    with (
        running_site(folder, HARDLY_ANALYSED) as site,
        Child("plain_webrtc", camera["url"], quiet=True) as server,
        browser() as running,
    ):
        ours = our_sides(running, site, camera, asked.only)
        url = server.hello["url"]
        plain = Side(PLAIN, Screen(running.new_page(), camera), f"{url}/", lambda screen: screen.watch_plain("/whep"))
        for _ in range(asked.rounds):
            for side in (*ours, plain):
                side.look(asked.seconds)
        for side in (*ours, plain):
            side.connect(asked.connects, chance)
        return tell(ours, plain)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of a sample")
    parser.add_argument("--connects", type=int, default=15, help="from the click to the first frame")
    parser.add_argument("--gop", type=int, default=50, help="frames from keyframe to keyframe")
    kinds = ["passthrough", "annotated"]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = write_camera_film(Path(folder) / "camera.mp4", gop=asked.gop)
        with Child("clock_camera", str(film)) as camera:
            good = measure(Path(folder), camera.hello, asked)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
