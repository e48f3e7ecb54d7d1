"""From the setting to the bus."""

import pytest

from server.bus.memory import MemoryBus
from server.bus.open import open_bus
from server.bus.redis import RedisBus
from server.errors import Invalid


def test_the_setting_says_which() -> None:
    """Opening connects to nothing yet."""
    assert isinstance(open_bus("memory://"), MemoryBus)
    assert isinstance(open_bus("redis://127.0.0.1:1"), RedisBus)
    with pytest.raises(Invalid):
        open_bus("kafka://here")
