"""What axe finds on a page: the rules of WCAG 2.2, levels A and AA."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
AXE = Axe()


def violations(page: Page) -> list[str]:
    """A line for each element that breaks a rule: the rule, where, and what to do."""
    found = AXE.run(page, options={"runOnly": {"type": "tag", "values": list(TAGS)}}).response
    assert found["passes"], "axe has looked at nothing"
    return [line for rule in found["violations"] for node in rule["nodes"] for line in [_line(rule, node)]]


def _line(rule: dict[str, Any], node: dict[str, Any]) -> str:
    why = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return f"{rule['id']}: {' '.join(map(str, node['target']))}: {'; '.join(why)}"
