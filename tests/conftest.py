"""What all tests may use."""

import gc

import pytest

from server.media import discovery
from tests.servers import postgresql_server as postgresql_server
from tests.servers import redis_server as redis_server
from tests.sources import demo as demo
from tests.sources import portraits as portraits
from tests.sources import two_people as two_people

# What is collected stays: to look for garbage among ten thousand tests and all modules, again and again, takes almost
# half of the time of collecting, and some of that of every test.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def no_search_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cameras are looked for on loopback only, whatever network the machine of the tests is on."""
    networks = discovery._networks
    monkeypatch.setattr(
        discovery, "_networks", lambda rules: [one for one in networks(rules) if one.startswith("127.")]
    )
