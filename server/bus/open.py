"""From the setting to the bus."""

from server.bus.channels import Bus
from server.bus.memory import MemoryBus
from server.bus.redis import RedisBus
from server.errors import Invalid


def open_bus(url: str) -> Bus:
    """`memory://`, `redis://…` or `rediss://…`. Its `run()` needs an owner."""
    if url.startswith("memory://"):
        return MemoryBus()
    if url.startswith(("redis://", "rediss://", "unix://")):
        return RedisBus(url)
    raise Invalid.field("bus.url", "not_known", "The bus is memory:// or redis://.")
