"""A paired kiosk in Chromium, and people with PINs and badges who check in at it."""

from datetime import UTC, datetime
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Visit
from tests.journeys.client import Api, Json


def pair(visit: Visit, api: Api, kiosk: str) -> Page:
    """The screen, paired by a code, connected and at rest."""
    page = visit.open("/kiosk")
    page.get_by_label("Pairing code").fill(api.post(f"kiosks/{kiosk}/pairing-code")["code"])
    page.get_by_role("button", name="Pair").click()
    expect(root(page)).to_have_attribute("data-section", "door")
    expect(root(page)).to_have_attribute("data-state", "idle")
    expect(root(page)).to_have_attribute("data-kept", "yes")  # once it is connected
    return page


def root(page: Page) -> Locator:
    return page.locator("[data-kiosk]")


def big(page: Page) -> Locator:
    """What the screen says in large letters."""
    return page.locator("[data-kiosk-big]")


def heard(page: Page) -> Locator:
    """What a screen reader is told."""
    return page.locator("[data-kiosk-said]")


def with_pin(api: Api, full_name: str) -> tuple[str, str]:
    """A new person: the id, and the PIN that the server drew."""
    person = api.add_person(full_name)
    return person, api.call("PUT", f"people/{person}/pin", 200, json={})["pin"]


def token_of(page: Page) -> str:
    """With which the screen is paired."""
    token: str = page.evaluate("JSON.parse(localStorage.getItem('rollcall.kiosk')).token")
    return token


def check_in(url: str, kiosk: str, token: str, pin: str) -> Json:
    """As the screen does it, but not by the screen: it is told by its topic alone."""
    now = datetime.now(UTC).isoformat()
    with Api(url, token) as screen:
        answer: Json = screen.call(
            "POST", f"kiosks/{kiosk}/check-ins", 201, json={"pin": pin, "deviceTime": now, "sentAt": now},
            headers={"Idempotency-Key": str(uuid4())},
        )  # fmt: skip
    return answer


def type_pin(page: Page, pin: str) -> None:
    """By the keys on the screen."""
    page.get_by_role("button", name="Use your code").click()
    for digit in pin:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Done").click()


def by_hand(page: Page, digits: str) -> None:
    """On a keyboard, not as fast as a reader."""
    page.keyboard.type(digits, delay=120)


def read_badge(page: Page, badge: str) -> None:
    """As a reader types it: all at once, with Enter at the end."""
    page.evaluate(
        """(badge) => {
          for (const key of [...badge, "Enter"]) {
            const typed = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
            document.activeElement.dispatchEvent(typed);
          }
        }""",
        badge,
    )


def entries_of(api: Api, person: str) -> list[Json]:
    found: list[Json] = api.get("attendance/entries", personId=person)
    return found
