"""The bus within one process; what every bus does is in test_channels.py."""

import asyncio

import pytest

from server.bus.memory import MemoryBus


async def test_it_runs_until_cancelled() -> None:
    """Like every bus, so that the owner need not ask which one it is."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await MemoryBus().run()
