"""What arrives late, twice or in the wrong order: the pages end with what is true."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]

GREETER = """async () => {
  const { Greeter } = await import("/static/js/greeter.js");
  const { WallClock } = await import("/static/js/wall-clock.js");
  window.portraits = {};
  const pictureOf = (url) => new Promise((give) => { portraits[url] = give; });
  const wall = new WallClock("Europe/Berlin");
  const greeter = new Greeter(document.querySelector("[data-kiosk]"), { pictureOf, wall, tones: { play() {} } });
  const at = new Date().toISOString();
  window.greet = (name) => greeter.greet({ name, photoUrl: name, direction: "in", at, hint: null });
  const canvas = new OffscreenCanvas(120, 120);
  canvas.getContext("2d").fillRect(0, 0, 120, 120);
  const blob = await canvas.convertToBlob();
  window.arrive = (name) => portraits[name](URL.createObjectURL(blob));
  document.querySelector("[data-kiosk-pair]").hidden = true;
  document.querySelector("[data-kiosk-door]").hidden = false;
}"""
AHEAD = """
  const [now, origin] = [Date.now, performance.timeOrigin];
  Date.now = () => now() + 7_200_000;
  Object.defineProperty(performance, "timeOrigin", { value: origin + 7_200_000 });
"""
LABEL = """async () => {
  const { Overlay } = await import("/static/js/overlay.js");
  const canvas = document.createElement("canvas");
  canvas.style.cssText = "position:fixed;left:0;top:0;width:300px;height:200px";
  document.body.append(canvas);
  const pen = canvas.getContext("2d");
  const drawn = [];
  const fillText = pen.fillText.bind(pen);
  pen.fillText = (text, x, y) => {
    drawn.push({ text, right: x + pen.measureText(text).width });
    fillText(text, x, y);
  };
  const name = "Wolfeschlegelsteinhausenbergerdorff ".repeat(4);
  new Overlay(canvas, { unknown: "", spoof: "" }).draw(
    [{ trackId: 1, box: [0.6, 0.4, 0.2, 0.3], state: "recognized", personId: "p", name, similarity: 0.81 }],
    { width: 300, height: 200 },
  );
  return drawn;
}"""
TILE = """async () => {
  const { Tile } = await import("/static/js/tile.js");
  const asked = { OPTIONS: 0, POST: 0 };
  const answer = () => new Response(null, { status: 200 });
  const send = (method) => {
    asked[method] += 1;
    return method === "POST" ? new Promise(() => {}) : Promise.resolve(answer());
  };
  const uses = { enlarge() {}, fullScreen() {} };
  const tile = new Tile({ send }, { id: "c1", name: "Gate", role: "monitor", status: { state: "online" } }, uses);
  const soon = () => new Promise((done) => setTimeout(done, 500));
  tile.sleep(false);
  tile.change({ status: { state: "online" } });
  await soon();
  const before = { ...asked };
  tile.see(true);
  tile.see(false);
  await soon();
  const gone = asked.POST;
  tile.see(true);
  await soon();
  tile.close();
  return [before.OPTIONS + before.POST, gone, asked.POST];
}"""
LISTS = """async (at) => {
  const { Feed } = await import("/static/js/feed.js");
  const { Door } = await import("/static/js/door.js");
  const part = () => document.createElement("div");
  const doorList = part();
  const list = part();
  const uses = { open() {}, openById() {}, cameraName: () => "Entrance" };
  const door = new Door({ doorList, doorCount: part(), unknownList: null, unknownCount: null }, uses);
  const feed = new Feed({ list, state: part(), said: part() }, uses);
  const person = { id: "p1", fullName: "Eileen Collins" };
  const other = { id: "p2", fullName: "Sally Ride" };
  const entry = { id: "e1", person, direction: "in", at, sightingId: "s1" };
  const count = (part, what) => part.querySelectorAll(what).length;
  const shown = () => [count(doorList, "button"), doorList.textContent, count(list, ".chip-in")];
  feed.load([{ id: "s1", personId: "p1", person, startedAt: at, state: "closed" }], [entry]);
  door.apply([entry]);
  const steps = [shown()];
  feed.applyEntry({ ...entry, person: other });
  door.apply([{ ...entry, person: other }]);
  steps.push(shown());
  feed.removeEntry("e1");
  door.remove("e1");
  steps.push(shown());
  return steps;
}"""


@pytest.fixture
def greeting(visitor: Visit) -> Page:
    page = visitor.open("/kiosk")
    expect(page.get_by_label("Pairing code")).to_be_visible()
    page.evaluate(GREETER)
    return page


def test_a_greeting_does_not_wait_for_its_portrait(greeting: Page) -> None:
    """The name is there at once; the face is added when it has arrived."""
    face = greeting.locator("[data-kiosk-face]")
    greeting.evaluate("greet('Eileen Collins')")
    assert greeting.locator("[data-kiosk-big]").inner_text() == "Eileen Collins"
    expect(face).to_be_hidden()
    greeting.evaluate("arrive('Eileen Collins')")
    expect(face).to_be_visible()


def test_a_late_portrait_is_not_shown_under_the_next_name(greeting: Page) -> None:
    """Two greetings in a row have a card each, and the face goes with the name that it is of; the last one stays."""
    greeting.evaluate("greet('Eileen Collins')")
    greeting.evaluate("greet('Sally Ride'); arrive('Eileen Collins')")
    cards = greeting.locator(".greeting-card")
    expect(cards).to_have_count(2)
    expect(cards.filter(has_text="Eileen Collins").locator("img")).to_have_count(1)
    expect(cards.filter(has_text="Sally Ride").locator("img")).to_have_count(0)
    expect(greeting.locator("[data-kiosk-face]")).to_be_hidden()
    expect(greeting.locator("[data-kiosk-strip]")).to_contain_text("Sally Ride", timeout=30_000)
    expect(greeting.locator("[data-kiosk]")).to_have_attribute("data-state", "idle")


def test_a_long_name_leaves_room_for_the_similarity(visitor: Visit) -> None:
    """It is shortened with an ellipsis, within the picture."""
    name, figure = visitor.open("/login").evaluate(LABEL)
    assert name["text"].startswith("Wolfe")
    assert name["text"].endswith("…")
    assert figure["text"] == "0.81"
    assert name["right"] < figure["right"] <= 300


def test_a_corrected_entry_is_replaced_or_taken_away(visitor: Visit) -> None:
    """In the list of the door and in the marks of the feed."""
    loaded, corrected, removed = visitor.open("/login").evaluate(LISTS, datetime.now(UTC).isoformat())
    assert (loaded[0], loaded[2]) == (1, 1)
    assert "Eileen Collins" in loaded[1]
    assert (corrected[0], corrected[2]) == (1, 1)
    assert "Sally Ride" in corrected[1]
    assert (removed[0], removed[2]) == (0, 0)


def test_the_kiosk_greets_though_its_clock_is_wrong(visitor: Visit, api: Api, demo: DemoSources) -> None:
    """A tablet that is hours ahead judges the age of a greeting by the server's clock."""
    api.enrol("Eileen Collins", demo.collins)
    camera = api.add_camera("Entrance", demo.entrance, enabled=False)
    kiosk = api.add_kiosk("Front door", camera)
    visitor.context.add_init_script(AHEAD)
    page = visitor.open("/kiosk")
    page.get_by_label("Pairing code").fill(api.post(f"kiosks/{kiosk}/pairing-code")["code"])
    page.get_by_role("button", name="Pair").click()
    expect(page.locator("[data-kiosk]")).to_have_attribute("data-state", "idle")
    page.wait_for_timeout(1000)
    api.post(f"cameras/{camera}/start", status=200)
    expect(page.locator("[data-kiosk-big]")).to_have_text("Eileen Collins", timeout=60_000)


