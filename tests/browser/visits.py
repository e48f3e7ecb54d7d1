"""What visitors do on several pages."""

from playwright.sync_api import Page, expect


def add_person(page: Page, name: str) -> None:
    """By the button and its form, on to the sheet with the photos."""
    page.get_by_role("button", name="Add a person").first.click()
    page.get_by_label("Full name").fill(name)
    page.get_by_role("button", name="Add and go on to photos").click()
    expect(page.get_by_role("dialog", name="Person")).to_contain_text(name)
