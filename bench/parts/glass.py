"""What a viewer's screen shows, and when: a page in Chromium that reads the clock out of the pictures of a stream."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from bench.parts.child import Json
from bench.parts.clock import BITS, CHECK_BITS, SIDE_PX
from server.demo.clips import FPS
from tests.browser.chromium import chromium, find_chromium

FLAGS = ("--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required")


@dataclass(frozen=True, slots=True)
class Seen:
    """The pictures of some seconds: how old each was on the screen, and how many came a second."""

    ages_ms: list[float]
    unread: int
    frames_per_second: float


class Screen:
    """One page at one site."""

    def __init__(self, page: Page, camera: Json) -> None:
        self._page = page
        self._clock = {
            "originMs": camera["origin_ms"],
            "filmMs": camera["frames"] * 1000 / FPS,
            "frameMs": 1000 / FPS,
        }

    def open(self, url: str) -> None:
        self._page.goto(url)
        code = Path(__file__).with_name("glass.js").read_text()
        look = {"side": SIDE_PX, "bits": BITS, "checkBits": CHECK_BITS}
        self._page.evaluate(f"(look) => {{ {code}; window.glass = new Glass(look); }}", look)

    def watch_site(self, camera_id: str, token: str | None, *, annotated: bool = False) -> float:
        """Milliseconds to the first picture."""
        how = {"cameraId": camera_id, "annotated": annotated, "token": token}
        return float(self._call("watchSite", how))

    def watch_plain(self, url: str) -> float:
        """Milliseconds to the first picture."""
        return float(self._call("watchPlain", {"url": url}))

    def sample(self, seconds: float) -> Seen:
        found = self._call("sample", {"seconds": seconds, **self._clock})
        shown = len(found["agesMs"]) + found["unread"]
        return Seen(found["agesMs"], found["unread"], shown / found["seconds"])

    def stop(self) -> None:
        self._call("stop", {})

    def wait(self, milliseconds: float) -> None:
        self._page.wait_for_timeout(milliseconds)

    def _call(self, what: str, how: Json) -> Any:
        return self._page.evaluate(f"(how) => window.glass.{what}(how)", how)


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium without a window; SystemExit where there is none."""
    path = find_chromium()
    if path is None:
        raise SystemExit("Chromium is not installed, so nobody sees anything.")
    with chromium(path, FLAGS) as running:
        yield running
