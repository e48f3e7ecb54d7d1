"""A check-in that is refused stands in the wall's feed, with its reason in words and the picture that it rests on."""

import pytest
from playwright.sync_api import expect

from server.demo.pictures import grace_hopper, read_picture
from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.journeys.films import handled, write_clip
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
MINUTE = 60_000

TURNED_LATER = """async (at) => {
  const { Feed } = await import("/static/js/feed.js");
  const part = () => document.createElement("div");
  const list = part();
  const said = part();
  const feed = new Feed({ list, state: part(), said }, { open() {}, cameraName: () => "Entrance" });
  const person = { id: "p1", fullName: "Eileen Collins" };
  const steps = [];
  feed.load([{ id: "s1", personId: "p1", person, startedAt: at, state: "open", refusal: null }], []);
  const refused = { sightingId: "s1", reason: "not_shown_live", person, cameraId: "c1" };
  feed.refuse({ ...refused, liveness: null, snapshotUrl: null }, true);
  steps.push(said.textContent, list.textContent.includes("not shown to be alive"));
  feed.refuse({ ...refused, reason: "of_a_later_version" });
  steps.push(list.textContent.includes("Refused: see the evidence"));
  feed.applyEntry({ id: "e1", person, direction: "in", at, sightingId: "s1" });
  steps.push(list.textContent.includes("Refused"));
  feed.refuse({ sightingId: "of nobody", reason: "flat", person, cameraId: "c1" }, true);
  steps.push(list.querySelectorAll("li").length);
  return steps;
}"""


def test_a_photo_that_is_refused(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Told while it happens, and still there for who opens the wall later."""
    write_clip(demo.folder / "held-up.mp4", handled(read_picture(grace_hopper()), seconds=14))
    api.enrol("Grace Hopper", demo.hopper)
    page = admin.open("/")
    camera = api.add_camera("Gate", demo.folder / "held-up.mp4", liveness="refuse")
    line = page.locator("[data-feed] li").filter(has_text="Grace Hopper").filter(has_text="Refused").first
    expect(line).to_contain_text("Refused: as flat as a picture", timeout=2 * MINUTE)
    expect(page.locator("[data-feed-said]")).to_contain_text("Grace Hopper")
    api.post(f"cameras/{camera}/stop", status=200)
    line.get_by_role("button", name="Check-in refused").click()
    evidence = page.get_by_role("dialog", name="Recognised")
    expect(evidence).to_contain_text("The check-in was refused: as flat as a picture.")
    expect(evidence.get_by_text("0.00, as flat as a picture")).to_be_visible()
    expect(evidence.get_by_role("img", name="The moment it was seen, Gate")).not_to_have_js_property("naturalWidth", 0)
    page.keyboard.press("Escape")
    page.reload()
    expect(line).to_contain_text("Refused: as flat as a picture")


def test_who_turned_after_that_has_checked_in(admin: Visit) -> None:
    """The entry is the last word; of a sighting that nobody holds there is nothing to say."""
    page = admin.open("/")
    said = "The check-in of Eileen Collins at Entrance was refused"
    assert page.evaluate(TURNED_LATER, "2026-03-02T08:00:00Z") == [said, True, True, False, 1]


PICTURED_LATER = """async (at) => {
  const { Evidence } = await import("/static/js/evidence.js");
  const { Sheet } = await import("/static/js/sheet.js");
  const dialog = document.querySelector("[data-evidence]");
  const api = { list: async () => ({ data: [] }) };
  const uses = { entryOf: () => null, cameraName: () => "Gate", corrected() {}, said() {} };
  const evidence = new Evidence(api, new Sheet(dialog), () => true, uses);
  const sighting = { id: "s1", cameraId: "c1", personId: null, startedAt: at, state: "open", snapshotUrl: null };
  evidence.open(sighting);
  const written = dialog.querySelector("input:not([type=hidden]):not([type=checkbox])");
  written.value = "Ada Lo";
  const before = dialog.querySelectorAll(".moment").length;
  evidence.refresh({ ...sighting, state: "closed", snapshotUrl: "/static/icon.svg" });
  const pictures = dialog.querySelectorAll(".moment");
  return [before, pictures.length, pictures[0].querySelector("img")?.alt, dialog.contains(written), written.value];
}"""


def test_a_picture_that_is_kept_later_is_shown(admin: Visit) -> None:
    """In the evidence that is open; what somebody is writing there stays."""
    page = admin.open("/")
    found = page.evaluate(PICTURED_LATER, "2026-03-02T08:00:00Z")
    assert found == [1, 1, "The moment it was seen, Gate", True, "Ada Lo"]
