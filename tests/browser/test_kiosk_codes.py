"""Codes and badges at the kiosk, in Chromium against the whole server: greeted, refused, slowed, several at once."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Visit
from tests.browser.doors import (
    big,
    by_hand,
    check_in,
    entries_of,
    heard,
    pair,
    read_badge,
    root,
    token_of,
    type_pin,
    with_pin,
)  # fmt: skip
from tests.journeys.client import Api
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WRONG = "90817263"


@pytest.fixture
def screen(visitor: Visit, api: Api) -> Page:
    """A paired kiosk without a camera."""
    return pair(visitor, api, api.add_kiosk("Front door"))


def test_a_code_is_greeted(screen: Page, api: Api) -> None:
    """Typed on the screen: name, direction and time, seen and heard, once; and there is one entry."""
    person, pin = with_pin(api, "Grace Hopper")
    type_pin(screen, pin)
    expect(big(screen)).to_have_text("Grace Hopper")
    [entry] = entries_of(api, person)
    expect(root(screen)).to_have_attribute("data-state", "greeting")
    expect(screen.locator("[data-kiosk-line]")).to_have_text("Checked in")
    expect(screen.locator("[data-kiosk-time]")).to_have_text(entry["at"][11:16])
    expect(heard(screen)).to_contain_text(f"Grace Hopper. Checked in, {entry['at'][11:16]}.")
    assert big(screen).evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 72
    expect(screen.locator("[data-kiosk-sound]")).to_have_attribute("data-played", "greeting")
    expect(screen.locator("[data-kiosk-strip]")).to_contain_text("Grace Hopper, in")
    assert heard(screen).inner_text().count("Grace Hopper") == 1  # the answer and the event tell the same
    expect(screen.locator("[data-kiosk-pad]")).to_be_hidden()


def test_nobody_is_named_for_longer_than_half_a_minute(screen: Page, api: Api) -> None:
    """Neither to be seen nor to be read by a screen reader, though nobody comes after them."""
    for name in ("Ada Lovelace", "Grace Hopper"):
        type_pin(screen, with_pin(api, name)[1])
        expect(heard(screen)).to_contain_text(name)
    expect(screen.locator("[data-kiosk-strip]")).to_contain_text("Grace Hopper")
    for name in ("Ada Lovelace", "Grace Hopper"):
        expect(screen.locator("body").get_by_text(name)).to_have_count(0, timeout=90_000)
        assert name not in screen.content()
    expect(heard(screen)).to_be_empty()


def test_a_code_by_keyboard(screen: Page, api: Api) -> None:
    """Who has a keyboard types at once; the digits are dots, and a screen reader hears how many they are."""
    _, pin = with_pin(api, "Ada Lovelace")
    by_hand(screen, pin[0])
    pad = screen.locator("[data-kiosk-pad]")
    expect(pad).to_be_visible()
    by_hand(screen, pin[1:])
    expect(pad.locator(".pad-dot-full")).to_have_count(len(pin))
    expect(pad.locator("[data-pad-said]")).to_have_text(f"{len(pin)} digits typed")
    assert pin not in screen.locator("body").inner_text()
    screen.keyboard.press("Backspace")
    expect(pad.locator("[data-pad-said]")).to_have_text(f"{len(pin) - 1} digits typed")
    by_hand(screen, pin[-1])
    screen.keyboard.press("Enter")
    expect(big(screen)).to_have_text("Ada Lovelace")


def test_a_wrong_code_can_be_typed_again(screen: Page, api: Api) -> None:
    """It says so without saying more, the digits are gone, and the next try is free."""
    _, pin = with_pin(api, "Ada Lovelace")
    type_pin(screen, WRONG)
    told = screen.locator("[data-pad-told]")
    expect(told).to_have_text("That code is not known. Try again, or ask at the desk.")
    expect(told).to_have_attribute("role", "alert")
    expect(screen.locator("[data-kiosk-sound]")).to_have_attribute("data-played", "refused")
    expect(screen.locator(".pad-dot-full")).to_have_count(0)
    by_hand(screen, "123")
    screen.keyboard.press("Enter")
    expect(told).to_have_text("A code has at least 6 digits.")
    for _ in range(3):
        screen.keyboard.press("Backspace")
    by_hand(screen, pin)
    screen.keyboard.press("Enter")
    expect(big(screen)).to_have_text("Ada Lovelace")


def test_guessing_is_slowed(screen: Page) -> None:
    """After ten wrong ones nothing is taken; the screen counts down, and a screen reader is told once."""
    wait, told = screen.locator("[data-pad-wait]"), screen.locator("[data-pad-told]")
    screen.get_by_role("button", name="Use your code").click()
    for _ in range(11):
        by_hand(screen, WRONG)
        screen.keyboard.press("Enter")
        expect(told).to_have_attribute("data-tone", "red")
        if wait.text_content():
            break
    expect(wait).to_contain_text("Too many tries. Wait")
    first = wait.inner_text()
    expect(wait).not_to_have_text(first)
    assert screen.locator("[data-pad-told]").text_content() == first
    by_hand(screen, "123456")
    expect(screen.locator(".pad-dot-full")).to_have_count(0)


def test_a_badge_needs_no_focus(screen: Page, api: Api) -> None:
    """A reader that types is a badge wherever the focus is, also while the keypad is open; unknown ones are refused."""
    person = api.add_person("Katherine Johnson")
    api.post(f"people/{person}/badges", {"badge": "04:A2:2B:9C"})
    read_badge(screen, "04:A2:2B:9C")
    expect(big(screen)).to_have_text("Katherine Johnson")
    expect(root(screen)).to_have_attribute("data-state", "idle")
    screen.get_by_role("button", name="Use your code").click()
    read_badge(screen, "00119933")
    expect(big(screen)).to_have_text("Not recognised")
    expect(screen.locator("[data-kiosk-line]")).to_have_text("That badge is not known. Ask at the desk.")
    expect(screen.locator("[data-kiosk-pad]")).to_be_hidden()
    assert len(entries_of(api, person)) == 1


def test_a_keypad_that_nobody_uses_goes_away(screen: Page) -> None:
    """With all that was typed."""
    screen.clock.install()
    screen.get_by_role("button", name="Use your code").click()
    by_hand(screen, "123")
    screen.clock.fast_forward(25_000)
    expect(screen.locator("[data-kiosk-pad]")).to_be_hidden()
    screen.get_by_role("button", name="Use your code").click()
    expect(screen.locator(".pad-dot-full")).to_have_count(0)


def test_several_people_at_once(screen: Page, api: Api, site: RollcallServer) -> None:
    """Each has a card for a while, never more than four, and the screen comes to rest."""
    kiosk = api.get("kiosks")[0]["id"]
    names = [f"Person {letter}" for letter in "ABCDE"]
    pins = [with_pin(api, name)[1] for name in names]
    token = token_of(screen)
    screen.clock.install()
    screen.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))  # their time does not run out while they come
    for pin in pins:
        check_in(site.url, kiosk, token, pin)
    cards = screen.locator(".greeting-card")
    expect(cards.last).to_contain_text("Person E")
    assert [name for name in names if name in screen.locator(".greeting-cards").inner_text()] == names[1:]
    expect(cards.first).to_contain_text("Checked in")
    for name in names:
        expect(heard(screen).get_by_text(name)).to_have_count(1 if name != "Person A" else 0)
    screen.clock.run_for(6000)
    expect(cards).to_have_count(0)
    expect(root(screen)).to_have_attribute("data-state", "idle")
    expect(screen.locator("[data-kiosk-strip]")).to_contain_text("Person E")


def test_a_greeting_does_not_take_the_keypad_away(screen: Page, api: Api, site: RollcallServer) -> None:
    """Who is typing goes on; the other is named in the strip."""
    kiosk = api.get("kiosks")[0]["id"]
    _, other = with_pin(api, "Mary Jackson")
    _, pin = with_pin(api, "Ada Lovelace")
    screen.get_by_role("button", name="Use your code").click()
    by_hand(screen, pin[:3])
    check_in(site.url, kiosk, token_of(screen), other)
    expect(heard(screen)).to_contain_text("Mary Jackson")
    expect(screen.locator("[data-kiosk-pad]")).to_be_visible()
    by_hand(screen, pin[3:])
    screen.keyboard.press("Enter")
    expect(big(screen)).to_have_text("Ada Lovelace")


def test_the_greeting_says_how_late(screen: Page, api: Api) -> None:
    """With the shift's name, as the entry has it."""
    person, pin = with_pin(api, "Dorothy Vaughan")
    now = datetime.now(UTC)
    shift = api.post(
        "shifts",
        {
            "name": "Early shift",
            "start": f"{now - timedelta(hours=2):%H:%M}",
            "end": f"{now + timedelta(hours=6):%H:%M}",
            "timezone": "UTC",
            "days": [1, 2, 3, 4, 5, 6, 7],
        },
    )["id"]
    schedule = api.post(
        "schedules", {"shiftId": shift, "personId": person, "from": f"{now - timedelta(days=2):%Y-%m-%d}"}
    )["id"]
    try:
        with screen.expect_response("**/check-ins") as answered:
            type_pin(screen, pin)
        late = answered.value.json()["data"]["lateMinutes"]
        assert late >= 120
        line = screen.locator("[data-kiosk-shift]")
        expect(line).to_have_text(f"Early shift · {late} minutes late")
        expect(line).to_have_class("kiosk-shift is-late")
        expect(heard(screen)).to_contain_text(f"{late} minutes late")
    finally:
        api.call("DELETE", f"schedules/{schedule}", 204)
        api.call("DELETE", f"shifts/{shift}", 204)


