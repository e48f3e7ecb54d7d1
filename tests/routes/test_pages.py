"""Pages: who gets which, where signing in leads, and what each page may contain."""

import re
from dataclasses import replace

import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.requests import Request

from server.assets import asset
from server.routes.pages import NAVIGATION, Pages, local_path
from tests.routes.pages_shown import ADMIN, NARROW, SHOWN, VIEWER, Gate, Page, SignedIn, browser


async def every_page() -> list[tuple[str, Response]]:
    shown: list[tuple[str, Response]] = []
    for principal in (ADMIN, VIEWER, None):
        async with browser(principal) as client:
            for path in (*SHOWN, "/login", "/nowhere"):
                response = await client.get(path)
                if response.status_code in (200, 404):
                    shown.append((f"{path} of {principal.role if principal else 'nobody'}", response))
    return shown


@pytest.mark.parametrize(
    "path", ["/", "/cameras", "/people", "/attendance", "/attendance/working-time", "/account", "/settings", "/jobs"]
)
async def test_signed_out(path: str) -> None:
    """Who is not signed in is sent to sign in, and comes back to the page that was asked for."""
    async with browser(None) as client:
        response = await client.get(f"{path}?person=a b")
    assert response.status_code == 303
    assert response.headers["location"] == f"/login?next={path}%3Fperson%3Da%2520b"


async def test_who_must_change_the_password() -> None:
    """Every page leads to the new password first, and from there on; the page itself does not lead to itself."""
    async with browser(replace(VIEWER, must_change_password=True)) as client:
        sent = await client.get("/people")
        assert (sent.status_code, sent.headers["location"]) == (303, "/password?next=/people")
        page = await client.get("/password?next=/people")
        assert page.status_code == 200
        assert 'data-onward="/people"' in page.text
        assert "An administrator has set your password" in page.text


async def test_the_first_administrator() -> None:
    """The set-up page is there while there is nobody, with the code of the address in its field; afterwards never."""
    async with browser(None, nobody_yet=True) as client:
        page = await client.get("/setup?code=ABCDEF2345")
        assert page.status_code == 200
        assert 'value="ABCDEF2345"' in page.text
        assert "Nobody can sign in yet" in (await client.get("/login")).text
    async with browser(None) as client:
        gone = await client.get("/setup?code=ABCDEF2345")
        assert (gone.status_code, gone.headers["location"]) == (303, "/login")
        assert "Nobody can sign in yet" not in (await client.get("/login")).text


async def test_kiosk_is_open() -> None:
    """The kiosk opens without signing in, says so to its module, and shows no navigation."""
    async with browser(None) as client:
        response = await client.get("/kiosk")
    page = Page(response.text)
    assert response.status_code == 200
    assert "data-signed-in" not in page.all("body")[0][0]
    assert page.all("nav") == []


async def test_kiosk_of_somebody() -> None:
    """Signed in, the kiosk knows it, and still shows no operator's controls."""
    async with browser(ADMIN) as client:
        page = Page((await client.get("/kiosk")).text)
    assert "data-signed-in" in page.all("body")[0][0]
    assert page.all("nav") == []
    assert all("data-sign-out" not in attrs for attrs, _ in page.all("button"))


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\tevil",
        "/\n/evil.example",
        "javascript:alert(1)",
        "people",
        "/login?next=/login",
        "",
        None,
    ],
)
def test_open_redirect(target: str | None) -> None:
    """Only a path of this site is gone on to; anything else becomes the wall."""
    assert local_path(target) == "/"


def test_local_path() -> None:
    """A path of this site is kept with its query."""
    assert local_path("/people?person=1&x=//y") == "/people?person=1&x=//y"


async def test_login_when_signed_in() -> None:
    """Who is signed in does not see the login again."""
    async with browser(ADMIN) as client:
        inside = await client.get("/login", params={"next": "/people"})
        outside = await client.get("/login", params={"next": "https://evil.example"})
    assert (inside.status_code, inside.headers["location"]) == (303, "/people")
    assert outside.headers["location"] == "/"


async def test_login_onward() -> None:
    """The login page carries only a checked path, and says where you are."""
    async with browser(None) as client:
        refused = Page((await client.get("/login", params={"next": "//evil.example"})).text)
        kept = (await client.get("/login", params={"next": "/people"})).text
    assert refused.all("form")[0][0]["data-onward"] == "/"
    assert Page(kept).all("form")[0][0]["data-onward"] == "/people"
    assert "door.example" in kept


async def test_login_form() -> None:
    """A password manager recognises the fields."""
    async with browser(None) as client:
        page = Page((await client.get("/login")).text)
    fields = {attrs["name"]: attrs for attrs, _ in page.all("input")}
    assert fields["username"]["autocomplete"] == "username"
    assert fields["password"]["autocomplete"] == "current-password"


