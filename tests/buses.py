"""The buses that tests run on: one in memory, and two ends of one on Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.bus.channels import Bus
from server.bus.memory import MemoryBus
from server.bus.redis import RedisBus
from server.ids import new_id


@pytest.fixture(params=["memory", "redis"])
async def buses(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Bus, Bus]]:
    """What two processes would hold: one and the same in memory, two on Redis."""
    if request.param == "memory":
        bus = MemoryBus()
        yield bus, bus
        return
    server: str = request.getfixturevalue("redis_server")
    prefix = f"test-{new_id()}:"
    pair = RedisBus(server, prefix=prefix), RedisBus(server, prefix=prefix)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(bus.run()) for bus in pair]
        async with asyncio.timeout(5):
            await asyncio.gather(*(bus.listening() for bus in pair))
        yield pair
        for task in running:
            task.cancel()