def test_who_is_signed_in_is_offered_no_keypad(admin: Visit, api: Api) -> None:
    """A code counts at a paired screen alone."""
    api.add_kiosk("Front door")
    page = admin.open("/kiosk")
    expect(root(page)).to_have_attribute("data-state", "idle")
    expect(page.get_by_role("button", name="Use your code")).to_have_count(0)


def test_a_kiosk_without_codes_offers_none(visitor: Visit, api: Api) -> None:
    """Its `means` say what it takes."""
    kiosk = api.post("kiosks", {"name": "Faces only", "cameraIds": [], "means": ["face"]})["id"]
    page = pair(visitor, api, kiosk)
    expect(page.get_by_role("button", name="Use your code")).to_have_count(0)
    by_hand(page, "1")
    expect(page.locator("[data-kiosk-pad]")).to_be_hidden()


def test_a_revoked_screen_goes_back_to_pairing(browser: Browser, site: RollcallServer, api: Api) -> None:
    """Also where it is open; a new code makes it a kiosk again, with one keypad."""
    kiosk = api.add_kiosk("Front door")
    with Visit.of(browser, site.url) as visit:
        page = pair(visit, api, kiosk)
        api.call("DELETE", f"kiosks/{kiosk}", 204)
        expect(page.get_by_role("heading", name="Pair this screen")).to_be_visible()
        expect(page.get_by_role("alert").first).to_have_text("This screen is no longer paired. Enter a new code.")
        assert page.evaluate("localStorage.getItem('rollcall.kiosk')") is None
        other = api.add_kiosk("Side door")
        _, pin = with_pin(api, "Ada Lovelace")
        page.get_by_label("Pairing code").fill(api.post(f"kiosks/{other}/pairing-code")["code"])
        page.get_by_role("button", name="Pair").click()
        expect(page.locator("[data-kiosk-name]")).to_have_text("Side door")
        type_pin(page, pin)
        expect(big(page)).to_have_text("Ada Lovelace")
