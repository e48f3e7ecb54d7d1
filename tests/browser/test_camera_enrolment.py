"""Enrolling with this device's camera: Chromium plays a film of a face as if it were one."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from server.demo.pictures import astronaut, read_picture
from tests.browser.chromium import Visit, camera_that_shows, chromium
from tests.browser.visits import add_person
from tests.journeys.client import Api
from tests.journeys.films import jpeg

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def face_film(tmp_path_factory: pytest.TempPathFactory, portraits: None) -> Path:
    """What the device's camera shows: a face, as a row of JPEGs."""
    room = np.full((480, 640, 3), 168, np.uint8)
    room[20:440, 110:530] = cv2.resize(read_picture(astronaut())[0:330, 70:400], (420, 420))
    path = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    path.write_bytes(jpeg(room, 95) * 30)
    return path


@pytest.fixture(scope="module")
def browser(chromium_path: str, face_film: Path) -> Iterator[Browser]:
    """One with a camera that it may use without asking."""
    with chromium(chromium_path, camera_that_shows(face_film)) as started:
        yield started


def test_a_person_is_enrolled_by_this_devices_camera(admin: Visit, api: Api) -> None:
    """Three poses, one after the other; each photo that is kept fills a part of the ring."""
    page = admin.open("/people")
    add_person(page, "Eileen Collins")
    page.get_by_role("button", name="Use this camera").click()
    poses = page.get_by_role("dialog", name="Take photos with this camera")
    shutter = poses.get_by_role("button", name="Take the photo")
    for kept in range(1, 4):
        expect(shutter).to_be_enabled()
        shutter.click()
        expect(poses.locator(".pose-done")).to_have_count(kept)
    expect(poses.get_by_role("status")).to_contain_text("All three are kept")
    [person] = api.get("people")
    assert person["photoCount"] == 3
