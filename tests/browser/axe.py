"""What axe finds on a page: the rules of WCAG 2.2, levels A and AA."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.chromium import NARROW, WIDE, overflow_px, unnamed_controls

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
AXE = Axe()


def violations(page: Page) -> list[str]:
    """A line for each element that breaks a rule: the rule, where, and what to do."""
    found = AXE.run(page, options={"runOnly": {"type": "tag", "values": list(TAGS)}}).response
    assert found["passes"], "axe has looked at nothing"
    return [line for rule in found["violations"] for node in rule["nodes"] for line in [_line(rule, node)]]


def look(page: Page) -> None:
    """At every width nothing sticks out, everything has a name, and axe finds nothing; light and dark."""
    for width, height in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": height})
        assert overflow_px(page) <= 0, width
    assert unnamed_controls(page) == []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
        assert violations(page) == []
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


def _line(rule: dict[str, Any], node: dict[str, Any]) -> str:
    why = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return f"{rule['id']}: {' '.join(map(str, node['target']))}: {'; '.join(why)}"
