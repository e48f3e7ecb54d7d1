"""The page of the cameras: looked at before they are added, seen changing, changed, and deleted."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Visit, overflow_px, unnamed_controls
from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer
from tests.sources import DemoSources

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MINUTE = 60_000
NOBODY_THERE = "http://127.0.0.1:9/video"
VIEWER = "cameras-viewer@site.example"
DEVICES = [
    {"address": "http://127.0.0.1:8899/onvif/device_service", "name": "Front door", "hardware": "X1", "location": ""},
    {"address": "http://127.0.0.2:8899/onvif/device_service", "name": "", "hardware": "", "location": ""},
]


@pytest.fixture(scope="module")
def viewer_email(site: RollcallServer) -> str:
    site.add_user(VIEWER, "Viewer")
    return VIEWER


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def wizard(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Add a camera")


def begin_by_address(page: Page, kind: str, label: str, source: object) -> Locator:
    """The wizard with this address in its field."""
    page.get_by_role("button", name="Add a camera").first.click()
    dialog = wizard(page)
    dialog.get_by_role("button", name="Address").click()
    dialog.get_by_label("Kind").select_option(kind)
    dialog.get_by_label(label, exact=True).fill(str(source))
    return dialog


def answer(page: Page, path: str, data: object, status: int = 200) -> None:
    """The network of the tests has no cameras to find."""
    body = {"success": status < 400, "data" if status < 400 else "error": data}
    page.route(
        f"**/api/v1/{path}*",
        lambda route: route.fulfill(status=status, content_type="application/json", body=json.dumps(body)),
    )


def test_a_camera_is_seen_before_it_is_added(admin: Visit, api: Api, demo: DemoSources) -> None:
    """The empty list says what to do first; the address is tried, its picture and facts shown, and the row is live."""
    page = admin.open("/cameras")
    expect(page.get_by_text("No cameras yet")).to_be_visible()
    dialog = begin_by_address(page, "file", "Path of the film", demo.entrance)
    dialog.get_by_role("button", name="Show its picture").click()
    picture = dialog.get_by_role("img", name="What the camera shows now")
    expect(picture).to_be_visible()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    for fact in ("1280 × 720", "H.264", "Mbit/s", "Browsers show it as it is."):
        expect(dialog).to_contain_text(fact)
    dialog.get_by_role("button", name="Add the camera").click()
    expect(dialog).to_contain_text("Enter a name")
    dialog.get_by_label("Name", exact=True).fill("Entrance")
    dialog.get_by_label("Who passes this camera").select_option("in")
    dialog.get_by_role("button", name="Add the camera").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("“Entrance” is added.")).to_be_visible()
    expect(page.locator("[data-add]")).to_be_focused()
    shown = row(page, "Entrance")
    for words in ("Film file · Way in", "Online", "1280 × 720", "Mbit/s", "ms"):
        expect(shown).to_contain_text(words, timeout=MINUTE)
    expect(shown.locator("img")).not_to_have_js_property("naturalWidth", 0)
    [camera] = api.get("cameras")
    assert (camera["kind"], camera["role"], camera["source"]) == ("file", "in", str(demo.entrance))


def test_an_address_that_is_refused_says_why_beside_it(admin: Visit, api: Api) -> None:
    """It can be added all the same, and the list tells its state and the reason in words."""
    page = admin.open("/cameras")
    dialog = begin_by_address(page, "http", "Address", NOBODY_THERE)
    dialog.get_by_role("button", name="Show its picture").click()
    address = dialog.get_by_label("Address", exact=True)
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(address).to_be_focused()
    expect(address).to_have_accessible_description(re.compile("The camera refused the connection"))
    dialog.get_by_role("button", name="Add it anyway").click()
    dialog.get_by_label("Name", exact=True).fill("Gate")
    dialog.get_by_role("button", name="Add the camera").click()
    expect(row(page, "Gate")).to_contain_text("Offline", timeout=MINUTE)
    expect(row(page, "Gate")).to_contain_text("The camera refused the connection.")
    dialog = begin_by_address(page, "file", "Path of the film", "/etc/hostname")
    dialog.get_by_role("button", name="Show its picture").click()
    expect(dialog).to_contain_text("not in one of the folders")
    expect(dialog.get_by_role("button", name="Add it anyway")).to_have_count(0)


def test_a_camera_is_edited(admin: Visit, api: Api, demo: DemoSources) -> None:
    """A wrong address is said beside its field; what somebody else changed meanwhile is not written over."""
    camera = api.add_camera("Entrance", demo.entrance)
    page = admin.open("/cameras")
    page.get_by_role("button", name="Edit Entrance").click()
    sheet = page.get_by_role("dialog", name="Entrance")
    expect(sheet.get_by_label("Name", exact=True)).to_be_focused()
    sheet.get_by_label("Path of the film", exact=True).fill("/etc/hostname")
    sheet.get_by_label("Address of the sub stream").fill("/etc/hostname")
    sheet.get_by_role("button", name="Save").click()
    refused = sheet.locator(".field-error:visible")
    expect(refused).to_contain_text("not in one of the folders")
    sheet.get_by_label("Path of the film", exact=True).fill(str(demo.entrance))
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_label("Address of the sub stream")).to_have_attribute("aria-invalid", "true")
    api.call("PUT", f"cameras/{camera}", 200, json={"role": "both"})
    sheet.get_by_label("Address of the sub stream").fill("")
    sheet.get_by_label("Name", exact=True).fill("Front door")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_contain_text("Somebody else changed this camera meanwhile.")
    sheet.get_by_role("button", name="Load again").click()
    expect(sheet.get_by_label("Who passes this camera")).to_have_value("both")
    sheet.get_by_label("Name", exact=True).fill("Front door")
    expect(sheet.get_by_label("A face that is not shown to be alive")).to_have_value("")
    sheet.get_by_label("A face that is not shown to be alive").select_option("refuse")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_be_hidden()
    expect(row(page, "Front door")).to_contain_text("In and out")
    expect(page.get_by_role("button", name="Edit Front door")).to_be_focused()
    edited = api.get(f"cameras/{camera}")
    assert (edited["name"], edited["liveness"]) == ("Front door", "refuse")


def test_a_login_is_kept_where_it_is_left_alone(admin: Visit, api: Api) -> None:
    """The password is not shown, and the field says how to keep it."""
    source = "http://guard:a-long-secret@127.0.0.1:9/video"
    api.post("cameras", {"name": "Gate", "kind": "http", "source": source, "enabled": False})
    page = admin.open("/cameras")
    page.get_by_role("button", name="Edit Gate").click()
    sheet = page.get_by_role("dialog", name="Gate")
    expect(sheet.get_by_label("Address", exact=True)).to_have_value("http://guard@127.0.0.1:9/video")
    expect(sheet).to_contain_text("Leave it as it is to keep the password.")
    assert "a-long-secret" not in page.content()


def test_states_change_live(admin: Visit, api: Api, demo: DemoSources) -> None:
    """Stopped and started from the page and from elsewhere, added, renamed and removed elsewhere: no reload."""
    camera = api.add_camera("Entrance", demo.entrance)
    page = admin.open("/cameras")
    shown = row(page, "Entrance")
    expect(shown).to_contain_text("Online", timeout=MINUTE)
    page.get_by_role("button", name="Restart Entrance").click()
    expect(page.get_by_text("“Entrance” is opened again.")).to_be_visible()
    page.get_by_role("button", name="Stop Entrance").click()
    expect(shown).to_contain_text("Switched off")
    expect(page.get_by_text("“Entrance” is stopped.")).to_be_visible()
    start = page.get_by_role("button", name="Start Entrance")
    expect(start).to_be_focused()
    start.click()
    expect(shown).to_contain_text("Online", timeout=MINUTE)
    api.post(f"cameras/{camera}/stop", status=200)
    expect(shown).to_contain_text("Switched off")
    api.add_camera("Annex", demo.workshop, enabled=False)
    expect(page.get_by_role("rowheader")).to_contain_text(["Annex", "Entrance"])
    page.get_by_role("button", name="Name").click()
    expect(page.get_by_role("rowheader")).to_contain_text(["Entrance", "Annex"])
    api.call("PUT", f"cameras/{camera}", 200, json={"name": "Back door"})
    expect(page.get_by_role("rowheader")).to_contain_text(["Back door", "Annex"])
    page.get_by_role("searchbox").fill("nex")
    expect(page.get_by_role("rowheader")).to_contain_text(["Annex"])
    page.get_by_role("searchbox").fill("nowhere")
    expect(page.get_by_text("No camera matches “nowhere”")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    api.call("DELETE", f"cameras/{camera}", 204)
    expect(page.get_by_role("rowheader")).to_contain_text(["Annex"])
    expect(page.get_by_role("rowheader")).to_have_count(1)


def test_deleting_asks_first(admin: Visit, api: Api, demo: DemoSources) -> None:
    """The question says what becomes of its history; no means no."""
    api.add_camera("Entrance", demo.entrance, enabled=False)
    page = admin.open("/cameras")
    delete = page.get_by_role("button", name="Delete Entrance")
    delete.click()
    question = page.get_by_role("dialog", name="Delete “Entrance”?")
    expect(question).to_contain_text("Its sightings and check-ins stay, without the camera's name.")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()
    delete.click()
    question.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("“Entrance” is deleted.")).to_be_visible()
    expect(page.get_by_text("No cameras yet")).to_be_visible()
    assert api.get("cameras") == []


def test_cameras_are_found_and_asked_for_their_streams(admin: Visit, api: Api) -> None:
    """A login leads to the streams, the suggested ones chosen; what the camera refuses stands beside the password."""
    page = admin.open("/cameras")
    answer(page, "cameras/discover", DEVICES)
    answer(page, "cameras/profiles", {"code": "unauthorized", "message": "It did not accept the login."}, 503)
    page.get_by_role("button", name="Add a camera").first.click()
    dialog = wizard(page)
    dialog.get_by_role("button", name="Find cameras").click()
    expect(dialog).to_contain_text("2 cameras answered.")
    dialog.get_by_role("button", name="Front door").click()
    dialog.get_by_label("User name").fill("guard")
    dialog.get_by_label("Password").fill("right secret")
    dialog.get_by_role("button", name="Show its streams").click()
    expect(dialog.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(dialog).to_contain_text("It did not accept the login.")
    main = {"name": "Main", "codec": "hevc", "width": 2560, "height": 1440, "fps": 25.0, "bitrateKbps": 4096}
    small = {"name": "Sub", "codec": "h264", "width": 640, "height": 360, "fps": None, "bitrateKbps": None}
    sources = [f"http://guard@127.0.0.1:9/{number}" for number in (1, 2)]
    streams = [
        {**main, "source": sources[0], "suggested": "main"},
        {**small, "source": sources[1], "suggested": "sub"},
    ]
    answer(page, "cameras/profiles", streams)
    dialog.get_by_role("button", name="Show its streams").click()
    expect(dialog.get_by_label("Shown picture")).to_have_value("0")
    expect(dialog.get_by_label("Analysed picture")).to_have_value("1")
    expect(dialog).to_contain_text("2560 × 1440 · H.265 · 4.1 Mbit/s · Main")
    with page.expect_request("**/cameras/probe") as asked:
        dialog.get_by_role("button", name="Show its picture").click()
    assert "//guard:right%20secret@127.0.0.1:9/1" in (asked.value.post_data or "")
    expect(dialog.get_by_role("alert")).to_contain_text("The camera refused the connection.")
    dialog.get_by_role("button", name="Add it anyway").click()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Front door")
    assert not re.search("right.{1,3}secret", page.content())
    dialog.get_by_role("button", name="Add the camera").click()
    expect(row(page, "Front door")).to_be_visible()
    [camera] = api.get("cameras")
    assert (camera["kind"], camera["source"], camera["subSource"]) == ("http", *sources)


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        ([], 200, "No camera answered"),
        ({"code": "not_installed", "message": "Install the extra."}, 503, "This server cannot look for cameras"),
        (
            {"code": "camera_not_found", "message": "No such camera."},
            404,
            "This server cannot look for cameras",
        ),
        ({"code": "internal_error", "message": "It broke."}, 503, "It broke."),
    ],
)
def test_where_no_camera_is_found_the_address_is_asked(
    admin: Visit, api: Api, data: object, status: int, words: str
) -> None:
    """Whatever the reason, it is said in words, and the other way is one click away."""
    page = admin.open("/cameras")
    answer(page, "cameras/discover", data, status)
    page.get_by_role("button", name="Add a camera").first.click()
    dialog = wizard(page)
    dialog.get_by_role("button", name="Find cameras").click()
    expect(dialog).to_contain_text(words)
    dialog.get_by_role("button", name="Enter an address").click()
    expect(dialog.get_by_label("Address", exact=True)).to_be_visible()


def test_a_device_is_told_how_to_send_its_picture(admin: Visit, api: Api) -> None:
    """The camera is made, and the way to the wall is shown."""
    page = admin.open("/cameras")
    page.get_by_role("button", name="Add a camera").first.click()
    dialog = wizard(page)
    dialog.get_by_role("button", name="This device").click()
    dialog.get_by_label("Name", exact=True).fill("Reception desk")
    dialog.get_by_role("button", name="Add the camera").click()
    expect(dialog).to_contain_text("choose “Use this device's camera”, then “Reception desk”")
    expect(dialog.get_by_role("link", name="Open the live wall")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    expect(row(page, "Reception desk")).to_contain_text("Nobody publishes to this camera", timeout=MINUTE)
    [camera] = api.get("cameras")
    assert (camera["kind"], camera["role"]) == ("push", "monitor")


def test_a_viewer_only_looks(visitor: Visit, api: Api, demo: DemoSources, viewer_email: str) -> None:
    """The picture and the state, and no button of what may not be done."""
    api.add_camera("Entrance", demo.entrance)
    page = visitor.sign_in(viewer_email, PASSWORD).open("/cameras")
    expect(row(page, "Entrance")).to_contain_text("Online", timeout=MINUTE)
    buttons = page.get_by_role("main").get_by_role("button")
    expect(buttons).to_have_count(3)
    expect(buttons.nth(0)).to_have_text("Name")
    expect(buttons.nth(1)).to_have_accessible_name("Snapshots of Entrance")
    expect(buttons.nth(2)).to_have_accessible_name("Zones and masks of Entrance")
    expect(page.get_by_role("columnheader")).to_have_text(["Name", "State", "Picture", "Rate", "Delay", "Actions"])


def test_a_list_that_fails_can_be_tried_again(admin: Visit, api: Api) -> None:
    """What happened stands there, with the way on."""
    page = admin.context.new_page()
    page.route("**/api/v1/cameras?*", lambda route: route.abort())
    page.goto("/cameras")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.unroute("**/api/v1/cameras?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("No cameras yet")).to_be_visible()


def test_everything_has_a_name_and_fits(phone: Visit, api: Api, demo: DemoSources) -> None:
    """List, sheet, wizard and question on a phone."""
    api.add_camera("Entrance", demo.entrance)
    api.add_camera("An entrance with a name that is far too long for a phone", NOBODY_THERE, kind="http")
    page = phone.open("/cameras")

    def check() -> None:
        page.wait_for_timeout(300)
        assert unnamed_controls(page) == []
        assert overflow_px(page) <= 0

    expect(row(page, "Entrance")).to_contain_text("Online", timeout=MINUTE)
    check()
    page.get_by_role("button", name="Edit Entrance").click()
    expect(page.get_by_label("Path of the film", exact=True)).to_be_visible()
    check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete Entrance").click()
    check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add a camera").click()
    check()
    page.keyboard.press("Escape")
    dialog = begin_by_address(page, "file", "Path of the film", demo.entrance)
    check()
    dialog.get_by_role("button", name="Show its picture").click()
    expect(dialog.get_by_label("Name", exact=True)).to_be_visible()
    check()
