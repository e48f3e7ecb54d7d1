"""What browser tests share: a Chromium, a server with an Admin, and the demo's films and portraits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from server.demo.pictures import astronaut, read_picture
from tests.browser.chromium import NARROW, Visit, chromium, find_chromium
from tests.journeys.client import Api
from tests.journeys.films import jpeg
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.sources import DemoSources


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One for a module: Playwright's loop must be gone before tests that have one of their own."""
    with chromium(chromium_path) as started:
        yield started


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, demo: DemoSources, chromium_path: str) -> Iterator[RollcallServer]:
    """A server without cameras and people; a test that adds some takes them away."""
    folder = tmp_path_factory.mktemp("site")
    with RollcallServer(folder, roots=[demo.folder], settings={"ROLLCALL_SIGHTINGS__GAP_S": "1"}) as running:
        yield running


@pytest.fixture
def api(site: RollcallServer) -> Iterator[Api]:
    with site.login() as signed_in:
        yield signed_in
        for area in ("kiosks", "cameras", "people"):
            for each in signed_in.get(area, pageSize=200):
                signed_in.call("DELETE", f"{area}/{each['id']}", 204)


@pytest.fixture
def visitor(site: RollcallServer, browser: Browser) -> Iterator[Visit]:
    """Somebody who is not signed in."""
    with Visit.of(browser, site.url) as visit:
        yield visit


@pytest.fixture
def admin(visitor: Visit) -> Visit:
    return visitor.sign_in(ADMIN, PASSWORD)


@pytest.fixture(scope="session")
def two_faces() -> bytes:
    """A picture that cannot be enrolled."""
    face = read_picture(astronaut())[:400, 60:460]
    import numpy as np

    return jpeg(np.asarray(np.hstack([face, face[:, ::-1]]), np.uint8))


@pytest.fixture
def phone(site: RollcallServer, browser: Browser) -> Iterator[Visit]:
    """The administrator, on a narrow screen in the dark."""
    with Visit.of(browser, site.url, size=NARROW, dark=True) as visit:
        yield visit.sign_in(ADMIN, PASSWORD)
