"""The kiosk's screen in Chromium: its languages, its clock, its sound, and that it stays awake."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import Visit, overflow_px
from tests.browser.doors import big, pair, root, type_pin, with_pin
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOOK = {
    "en": "Look at the camera",
    "de": "Schauen Sie in die Kamera",
    "es": "Mire a la cámara",
    "fr": "Regardez la caméra",
    "ar": "انظر إلى الكاميرا",
}
BY_NAME = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "ar": "العربية"}


@pytest.fixture
def screen(visitor: Visit, api: Api) -> Page:
    return pair(visitor, api, api.add_kiosk("Front door"))


def choose(page: Page, language: str) -> None:
    page.locator("[popovertarget=kiosk-languages]").click()
    page.get_by_role("button", name=BY_NAME[language]).click()


def test_every_language_is_one_touch_away(screen: Page) -> None:
    """All that is said changes, the page says in which language and direction it is, and nothing is cut off."""
    for language, look in LOOK.items():
        choose(screen, language)
        expect(big(screen)).to_have_text(look)
        expect(screen.locator("html")).to_have_attribute("lang", language)
        expect(screen.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        assert overflow_px(screen) <= 0
        left = screen.evaluate(
            """() => [...document.querySelectorAll("[data-say], [data-say-label]")]
                 .filter((one) => {
                   const said = one.dataset.say ? one.textContent : one.ariaLabel;
                   return !said || said === (one.dataset.say ?? one.dataset.sayLabel);
                 }).map((one) => one.outerHTML)"""
        )
        assert left == []


def test_the_language_stays_on_the_device(screen: Page) -> None:
    """Also after it was switched off; from right to left the circle is on the right."""
    choose(screen, "ar")
    expect(big(screen)).to_have_text(LOOK["ar"])
    screen.reload()
    expect(big(screen)).to_have_text(LOOK["ar"])
    circle, words = screen.locator("[data-kiosk-circle]").bounding_box(), big(screen).bounding_box()
    assert circle is not None
    assert words is not None
    assert circle["x"] > words["x"]


@pytest.mark.parametrize(("locale", "language"), [("de-AT", "de"), ("fr-CA", "fr"), ("pt-BR", "en")])
def test_it_begins_in_the_language_of_the_browser(
    browser: Browser, site: RollcallServer, locale: str, language: str
) -> None:
    """In English where there is no catalogue for it; also before it is paired."""
    context: BrowserContext = browser.new_context(base_url=site.url, locale=locale)
    try:
        page = context.new_page()
        page.goto("/kiosk")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(
            page.get_by_role("button", name={"en": "Pair", "de": "Koppeln", "fr": "Associer"}[language])
        ).to_be_visible()
    finally:
        context.close()


def test_a_greeting_in_arabic(screen: Page, api: Api) -> None:
    """Plural forms, words and the name that is none of the language."""
    _, pin = with_pin(api, "Ada Lovelace")
    choose(screen, "ar")
    screen.locator("[data-kiosk-code]").click()
    for digit in pin[:2]:
        screen.locator(f"[data-digit='{digit}']").click()
    expect(screen.locator("[data-pad-said]")).to_have_text("أُدخل رقمان")
    for digit in pin[2:]:
        screen.locator(f"[data-digit='{digit}']").click()
    screen.locator("[data-pad-done]").click()
    expect(big(screen)).to_have_text("Ada Lovelace")
    expect(screen.locator("[data-kiosk-line]")).to_have_text("تم تسجيل الدخول")


CLOCKS = """() => {
  const how = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Asia/Kathmandu" };
  const now = new Intl.DateTimeFormat("en", how).format(new Date());
  return [document.querySelector("[data-kiosk-lead]").textContent, now];
}"""


def test_the_clock_is_that_of_the_site(screen: Page, api: Api) -> None:
    """Whatever the zone of the tablet: an administrator has said where the site is."""
    settings = {name: value for name, value in api.get("settings").items() if name != "updatedAt"}
    there = {**settings, "site": {**settings["site"], "timezone": "Asia/Kathmandu"}}  # 5:45 ahead of UTC
    api.call("PUT", "settings", 200, json=there)
    try:
        screen.reload()
        expect(root(screen)).to_have_attribute("data-state", "idle")
        shown, now = screen.evaluate(CLOCKS)
        assert minutes(now) - minutes(shown) in (0, 1, -1439)
        person, pin = with_pin(api, "Ada Lovelace")
        type_pin(screen, pin)
        expect(big(screen)).to_have_text("Ada Lovelace")
        at = api.get("attendance/entries", personId=person)[0]["at"]
        wanted = (minutes(at[11:16]) + 345) % 1440
        expect(screen.locator("[data-kiosk-time]")).to_have_text(f"{wanted // 60:02}:{wanted % 60:02}")
    finally:
        api.call("PUT", "settings", 200, json=settings)


def minutes(clock: str) -> int:
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


HEAR = """() => {
  window.notes = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { window.notes += 1; return start.apply(this, when); };
}"""


def test_it_can_be_muted(screen: Page, api: Api) -> None:
    """A greeting is heard, unless somebody has switched the sound off, which stays so."""
    pins = [with_pin(api, name)[1] for name in ("Ada Lovelace", "Grace Hopper")]
    screen.evaluate(HEAR)
    type_pin(screen, pins[0])
    expect(big(screen)).to_have_text("Ada Lovelace")
    assert screen.evaluate("window.notes") == 2
    sound = screen.get_by_role("button", name="Sound")
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")
    expect(root(screen)).to_have_attribute("data-state", "idle")
    type_pin(screen, pins[1])
    expect(big(screen)).to_have_text("Grace Hopper")
    assert screen.evaluate("window.notes") == 2
    screen.reload()
    expect(sound).to_have_attribute("aria-pressed", "false")


# A headless browser has no display to keep on, so its lock is counted in the place where the page asks for it.
LOCKS = """
window.locks = [];
Object.defineProperty(navigator, "wakeLock", { value: {
  async request(kind) {
    const lock = new EventTarget();
    lock.kind = kind;
    lock.release = async () => lock.dispatchEvent(new Event("release"));
    window.locks.push(lock);
    return lock;
  },
} });
"""


@pytest.fixture
def locking(visitor: Visit, api: Api) -> Page:
    visitor.context.add_init_script(LOCKS)
    return pair(visitor, api, api.add_kiosk("Front door"))


def test_it_stays_awake(locking: Page, api: Api) -> None:
    """A lock while it is a kiosk, another one when the browser has taken it away, none once it is not paired."""
    held = "window.locks.map((lock) => lock.kind)"
    assert locking.evaluate(held) == ["screen"]
    locking.evaluate("window.locks[0].release()")
    locking.wait_for_function("() => window.locks.length === 2")
    locking.evaluate("window.locks[1].addEventListener('release', () => { window.released = true; })")
    api.call("DELETE", f"kiosks/{api.get('kiosks')[0]['id']}", 204)
    expect(locking.get_by_role("heading", name="Pair this screen")).to_be_visible()
    assert locking.evaluate("window.released") is True


def test_nothing_is_touched_by_accident(screen: Page) -> None:
    """No text is selected and no menu opens by a long touch; zooming is left to whoever needs it."""
    assert big(screen).evaluate("element => getComputedStyle(element).userSelect") == "none"
    prevented = big(screen).evaluate(
        "element => !element.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))"
    )
    assert prevented
    viewport = screen.locator("meta[name=viewport]").get_attribute("content") or ""
    assert not re.search(r"user-scalable|maximum-scale", viewport)


def test_nobody_is_listed(screen: Page, api: Api) -> None:
    """A screen at a door has the name of the last one for half a minute, and no way to those of others."""
    _, pin = with_pin(api, "Ada Lovelace")
    api.add_person("Grace Hopper")
    type_pin(screen, pin)
    expect(screen.locator("[data-kiosk-strip]")).to_contain_text("Ada Lovelace")
    assert "Grace Hopper" not in screen.content()
    refused = screen.evaluate(
        """async () => {
          const { token } = JSON.parse(localStorage.getItem("rollcall.kiosk"));
          const asked = ["people", "attendance/entries", "attendance/present", "sightings", "users"];
          const headers = { Authorization: `Bearer ${token}` };
          const answers = asked.map((path) => fetch(`/api/v1/${path}`, { headers }));
          return (await Promise.all(answers)).map((answer) => answer.status);
        }"""
    )
    assert refused == [403] * 5


def test_a_kiosks_own_language_and_clock(visitor: Visit, api: Api) -> None:
    """It begins with them; what somebody chooses is theirs until nobody has touched the screen for a minute."""
    made = api.post("kiosks", {"name": "Tor", "cameraIds": [], "language": "de", "timeZone": "Asia/Kathmandu"})
    page = pair(visitor, api, made["id"])
    html = page.locator("html")
    expect(html).to_have_attribute("lang", "de")
    now = datetime.now(ZoneInfo("Asia/Kathmandu"))
    shown = {(now + timedelta(minutes=n)).strftime("%H:%M") for n in (-1, 0, 1)}
    expect(page.locator("body")).to_contain_text(re.compile("|".join(shown)))
    page.clock.install()
    page.reload()
    expect(root(page)).to_have_attribute("data-section", "door")
    expect(html).to_have_attribute("lang", "de")
    choose(page, "fr")
    expect(html).to_have_attribute("lang", "fr")
    page.clock.fast_forward(50_000)
    page.mouse.click(5, 5)
    page.clock.fast_forward(50_000)
    expect(html).to_have_attribute("lang", "fr")
    page.clock.fast_forward(11_000)
    expect(html).to_have_attribute("lang", "de")
    assert page.evaluate("localStorage.getItem('rollcall.kiosk.language')") is None
    api.call("PUT", f"kiosks/{made['id']}", 200, json={"name": "Tor", "cameraIds": []})
    page.reload()
    expect(html).to_have_attribute("lang", "en")
