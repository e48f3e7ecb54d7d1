"""Live video in a real browser: decoded frames, boxes on the very frame, and a tile that comes back by itself."""

import re
import statistics
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import Visit
from tests.browser.visits import tile, wait_for_video
from tests.browser.watching import NO_WEBRTC, SPY, pairs, received, wait_for_frames, wait_until
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.media.films import write_film
from tests.media.rtsp_server import RtspCamera
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
WATCHED_MS = 30_000
LEAST_OVERLAP = 0.7
MOVING = 0.05

# A program's view: annotated or plain video on its own, with the tracks over the data channel. Of each analysed frame
# it tells how much of the outline of the boxes is green.
OUTLINE = """async ([camera, annotated]) => {
  const { Api } = await import("/static/js/api.js");
  const { Whep } = await import("/static/js/whep.js");
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const canvas = new OffscreenCanvas(1280, 720);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const frames = new Map();
  const shares = [];
  const isGreen = ({ data }) => {
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 1] > data[i] + 70 && data[i + 1] > data[i + 2] + 45) return true;
    }
    return false;
  };
  const share = (picture, [x, y, w, h]) => {
    const [left, top, wide, tall] = [x * 1280, y * 720, w * 1280, h * 720];
    pen.putImageData(picture, 0, 0);
    const near = 0.15 * wide;
    let [seen, all] = [0, 0];
    for (let part = 0.1; part < 0.95; part += 0.1) {
      for (const [px, py, pw, ph] of [
        [left - near, top + part * tall, 2 * near, 1], [left + wide - near, top + part * tall, 2 * near, 1],
        [left + part * wide, top - near, 1, 2 * near], [left + part * wide, top + tall - near, 1, 2 * near],
      ]) {
        if (px < 0 || py < 0 || px + pw >= 1280 || py + ph >= 720) continue;
        all += 1;
        if (isGreen(pen.getImageData(Math.round(px), Math.round(py), Math.ceil(pw), Math.ceil(ph)))) seen += 1;
      }
    }
    return all < 20 ? null : seen / all;
  };
  const onTracks = ({ frame, tracks }) => {
    const picture = frames.get(frame.rtpTimestamp);
    if (!picture) return;
    for (const { box, state } of tracks) {
      const found = state === "recognized" ? share(picture, box) : null;
      if (found !== null) shares.push(found);
    }
  };
  const whep = new Whep(new Api(), camera, { video, annotated, onTracks });
  const look = (_now, { rtpTimestamp }) => {
    pen.drawImage(video, 0, 0, 1280, 720);
    frames.set(rtpTimestamp, pen.getImageData(0, 0, 1280, 720));
    if (frames.size > 30) frames.delete(frames.keys().next().value);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  whep.start();
  const until = performance.now() + 60000;
  while (shares.length < 15 && performance.now() < until) await new Promise((done) => setTimeout(done, 200));
  const stats = await whep.stats();
  whep.stop();
  return { shares, stats };
}"""


