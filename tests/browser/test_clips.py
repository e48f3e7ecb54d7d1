"""The clip of a sighting: switched on at the camera, played where its picture is, sought in."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
MOVES = "film => new Promise(done => film.addEventListener('timeupdate', () => film.currentTime > 0.2 && done()))"
SOUGHT = """film => new Promise(done => {
    film.pause();
    film.addEventListener('seeked', () => done(film.currentTime));
    film.currentTime = film.duration - 1;
})"""


def wait_for_clips(api: Api) -> None:
    for _ in range(120):
        if api.get("clips"):
            return
        time.sleep(0.5)
    raise AssertionError("no clip came")


def test_a_clip_is_played_in_the_place_of_the_picture(admin: Visit, api: Api, demo: DemoSources) -> None:
    """With the box of the face on the picture before; it moves, can be sought in, and gives way to the picture."""
    api.add_camera("Entrance", demo.entrance)
    page = admin.open("/cameras")
    page.get_by_role("button", name="Edit Entrance").click()
    page.get_by_role("checkbox", name="Keep a short clip of each sighting").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Entrance” is saved.")).to_be_visible()
    [camera] = api.get("cameras")
    assert camera["clips"] is True
    wait_for_clips(api)
    page = admin.open("/")
    page.locator("[data-feed] li").first.get_by_role("button").click()
    evidence = page.get_by_role("dialog")
    expect(evidence.locator(".moment-box")).to_be_visible()
    evidence.get_by_role("button", name="Play the clip").click(timeout=MINUTE)
    video = evidence.get_by_label("The clip of this sighting")
    expect(video).to_be_visible()
    expect(evidence.locator(".moment-box")).to_have_count(0)
    video.evaluate(MOVES)
    lasts = video.evaluate("video => video.duration")
    assert 5 <= lasts <= 30
    assert video.evaluate(SOUGHT) > lasts - 2
    assert video.evaluate("video => video.readyState") >= 2
    assert unnamed_controls(page) == []
    assert overflow_px(page) == 0
    with page.expect_download() as download:
        evidence.get_by_role("link", name="Save the clip").click()
    assert b"ftyp" in download.value.path().read_bytes()[:12]
    evidence.get_by_role("button", name="Back to the picture").click()
    expect(evidence.locator(".moment-box")).to_be_visible()
    expect(evidence.get_by_role("button", name="Play the clip")).to_be_focused()


def test_without_a_clip_none_is_offered(admin: Visit, api: Api, demo: DemoSources) -> None:
    api.add_camera("Yard", demo.entrance)
    page = admin.open("/")
    line = page.locator("[data-feed] li").filter(has_text="Yard").first
    expect(line).to_be_visible(timeout=MINUTE)
    line.get_by_role("button").click()
    evidence = page.get_by_role("dialog")
    expect(evidence.locator(".moment-box")).to_be_visible()
    expect(evidence.get_by_role("button", name="Play the clip")).to_have_count(0)
