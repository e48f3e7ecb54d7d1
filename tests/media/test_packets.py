"""server/media/packets.py: a bounded queue that only ever skips to a keyframe."""

import asyncio

import pytest

from server.media.mailbox import Closed
from server.media.packets import PacketQueue
from tests.media.films import packet


async def taken(queue: PacketQueue) -> list[int]:
    return [(await queue.take()).pts for _ in range(len(queue))]


async def test_begins_with_the_group() -> None:
    """The packets handed to the constructor come first, however many they are."""
    queue = PacketQueue(4, [packet(at, key=at == 0) for at in range(6)])
    queue.put_threadsafe(packet(6))
    assert await taken(queue) == [0, 1, 2, 3, 4, 5, 6]
    assert queue.dropped == 0


async def test_begins_at_a_keyframe() -> None:
    """Without a group nothing comes before the first keyframe, and that is not a loss."""
    queue = PacketQueue(4)
    for at in range(5):
        queue.put_threadsafe(packet(at, key=at == 3))
    assert await taken(queue) == [3, 4]
    assert queue.dropped == 0


async def test_full_loses_up_to_the_next_keyframe() -> None:
    """When it is full it loses the rest of the group, counted, and goes on with a keyframe for which there is room."""
    queue = PacketQueue(3)
    for at in range(6):
        queue.put_threadsafe(packet(at, key=at == 0))
    assert await taken(queue) == [0, 1, 2]
    queue.put_threadsafe(packet(6))
    queue.put_threadsafe(packet(7, key=True))
    assert await taken(queue) == [7]
    assert queue.dropped == 4


async def test_still_full_at_a_keyframe() -> None:
    """A viewer for whom there is no room even then jumps to the keyframe and loses what was queued."""
    queue = PacketQueue(3)
    for at in range(6):
        queue.put_threadsafe(packet(at, key=at in (0, 4)))
    assert await taken(queue) == [4, 5]
    assert queue.dropped == 4


async def test_close_ends_the_wait() -> None:
    """Closing ends a wait with Closed, may be done twice, and what is put later is nothing."""
    queue = PacketQueue()
    asyncio.get_running_loop().call_later(0.01, queue.close)
    with pytest.raises(Closed):
        await queue.take()
    queue.close()
    queue.put_threadsafe(packet(0, key=True))
    with pytest.raises(Closed):
        await queue.take()


async def test_refill() -> None:
    """A refill replaces what is queued; only what it does not repeat is a loss, and it may be longer than the limit."""
    queue = PacketQueue(4, [packet(at, key=at == 0) for at in range(3)])
    queue.refill([])
    assert len(queue) == 3
    queue.refill([packet(at, key=at == 2) for at in range(2, 9)])
    queue.put_threadsafe(packet(9))
    assert await taken(queue) == [2, 3, 4, 5, 6, 7, 8, 9]
    assert queue.dropped == 2


async def test_refill_ends_a_wait_and_a_skip() -> None:
    """A reader that waits, and one that waits for a keyframe, goes on with a refill; a closed one stays closed."""
    queue = PacketQueue(2)
    asyncio.get_running_loop().call_later(0.01, queue.refill, [packet(0, key=True)])
    async with asyncio.timeout(5):
        assert (await queue.take()).pts == 0
    queue.skip()
    queue.put_threadsafe(packet(1))
    assert len(queue) == 0
    queue.refill([packet(0, key=True), packet(1)])
    queue.put_threadsafe(packet(2))
    assert await taken(queue) == [0, 1, 2]
    queue.close()
    queue.refill([packet(0, key=True)])
    assert len(queue) == 0
