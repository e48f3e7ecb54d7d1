"""The live wall: pictures that move, names on boxes, the feed beside them, and the evidence behind each line."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Visit
from tests.browser.visits import wait_for_video
from tests.journeys.client import Api
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PICTURE = """picture => {
  const video = picture.querySelector("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/jpeg", 0.5);
}"""
INK = """canvas => {
  if (!canvas.width || !canvas.height) return 0;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, index) => index % 4 === 3 && value > 0).length;
}"""
MINUTE = 60_000


def wait_for_ink(page: Page, camera: str) -> None:
    """Until boxes are drawn over this camera's picture."""
    boxes = page.locator(f"[data-camera='{camera}'] .tile-boxes")
    for _ in range(300):
        if boxes.evaluate(INK) > 100:
            return
        page.wait_for_timeout(100)
    raise AssertionError("no box was drawn")


def test_an_empty_wall_says_what_to_do_first(admin: Visit, api: Api) -> None:
    """No cameras, nobody seen: each list says so."""
    page = admin.open("/")
    expect(page.get_by_text("No cameras yet")).to_be_visible()


def test_tiles_show_moving_pictures_and_names(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Each camera has a tile whose picture goes on; who is recognised has the name in tile and feed."""
    api.enrol("Eileen Collins", demo.collins)
    entrance = api.add_camera("Entrance", demo.entrance)
    api.add_camera("Workshop", demo.workshop)
    page = admin.open("/")
    tiles = page.get_by_role("article")
    expect(tiles).to_have_count(2)
    expect(page.get_by_text("2 of 2 cameras online")).to_be_visible(timeout=MINUTE)
    for name in ("Entrance", "Workshop"):
        picture = page.get_by_role("img", name=f"Live picture of {name}")
        expect(wait_for_video(page, name)).to_have_class("tile has-picture")
        first = picture.evaluate(PICTURE)
        page.wait_for_timeout(1500)
        assert picture.evaluate(PICTURE) != first
    shown = page.locator(f"[data-camera='{entrance}'] .tile-view")
    expect(shown).to_contain_text("Eileen Collins", timeout=MINUTE)
    wait_for_ink(page, entrance)
    line = page.locator("[data-feed] li").filter(has_text="Eileen Collins").first
    expect(line).to_be_visible()
    expect(page.locator("[data-door-list]")).to_contain_text("Eileen Collins")
    line.get_by_role("button").click()
    evidence = page.get_by_role("dialog")
    expect(evidence).to_contain_text("Eileen Collins")
    expect(evidence).to_contain_text("Similarity")
    for picture in evidence.locator("img").all():
        expect(picture).to_be_visible()
        expect(picture).not_to_have_js_property("naturalWidth", 0)


def test_an_unknown_face_is_named_in_the_browser(admin: Visit, api: Api, demo: DemoSources) -> None:
    """A click on the face, a name, and the camera knows her from then on."""
    camera = api.add_camera("Workshop", demo.workshop, role="monitor")
    page = admin.open("/")
    face = page.locator("[data-unknown-list] button").first
    face.click(timeout=MINUTE)
    evidence = page.get_by_role("dialog")
    evidence.get_by_role("combobox", name="Name").fill("Grace Hopper")
    evidence.get_by_role("button", name="Add Grace Hopper").click()
    expect(page.locator("[data-feed] li").filter(has_text="Grace Hopper").first).to_be_visible()
    expect(page.get_by_text("The face is kept as a photo")).to_be_visible()
    [person] = api.get("people")
    assert (person["fullName"], person["photoCount"]) == ("Grace Hopper", 1)
    page.keyboard.press("Escape")
    expect(page.locator(f"[data-camera='{camera}'] .tile-view")).to_contain_text("Grace Hopper", timeout=MINUTE)


def test_a_camera_that_is_away_says_why(admin: Visit, api: Api) -> None:
    """The tile keeps its place and tells the state and the reason in words."""
    api.add_camera("Gate", "http://127.0.0.1:9/mjpeg", kind="http", role="monitor")
    page = admin.open("/")
    tile = page.get_by_role("article").filter(has_text="Gate")
    expect(tile).to_contain_text("Offline", timeout=MINUTE)
    expect(tile).to_contain_text("refused the connection")
    expect(page.get_by_text("0 of 1 camera online")).to_be_visible()
