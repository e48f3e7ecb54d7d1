"""What visitors do on several pages."""

from playwright.sync_api import Locator, Page, expect


def add_person(page: Page, name: str) -> None:
    """By the button and its form, on to the sheet with the photos."""
    page.get_by_role("button", name="Add a person").first.click()
    page.get_by_label("Full name").fill(name)
    page.get_by_role("button", name="Add and go on to photos").click()
    expect(page.get_by_role("dialog", name="Person")).to_contain_text(name)


def tile(page: Page, name: str) -> Locator:
    """The camera's tile on the wall."""
    return page.get_by_role("article", name=name, exact=True)


def wait_for_video(page: Page, name: str, timeout_ms: int = 60_000) -> Locator:
    """The camera's tile, once video moves in it."""
    found = tile(page, name)
    expect(found).to_have_attribute("data-shows", "video", timeout=timeout_ms)
    return found
