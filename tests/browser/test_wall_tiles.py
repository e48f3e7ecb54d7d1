"""Tiles by mouse and keyboard, on small and large screens, in pages; and only for those who look."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import NARROW, WIDE, Visit, overflow_px, unnamed_controls
from tests.browser.visits import tile, wait_for_video
from tests.browser.watching import SPY, wait_for_frames, wait_until
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONNECTED = "peers.filter((peer) => peer.connectionState === 'connected').length"
HIDDEN = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
FULL = "document.fullscreenElement?.dataset.camera ?? null"


def add_switched_off(api: Api, count: int) -> None:
    for number in range(1, count + 1):
        api.add_camera(f"Camera {number:02}", "rtsp://127.0.0.1:9/live", kind="rtsp", role="monitor", enabled=False)


def test_tiles_are_used_by_keyboard_alone(admin: Visit, api: Api) -> None:
    """One stop of the Tab key, arrows between the tiles, Enter enlarges, Escape goes back, F fills the screen."""
    add_switched_off(api, 4)
    page = admin.open("/")
    first, second, third = (tile(page, f"Camera {number:02}") for number in (1, 2, 3))
    expect(page.get_by_role("article")).to_have_count(4)
    assert page.locator("article[tabindex='0']").count() == 1
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(third).to_be_focused()
    outline = third.evaluate("tile => getComputedStyle(tile).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(third).to_have_class("tile tile-large")
    expect(third).to_be_focused()
    page.keyboard.press("Escape")
    expect(third).to_have_class("tile")
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Show boxes and names on Camera 03")).to_be_attached()
    page.keyboard.press("f")
    wait_until(page, f"({FULL}) === document.activeElement.dataset.camera")
    expect(third.get_by_role("button", name="Leave the full screen")).to_be_visible()
    page.keyboard.press("f")
    wait_until(page, f"({FULL}) === null")


def test_one_tile_is_large_on_click(admin: Visit, api: Api) -> None:
    """And small again on the next one."""
    add_switched_off(api, 2)
    page = admin.open("/")
    shown = tile(page, "Camera 02")
    small = shown.bounding_box()
    shown.locator(".tile-stage").click()
    expect(shown).to_have_class("tile tile-large")
    large = shown.bounding_box()
    assert small is not None
    assert large is not None
    assert large["width"] > 1.8 * small["width"]
    shown.get_by_role("button", name="Show Camera 02 small again").click()
    expect(shown).to_have_class("tile")


def test_more_than_sixteen_cameras_come_in_pages(admin: Visit, api: Api) -> None:
    """Which ones are shown is said; all of them count in the summary."""
    add_switched_off(api, 18)
    page = admin.open("/")
    expect(page.get_by_role("article")).to_have_count(16)
    expect(page.get_by_text("Cameras 1 to 16 of 18")).to_be_visible()
    expect(page.get_by_text("0 of 18 cameras online")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("article")).to_have_count(2)
    expect(tile(page, "Camera 18")).to_be_visible()
    expect(page.get_by_text("Cameras 17 to 18 of 18")).to_be_visible()
    expect(page.get_by_role("button", name="Previous")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_have_count(16)


def test_boxes_can_be_switched_off(admin: Visit, api: Api, demo: DemoSources) -> None:
    """The picture goes on, and who is in it is still said below."""
    api.add_camera("Workshop", demo.workshop, role="monitor")
    admin.context.add_init_script(SPY)
    page = admin.open("/")
    shown = wait_for_video(page, "Workshop")
    wait_until(page, "drawn.at(-1)?.tracks.length > 0")
    shown.hover()
    shown.get_by_role("button", name="Hide boxes and names on Workshop").click()
    wait_for_frames(page, 30)
    assert page.evaluate("drawn.slice(2).every(({ tracks }) => tracks.length === 0)")


def test_only_who_looks_holds_a_connection(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Half a minute after the tab was left it lets go, and coming back is enough."""
    api.add_camera("Entrance", demo.entrance, role="monitor")
    admin.context.add_init_script(SPY)
    page = admin.open("/")
    wait_for_video(page, "Entrance")
    page.clock.install()
    page.evaluate(HIDDEN, True)
    page.clock.run_for(20_000)
    assert page.evaluate(CONNECTED) == 1
    page.clock.run_for(15_000)
    page.clock.resume()
    wait_until(page, f"{CONNECTED} === 0")
    page.evaluate(HIDDEN, False)
    wait_for_video(page, "Entrance")
    assert page.evaluate(CONNECTED) == 1


def check(page: Page) -> None:
    assert overflow_px(page) <= 0
    assert unnamed_controls(page) == []


@pytest.mark.parametrize(("size", "dark"), [(WIDE, True), (NARROW, False), ((3840, 2160), False), ((360, 740), True)])
def test_the_wall_fits_every_screen(
    browser: Browser, site: RollcallServer, api: Api, demo: DemoSources, size: tuple[int, int], dark: bool
) -> None:
    """With video, with a camera that is away and with one large tile."""
    api.add_camera("Entrance with quite a long name for a tile", demo.entrance, role="monitor")
    api.add_camera("Gate", "http://127.0.0.1:9/mjpeg", kind="http", role="both")
    add_switched_off(api, 3)
    with Visit.of(browser, site.url, size=size, dark=dark) as visit:
        page = visit.sign_in(ADMIN, PASSWORD).open("/")
        tile(page, "Entrance with quite a long name for a tile").scroll_into_view_if_needed()
        wait_for_video(page, "Entrance with quite a long name for a tile")
        expect(tile(page, "Gate")).to_contain_text("Offline")
        check(page)
        tile(page, "Gate").locator(".tile-stage").click()
        check(page)
        page.get_by_role("button", name="Use this device's camera").click()
        expect(page.get_by_role("dialog", name="Use this device's camera")).to_be_visible()
        check(page)
