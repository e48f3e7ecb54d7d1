"""Zones, masks and lines on the picture of a camera: drawn, moved, named and removed, by mouse and by keyboard."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api, Json
from tests.journeys.server import PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
VIEWER = "zones-viewer@site.example"
SQUARE = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]
Spot = tuple[float, float]


@pytest.fixture(scope="module")
def viewer_email(site: RollcallServer) -> str:
    site.add_user(VIEWER, "Viewer")
    return VIEWER


@pytest.fixture
def switched_off(api: Api) -> str:
    """A camera without a picture."""
    camera_id: str = api.post("cameras", {"name": "Gate", "kind": "push", "enabled": False})["id"]
    return camera_id


def opened(page: Page, name: str) -> Locator:
    page.get_by_role("button", name=f"Zones and masks of {name}").click()
    return page.get_by_role("dialog", name=f"Zones and masks of “{name}”")


def spot(page: Page, x: float, y: float) -> Spot:
    """Where this share of the picture is on the page."""
    box = page.locator(".zones-surface").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def click(page: Page, *points: Spot) -> None:
    for x, y in points:
        page.mouse.click(*spot(page, x, y))


def drag(page: Page, start: Spot, end: Spot) -> None:
    page.mouse.move(*spot(page, *start))
    page.mouse.down()
    page.mouse.move(*spot(page, *end), steps=4)
    page.mouse.up()


def near(points: Sequence[Sequence[float]], *wanted: Spot) -> bool:
    """Within a hundredth: a click falls upon a whole pixel."""
    return len(points) == len(wanted) and all(
        abs(value - should) < 0.01 for point, meant in zip(points, wanted, strict=True)
        for value, should in zip(point, meant, strict=True)
    )  # fmt: skip


def corner(dialog: Locator, number: int) -> Locator:
    return dialog.get_by_role("button", name=f"Corner {number} of")


def test_a_mask_and_a_line_are_drawn_with_the_mouse(admin: Visit, api: Api, demo: DemoSources) -> None:
    """On the picture; corners and the whole are dragged, the mask is painted over, two presses delete one."""
    camera = api.add_camera("Entrance", demo.entrance)
    page = admin.open("/cameras")
    expect(page.get_by_role("row").filter(has_text="Entrance")).to_contain_text("Online", timeout=MINUTE)
    dialog = opened(page, "Entrance")
    expect(dialog.get_by_role("img", name="Picture of Entrance", exact=True)).not_to_have_js_property("naturalWidth", 0)
    expect(dialog).to_contain_text("No zones yet")
    dialog.get_by_role("button", name="Privacy mask").click()
    click(page, (0.1, 0.1), (0.4, 0.1), (0.4, 0.5), (0.1, 0.5))
    click(page, (0.1, 0.1))  # upon the first corner
    expect(corner(dialog, 4)).to_be_visible()
    drag(page, (0.4, 0.5), (0.5, 0.6))
    drag(page, (0.25, 0.2), (0.35, 0.2))
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Mask 1")
    with page.expect_response("**/snapshot.jpg?width=1280"):  # painted over
        dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Line").click()
    click(page, (0.7, 0.9), (0.7, 0.1))
    way = dialog.get_by_label("The way in")
    expect(way.locator("option:checked")).to_have_text("→ to the right")
    way.select_option(label="← to the left")
    assert unnamed_controls(page) == []
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    mask, line = api.get(f"cameras/{camera}/zones")
    assert (mask["kind"], mask["direction"]) == ("mask", None)
    assert near(mask["points"], (0.2, 0.1), (0.5, 0.1), (0.6, 0.6), (0.2, 0.5)), mask["points"]
    assert (line["kind"], line["direction"]) == ("line", "out")
    assert near(line["points"], (0.7, 0.9), (0.7, 0.1)), line["points"]
    assert unnamed_controls(page) == []
    dialog.get_by_role("button", name="Delete Mask 1").click()
    assert len(api.get(f"cameras/{camera}/zones")) == 2
    dialog.get_by_role("button", name="for good").click()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    assert [one["name"] for one in api.get(f"cameras/{camera}/zones")] == ["Line 1"]
    expect(dialog.get_by_role("button", name="Change Line 1")).to_be_focused()


def test_by_keyboard_alone(admin: Visit, api: Api, switched_off: str) -> None:
    """Without a picture too: put in the middle, corners moved, added, removed; Escape gives up and leaves the sheet."""
    page = admin.open("/cameras")
    dialog = opened(page, "Gate")
    expect(dialog).to_contain_text("Switched off by an administrator.")
    expect(dialog).to_contain_text("No zones yet")
    dialog.get_by_role("button", name="Ignored").press("Enter")
    page.keyboard.press("Enter")
    expect(corner(dialog, 1)).to_be_focused()
    expect(corner(dialog, 1)).to_have_accessible_name("Corner 1 of 4, 35 % from the left, 35 % from the top")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    expect(corner(dialog, 1)).to_have_accessible_name("Corner 1 of 4, 34 % from the left, 30 % from the top")
    expect(dialog.get_by_role("status").last).to_have_text("34 % from the left, 30 % from the top")
    page.keyboard.press("+")
    expect(dialog.get_by_role("button", name="Corner 2 of 5")).to_be_focused()
    page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    expect(dialog.get_by_role("button", name="Corner 2 of 3")).to_be_focused()
    page.keyboard.press("Delete")
    expect(dialog.get_by_role("alert")).to_have_text("A zone keeps at least three corners, a line both ends.")
    expect(dialog).to_contain_text("3 corners")
    dialog.get_by_label("Name", exact=True).fill("Poster")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Change Poster")).to_be_focused()
    [zone] = api.get(f"cameras/{switched_off}/zones")
    assert (zone["name"], zone["kind"]) == ("Poster", "ignore")
    assert zone["points"] == [[0.34, 0.3], [0.65, 0.65], [0.35, 0.65]]
    page.keyboard.press("Enter")
    dialog.get_by_label("Name", exact=True).fill("Screen")
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("button", name="Change Poster")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert [one["name"] for one in api.get(f"cameras/{switched_off}/zones")] == ["Poster"]


def test_what_is_wrong_is_said_beside_it(admin: Visit, api: Api, switched_off: str) -> None:
    """Edges that cross, a name that is taken; and what somebody else changed meanwhile is not written over."""
    url = f"cameras/{switched_off}/zones"
    zone: Json = api.post(url, {"name": "Door", "kind": "count", "points": SQUARE})
    api.post(url, {"name": "Street", "kind": "ignore", "points": SQUARE[:3]})
    page = admin.open("/cameras")
    dialog = opened(page, "Gate")
    dialog.get_by_role("button", name="Change Door").click()
    drag(page, (0.2, 0.2), (0.8, 0.4))
    dialog.get_by_role("button", name="Save").click()
    shape = dialog.get_by_role("group", name="Shape")
    expect(shape.get_by_role("alert")).to_contain_text("Edges cross each other.")
    expect(shape).to_have_accessible_description("Edges cross each other. Move a corner so that they do not.")
    drag(page, (0.8, 0.4), (0.2, 0.2))
    expect(shape.get_by_role("alert")).to_be_hidden()
    name = dialog.get_by_label("Name", exact=True)
    name.fill("Street")
    dialog.get_by_role("button", name="Save").click()
    expect(name).to_have_accessible_description("Another zone of this camera has this name.")
    name.fill("Front door")
    page.mouse.click(5, 5)  # beside the sheet, which stays
    expect(dialog).to_contain_text("Save this zone or cancel it first.")
    api.call("PUT", f"{url}/{zone['id']}", 200, json={"direction": "in"})
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Somebody else changed this zone meanwhile.")
    dialog.get_by_role("button", name="Load again").click()
    dialog.get_by_role("button", name="Change Door").click()
    expect(dialog.get_by_label("Entering it means")).to_have_value("in")
    name.fill("Front door")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("button", name="Change Front door")).to_be_focused()
    assert [(one["name"], one["direction"]) for one in api.get(url)] == [("Front door", "in"), ("Street", None)]


def test_on_a_phone_and_for_who_only_looks(
    phone: Visit, visitor: Visit, api: Api, switched_off: str, viewer_email: str
) -> None:
    """It fits beside a thumb; whoever may not change cameras sees the zones in words and on the picture, no more."""
    url = f"cameras/{switched_off}/zones"
    for kind in ("count", "ignore", "mask"):
        api.post(url, {"name": f"A {kind}", "kind": kind, "points": SQUARE})
    api.post(url, {"name": "The step", "kind": "line", "points": SQUARE[:2], "direction": "in"})
    page = phone.open("/cameras")
    dialog = opened(page, "Gate")
    expect(dialog.get_by_role("listitem")).to_have_count(4)
    dialog.get_by_role("button", name="Change The step").click()
    expect(dialog.get_by_label("The way in")).to_be_in_viewport()
    expect(dialog.get_by_role("button", name="End 1 of 2")).to_be_in_viewport()
    assert overflow_px(page) == 0
    assert page.locator(".zones").evaluate("zones => zones.scrollWidth - zones.clientWidth") == 0
    assert unnamed_controls(page) == []
    page = visitor.sign_in(viewer_email, PASSWORD).open("/cameras")
    dialog = opened(page, "Gate")
    expect(dialog.get_by_role("listitem")).to_have_count(4)
    for words in ("Faces count here", "Ignored", "Privacy mask", "Line"):
        expect(dialog.get_by_role("list")).to_contain_text(words)
    picture = dialog.get_by_role("img", name="Zones on the picture of Gate: A mask, A ignore, A count, The step")
    expect(picture).to_be_visible()
    picture.click()
    for words in ("Change", "Delete", "Privacy mask", "Corner"):
        expect(dialog.get_by_role("button", name=words)).to_have_count(0)
