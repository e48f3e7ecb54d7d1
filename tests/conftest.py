"""What all tests may use, and which of them run together where there are several workers."""

from pathlib import Path

import pytest

from tests.servers import postgresql_server as postgresql_server
from tests.servers import redis_server as redis_server
from tests.sources import demo as demo
from tests.sources import portraits as portraits

# Each of these starts servers of its own that its tests share.
TOGETHER = ("browser", "journeys", "commands")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        room = item.path.relative_to(HERE).parts[0]
        if room in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(room))
