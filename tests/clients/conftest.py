"""What the tests of the clients share: a log of events, a hub, and pauses that nobody has to wait for."""

import pytest
from rollcall_client import address

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.hub import Hub
from server.store.event_log import TableLog
from tests.events.conftest import log as log
from tests.events.conftest import store as store


@pytest.fixture
def hub(log: TableLog) -> Hub:
    return Hub(log, MemoryBus(), SystemClock(), poll_s=0.2)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes back at once."""
    monkeypatch.setattr(address, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(address, "LONGEST_PAUSE_S", 0.05)