async def test_no_permission() -> None:
    """A page that a role does not include answers 403 in the same design, and is not in the navigation."""
    async with browser(NARROW) as client:
        response = await client.get("/people")
    assert response.status_code == 403
    assert "This page is not open to you" in response.text
    items = [attrs["href"] for attrs, _ in Page(response.text).all("a") if "nav-item" in attrs.get("class", "")]
    assert items == ["/", "/cameras"]


async def test_not_found() -> None:
    """An address that does not exist gets a page that says what to do."""
    async with browser(ADMIN) as client:
        response = await client.get("/nowhere")
    assert response.status_code == 404
    assert "There is no such page" in response.text
    assert ("Go to the live wall") in response.text


async def test_error_page_of_other_status() -> None:
    """An error without words of its own has the general ones."""
    app = Starlette()
    app.state.pages = Gate(None)
    request = Request({"type": "http", "app": app, "method": "GET", "path": "/", "headers": [], "query_string": b""})
    response = await Pages().error(request, 500)
    assert response.status_code == 500
    assert b"Something went wrong" in response.body


async def test_who_is_shown_and_escaped() -> None:
    """The page shows name and role, escaped, and hands the module token and permissions."""
    async with browser(ADMIN) as client:
        response = await client.get("/")
    page = Page(response.text)
    assert "<Admin>" not in response.text
    assert any('Ada <Admin> "A"' in text for _, text in page.all("b"))
    assert {"csrf-token": "token of admin@example.com"}.items() <= {
        attrs.get("name", ""): attrs.get("content", "") for attrs, _ in page.all("meta")
    }.items()
    assert page.all("body")[0][0]["data-permissions"].split() == sorted(ADMIN.permissions)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/cameras", "/people", "/attendance"])
async def test_viewer(path: str) -> None:
    """What a Viewer may not do is not on the page; an Admin finds it there."""
    controls = {
        "/": ["data-unknown-list"],
        "/cameras": ["data-add", "data-camera-sheet", "data-wizard", "data-removal"],
        "/people": ["data-add", "data-add-form", "data-poses-shutter"],
        "/attendance": ["data-waiting-count", "data-working-time-link"],
    }[path]
    async with browser(VIEWER) as client:
        viewer = Page((await client.get(path)).text)
    async with browser(ADMIN) as client:
        admin = Page((await client.get(path)).text)
    for control in controls:
        assert not [attrs for _, attrs, _ in viewer.elements if control in attrs]
        assert [attrs for _, attrs, _ in admin.elements if control in attrs]


@pytest.mark.parametrize("tab", ["now", "today", "month", "person", "charts"])
async def test_the_tabs_of_attendance(tab: str) -> None:
    """Each has an address of its own, and the one that is asked for is marked before any script has run."""
    async with browser(VIEWER) as client:
        page = Page((await client.get(f"/attendance?tab={tab}")).text)
    tabs = [attrs for attrs, _ in page.all("a") if "tab" in attrs.get("class", "").split()]
    assert [attrs["href"] for attrs in tabs if attrs.get("aria-current") == "page"] == [f"/attendance?tab={tab}"]
    assert [attrs["data-tab-link"] for attrs in tabs] == ["now", "today", "month", "person", "charts"]


async def test_current_page_is_marked() -> None:
    """The navigation says where you are."""
    async with browser(ADMIN) as client:
        page = Page((await client.get("/people")).text)
    marked = [attrs["href"] for attrs, _ in page.all("a") if attrs.get("aria-current") == "page"]
    assert marked == ["/people"]


async def test_nothing_inline() -> None:
    """No page has an inline script, style or listener: the security policy would refuse it."""
    for name, response in await every_page():
        page = Page(response.text)
        assert page.all("style") == [], name
        for tag, attrs, words in page.elements:
            assert "style" not in attrs, (name, tag)
            assert not [key for key in attrs if key.startswith("on")], (name, tag)
            assert tag != "script" or (attrs.get("src") and not "".join(words).strip()), name


async def test_links_lead_somewhere() -> None:
    """Every file that a page names is there, every symbol is in the sprite, and every entry of the navigation opens."""
    sprite = (asset("web") / "static" / "icons.svg").read_text()
    symbols = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    for name, response in await every_page():
        for tag, attrs, _ in Page(response.text).elements:
            target = attrs.get("src") or attrs.get("href") or ""
            if target.startswith("/static/"):
                path, _, symbol = target.removeprefix("/static/").partition("#")
                assert (asset("web") / "static" / path).is_file(), (name, target)
                assert not symbol or symbol in symbols, (name, tag, target)
    async with browser(ADMIN) as client:
        for item in NAVIGATION:
            assert (await client.get(item.path)).status_code == 200


async def test_everything_has_a_name() -> None:
    """Each button, link, input, dialog and picture has a name for a screen reader."""
    for name, response in await every_page():
        page = Page(response.text)
        labelled = {attrs["for"] for attrs, text in page.all("label") if attrs.get("for") and text}
        ids = {attrs["id"] for _, attrs, _ in page.elements if attrs.get("id")}
        for attrs, text in page.all("button", "a"):
            assert attrs.get("aria-label") or text, (name, attrs)
        for attrs, _ in page.all("input"):
            inside_label = attrs.get("type") == "radio"
            assert attrs.get("aria-label") or attrs.get("id") in labelled or inside_label, (name, attrs)
        for attrs, _ in page.all("dialog"):
            assert attrs["aria-labelledby"] in ids, (name, attrs)
        for attrs, _ in page.all("img"):
            assert "alt" in attrs, (name, attrs)
        for attrs, _ in page.all("svg"):
            assert attrs.get("aria-hidden") == "true", (name, attrs)