@pytest.mark.slow
def test_the_wall_decodes_the_cameras_own_video(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Frames of H.264 at the camera's size and pace; "connected" alone proves nothing."""
    api.add_camera("Entrance", demo.entrance, role="monitor")
    admin.context.add_init_script(SPY)
    page = admin.open("/")
    shown = wait_for_video(page, "Entrance")
    expect(shown).to_contain_text("Live")
    [first] = received(page)
    page.wait_for_timeout(4000)
    [later] = received(page)
    assert (later["codec"], later["width"]) == ("video/H264", 1280)
    assert later["frames"] - first["frames"] > 4 * 25 * 0.6
    expect(shown.locator(".tile-latency")).to_contain_text("ms")


@pytest.mark.slow
def test_boxes_lie_on_the_face_of_the_very_frame(
    admin: Visit, api: Api, site: RollcallServer, demo: DemoSources, capsys: pytest.CaptureFixture[str]
) -> None:
    """The box on the canvas against the server's detection of that frame, which comes later, while the face moves."""
    camera = api.add_camera("Entrance", demo.entrance, role="monitor")
    admin.context.add_init_script(SPY)
    with site.subscriber(api.token) as hears:
        hears.subscribe(f"cameras/{camera}/tracks")
        page = admin.open("/")
        wait_for_video(page, "Entrance")
        page.wait_for_timeout(WATCHED_MS)
        drawn = page.evaluate("drawn")
        detections = [event["data"] for event in hears.events("tracks.updated")]
    found = [pair for pair in pairs(detections, drawn) if pair.moved > MOVING]
    overlaps = sorted(pair.overlap for pair in found)
    assert len(overlaps) >= 25, f"{len(detections)} detections, {len(drawn)} frames"
    with capsys.disabled():
        low, middle = overlaps[len(overlaps) // 10], statistics.median(overlaps)
        sys.stdout.write(f"\noverlay: IoU median {middle:.2f}, tenth {low:.2f} of {len(overlaps)} while moving\n")
    assert statistics.median(overlaps) >= LEAST_OVERLAP


@pytest.mark.slow
def test_annotated_video_has_the_boxes_in_its_pixels(admin: Visit, api: Api, demo: DemoSources) -> None:
    """And the plain one has not: the outline of the server's own boxes is green in one of them only."""
    api.enrol("Eileen Collins", demo.collins)
    camera = api.add_camera("Entrance", demo.entrance, role="monitor")
    page = admin.open("/people")
    annotated = page.evaluate(OUTLINE, [camera, True])
    plain = page.evaluate(OUTLINE, [camera, False])
    assert annotated["stats"]["codec"] == plain["stats"]["codec"] == "H264"
    assert len(annotated["shares"]) >= 15
    assert len(plain["shares"]) >= 15
    assert statistics.median(annotated["shares"]) > 0.6
    assert statistics.median(plain["shares"]) < 0.2


def test_a_tile_recovers_from_the_death_of_its_camera(admin: Visit, api: Api, tmp_path: Path) -> None:
    """It says what is wrong and keeps the last picture; when the camera is back, so is the video, without a click."""
    film = write_film(tmp_path / "film.mp4", size=(640, 384))
    admin.context.add_init_script(SPY)
    with RtspCamera(film) as device:
        api.add_camera("Yard", device.url, kind="rtsp", role="monitor")
        page = admin.open("/")
        shown = wait_for_video(page, "Yard")
        wait_for_frames(page, 20)
        device.stop()
        expect(shown).to_have_attribute("data-state", "offline", timeout=MINUTE)
        expect(shown).to_have_attribute("data-shows", "still")
        expect(shown).to_contain_text("The camera")
        device.start()
        wait_for_video(page, "Yard")
        wait_for_frames(page, 20)
        expect(shown).to_contain_text("Live")


def test_a_tile_recovers_from_a_lost_connection(admin: Visit, api: Api, demo: DemoSources) -> None:
    """The server ended the session: the tile says that it reconnects, and does."""
    camera = api.add_camera("Entrance", demo.entrance, role="monitor")
    admin.context.add_init_script(SPY)
    page = admin.open("/")
    answers = []
    page.on("response", lambda answer: answers.append(answer) if answer.request.method == "POST" else None)
    page.reload()
    shown = wait_for_video(page, "Entrance")
    location = next(answer.headers["location"] for answer in answers if answer.url.endswith(f"{camera}/whep"))
    page.evaluate(
        """async (path) => fetch(path, { method: "DELETE", headers: {
             "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content } })""",
        location,
    )
    expect(shown).to_contain_text("Reconnecting")
    expect(shown.get_by_role("status")).to_contain_text("by itself")
    wait_for_video(page, "Entrance")
    wait_for_frames(page, 20)


def test_a_picture_that_stands_still_is_not_called_live(admin: Visit, api: Api, tmp_path: Path) -> None:
    """The camera keeps its session but sends nothing: within seconds the tile says so."""
    film = write_film(tmp_path / "film.mp4", size=(640, 384))
    with RtspCamera(film) as device:
        api.add_camera("Yard", device.url, kind="rtsp", role="monitor")
        page = admin.open("/")
        shown = wait_for_video(page, "Yard")
        expect(shown.locator(".tile-state")).to_have_text("Live")
        device.paused = True
        expect(shown.locator(".tile-state")).to_have_text(re.compile("No picture|Reconnecting"), timeout=8000)
        expect(shown.locator(".tile-latency")).to_have_text("")
        device.paused = False
        expect(shown.locator(".tile-state")).to_have_text("Live", timeout=MINUTE)


def test_a_tile_recovers_from_a_restart_of_the_server(
    browser: Browser, tmp_path: Path, demo: DemoSources, chromium_path: str
) -> None:
    """Meanwhile it shows the last picture as an old one and says that the server is away."""
    with RollcallServer(tmp_path, roots=[demo.folder]) as server, Visit.of(browser, server.url, quiet=False) as visit:
        with server.login() as api:
            api.add_camera("Entrance", demo.entrance, role="monitor")
        page = visit.sign_in(ADMIN, PASSWORD).open("/")
        shown = wait_for_video(page, "Entrance")
        server.stop()
        expect(shown.get_by_role("status")).to_contain_text("It is tried again by itself.")
        expect(shown).to_contain_text("Reconnecting")
        expect(shown).to_contain_text("Picture of")
        server.start()
        wait_for_video(page, "Entrance")
        expect(shown).to_contain_text("Live")
        expect(shown.get_by_role("status")).to_be_hidden()


def test_where_webrtc_is_missing_pictures_stand_in(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Chosen by the page itself, and said; boxes and names are on them as well."""
    api.enrol("Eileen Collins", demo.collins)
    api.add_camera("Entrance", demo.entrance, role="monitor")
    admin.context.add_init_script(SPY + NO_WEBRTC)
    page = admin.open("/")
    shown = tile(page, "Entrance")
    expect(shown).to_have_attribute("data-shows", "pictures", timeout=MINUTE)
    expect(shown).to_contain_text("Pictures only: live video is blocked here.")
    wait_for_frames(page, 20)
    wait_until(page, "drawn.some(({ tracks }) => tracks.some(({ name }) => name))")
    assert page.evaluate("drawn.every(({ rtpTimestamp }) => rtpTimestamp !== null)")
    expect(shown.locator(".tile-view")).to_contain_text("Eileen Collins", timeout=MINUTE)


def test_where_webrtc_is_blocked_pictures_stand_in(admin: Visit, api: Api, demo: DemoSources) -> None:
    """No way is found twice in a row: within twelve seconds there are pictures, and the tile says so."""
    api.add_camera("Entrance", demo.entrance, role="monitor")
    blocked = "RTCPeerConnection.prototype.setRemoteDescription = () => Promise.resolve();"
    admin.context.add_init_script(blocked)
    page = admin.open("/")
    shown = tile(page, "Entrance")
    expect(shown).to_have_attribute("data-shows", "pictures", timeout=20_000)
    expect(shown).to_contain_text("Pictures only: live video is blocked here.")