def test_the_last_person_of_the_last_page(admin: Visit, api: Api) -> None:
    """Once deleted, the page before it is shown, not an empty list."""
    for number in range(51):
        api.post("people", {"fullName": f"Person {number:02}"})
    page = admin.open("/people")
    page.locator("[data-next]").click()
    expect(page.locator("[data-list] button")).to_have_count(1)
    page.locator("[data-list] button").click()
    page.get_by_role("button", name="Remove this person").click()
    page.locator(".removal .button-red").click()
    expect(page.locator("[data-list] button")).to_have_count(50)


def test_an_answer_about_who_was_opened_before(admin: Visit, api: Api) -> None:
    """Opened one after the other, the sheet shows the second person whichever answer comes last."""
    first = api.post("people", {"fullName": "Ada Early"})["id"]
    api.post("people", {"fullName": "Lise Later"})
    page = admin.open("/people")
    held: list[Route] = []
    page.route(f"**/api/v1/people/{first}", lambda route: held.append(route))
    page.locator("[data-list] button").filter(has_text="Ada Early").click()
    expect(page.locator("[data-person-sheet]")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("[data-list] button").filter(has_text="Lise Later").click()
    name = page.locator("[data-person-sheet] .who-name")
    expect(name).to_have_text("Lise Later")
    with page.expect_response(f"**/api/v1/people/{first}"):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(name).to_have_text("Lise Later")


def test_a_tile_out_of_sight_fetches_nothing(visitor: Visit) -> None:
    """Not when the tab is shown again, and not when it went out of sight just before its turn."""
    assert visitor.open("/login").evaluate(TILE) == [0, 0, 1]