async def test_modules_import_what_exists() -> None:
    """Each module imports only files that are there, and shows only sentences of the map."""
    scripts = asset("web") / "static" / "js"
    keys = set(re.findall(r'^  "([\w.]+)":', (scripts / "text.js").read_text(), re.MULTILINE))
    keys |= set(re.findall(r'^msgctxt "([\w.]+)"$', (asset("web") / "locales" / "kiosk.pot").read_text(), re.MULTILINE))
    for module in scripts.rglob("*.js"):
        text = module.read_text()
        for target in re.findall(r'from "([^"]+)"', text):
            found = scripts.parent / target.removeprefix("/static/") if target[0] == "/" else module.parent / target
            assert found.is_file(), (module.name, target)
        for key in re.findall(r'(?<![#.\w])say\("([\w.]+)"', text):
            assert key in keys, (module.name, key)


async def test_static_files_are_cached_and_asked_about() -> None:
    """A browser keeps a static file, asks each time, and gets 304 while it is the same."""
    async with browser(None) as client:
        first = await client.get("/static/css/rollcall.css")
        again = await client.get("/static/css/rollcall.css", headers={"If-None-Match": first.headers["etag"]})
        outside = await client.get("/static/../templates/layout.html")
    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert outside.status_code == 404


async def test_the_bar_names_the_site() -> None:
    """As an administrator has named it, as text."""
    async with browser(VIEWER) as client:
        page = Page((await client.get("/")).text)
    assert [words for attrs, words in page.all("span") if attrs.get("class") == "brand-name"] == ["Works <North>"]


async def test_sections_of_the_settings() -> None:
    """Those that somebody may see, each with a way to it and its buttons as far as they may."""
    readers = SignedIn("Rea", "rea@example.com", "Reader", frozenset({"settings:read", "events:read"}))
    nothing = SignedIn("Noa", "noa@example.com", "Some", frozenset({"settings:read"}))
    shown = {}
    for principal in (ADMIN, readers, nothing):
        async with browser(principal) as client:
            text = (await client.get("/settings")).text
        shown[principal.role] = ('id="webhooks"' in text, 'href="#webhooks"' in text, "Add a webhook" in text)
    assert shown == {"Admin": (True, True, True), "Reader": (True, True, False), "Some": (False, False, False)}


async def test_reports_are_added_by_who_may_see_what_is_in_them() -> None:
    """A section of the settings; adding one needs the right to read days as well."""
    may = frozenset({"settings:read", "events:read", "events:write"})
    writers = SignedIn("Wil", "wil@example.com", "Writer", may | {"attendance:read"})
    readers = SignedIn("Rea", "rea@example.com", "Reader", may)
    nothing = SignedIn("Noa", "noa@example.com", "Some", frozenset({"settings:read", "attendance:read"}))
    shown = {}
    for principal in (writers, readers, nothing):
        async with browser(principal) as client:
            text = (await client.get("/settings")).text
        shown[principal.role] = ('id="reports"' in text, 'data-zone="Europe/Berlin"' in text, "Add a report" in text)
    assert shown == {"Writer": (True, True, True), "Reader": (True, True, False), "Some": (False, False, False)}


async def test_kiosks_are_for_who_may_see_them() -> None:
    """A section of the settings; without the right to change them, no button for a new one."""
    may = frozenset({"settings:read", "kiosks:read"})
    writers = SignedIn("Wil", "wil@example.com", "Writer", may | {"kiosks:write"})
    readers = SignedIn("Rea", "rea@example.com", "Reader", may)
    nothing = SignedIn("Noa", "noa@example.com", "Some", frozenset({"settings:read", "kiosks:write"}))
    shown = {}
    for principal in (writers, readers, nothing):
        async with browser(principal) as client:
            text = (await client.get("/settings")).text
        shown[principal.role] = ('id="kiosks"' in text, 'href="#kiosks"' in text, "Add a kiosk" in text)
    assert shown == {"Writer": (True, True, True), "Reader": (True, True, False), "Some": (False, False, False)}


async def test_working_time_is_for_who_plans_it() -> None:
    """Without the right to change it there is no page, and the navigation still says where one is."""
    async with browser(VIEWER) as client:
        refused = await client.get("/attendance/working-time")
    async with browser(ADMIN) as client:
        page = Page((await client.get("/attendance/working-time?show=leave")).text)
    assert refused.status_code == 403
    marked = [attrs["href"] for attrs, _ in page.all("a") if attrs.get("aria-current")]
    assert marked == ["/attendance", "/attendance/working-time?show=leave"]
