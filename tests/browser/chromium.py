"""A Chromium of this machine, driven by Playwright, that watches its own console while it is used."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

# The same engine without the windows and panels that nobody looks at here: a visit takes less than half the processor.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--allow-loopback-in-peer-connection",
)  # fmt: skip
PATIENCE_MS = 30_000
WIDE = (1440, 900)
NARROW = (390, 844)

# Roles of the accessibility tree that a person can use, and so has to find by a name.
CONTROLS = {
    "button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "switch", "slider", "menuitem", "tab",
    "dialog", "img", "image",
}  # fmt: skip


def find_chromium() -> str | None:
    """The path of a Chromium that is installed here."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium(path: str, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """A headless browser; everything runs in the calling thread, outside any event loop."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def camera_that_shows(film: Path) -> tuple[str, ...]:
    """The flags of a browser with a camera that it may use without asking, and that plays this film."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@dataclass
class Visit:
    """One visitor: a context with its cookies, and what went wrong on the pages that they looked at."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(
        cls, browser: Browser, url: str, *, size: tuple[int, int] = WIDE, dark: bool = False, quiet: bool = True
    ) -> Iterator["Visit"]:
        """With `quiet` a console error, a failed script or a violated policy on any page fails the test."""
        width, height = size
        context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        visit = cls(context, url)
        try:
            yield visit
            if quiet:
                assert visit.complaints == [], visit.complaints
        finally:
            context.close()

    def sign_in(self, email: str, password: str) -> "Visit":
        """Without the page: the cookie alone."""
        answer = self.context.request.post("/api/v1/auth/login", data={"username": email, "password": password})
        assert answer.ok, answer.text()
        return self

    def open(self, path: str) -> Page:
        """A new tab at this path."""
        page = self.context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"{path}: {error}"))
        page.goto(path)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        # A refused photo or a camera that is away is an answer; Chromium reports its status as an error of the console.
        expected = re.search(r"the server responded with a status of (4\d\d|503)", message.text)
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(f"{message.location.get('url')}: {message.text}")


def unnamed_controls(page: Page) -> list[str]:
    """What a screen reader would find without a name, as Chromium computes it."""
    session = page.context.new_cdp_session(page)
    try:
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    finally:
        session.detach()
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        if not node.get("ignored") and role in CONTROLS and not node.get("name", {}).get("value", "").strip():
            found.append(f"{role} {node.get('backendDOMNodeId')}")
    return found


def overflow_px(page: Page) -> int:
    """By how much the page is wider than the window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide
