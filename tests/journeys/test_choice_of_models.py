"""`rollcall models use` beside a running server: new templates are made, and then it recognises by the new pack."""

import time
from collections.abc import Iterator

import pytest

from tests.journeys.client import Api, photo_file
from tests.journeys.server import RollcallServer
from tests.sources import DemoSources
from tests.twin_pack import make_twin

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    folder = tmp_path_factory.mktemp("choice")
    make_twin(folder / "data" / "models")
    with RollcallServer(folder) as running:
        yield running


def in_use(api: Api) -> str:
    name: str = api.get("system/models")["embedder"]["name"]
    return name


def test_another_embedder_needs_no_restart(server: RollcallServer, api: Api, demo: DemoSources) -> None:
    """The job is heard of, the pack changes by itself, and a photo still finds the person."""
    person = api.enrol("Eileen Collins", demo.collins)
    assert in_use(api) == "mobilefacenet"
    with server.subscriber(api.token) as hears:
        hears.subscribe("jobs")
        chosen = server.command("models", "use", "twin")
        assert chosen.returncode == 0, chosen.stderr
        assert "a server that runs notices it by itself" in chosen.stdout
        done = hears.event("job.done", lambda data: data["kind"] == "templates-rebuild")["data"]
    assert (done["done"], done["error"]) == (done["total"], None)
    until = time.monotonic() + 60
    while in_use(api) != "twin":
        assert time.monotonic() < until, "the server stays with the old pack"
        time.sleep(0.3)
    [found] = api.call("POST", "people/search", 200, files=photo_file(demo.collins))
    assert (found["person"]["id"], found["recognized"]) == (person, True)
