"""server/media/readers.py: everybody who takes the packets of one camera or encoder."""

import pytest

from server.media.mailbox import Closed
from server.media.packets import PacketQueue
from server.media.readers import PacketReaders
from tests.media.films import packet


async def taken(queue: PacketQueue) -> list[tuple[int, bool]]:
    packets = [await queue.take() for _ in range(len(queue))]
    return [(each.pts, each.cached) for each in packets]


async def test_joiners_begin_with_the_group() -> None:
    """What is of the past is marked as cached, for the joiner only; what comes then is not."""
    readers = PacketReaders()
    with readers.joined(8) as early:
        readers.publish(packet(0, key=True))
        readers.publish(packet(1))
        with readers.joined(8) as late, readers.joined(8, with_group=False) as bare:
            readers.publish(packet(2))
            assert len(readers) == 3
            assert await taken(late) == [(0, True), (1, True), (2, False)]
            assert await taken(bare) == []
        assert await taken(early) == [(0, False), (1, False), (2, False)]
    assert len(readers) == 0
    assert [held.cached for held in readers.group()] == [False] * 3


async def test_refill() -> None:
    """Who lost the thread gets the current group again; where there is none, nothing happens."""
    readers = PacketReaders()
    with readers.joined(8) as queue:
        assert not readers.refill(queue)
        for at in range(3):
            readers.publish(packet(at, key=at == 0))
        await queue.take()
        assert readers.refill(queue)
        readers.publish(packet(3))
        assert await taken(queue) == [(0, True), (1, True), (2, True), (3, False)]
        assert readers.dropped == 0


async def test_a_new_opening() -> None:
    """What comes after it is taken from its keyframe on; what was queued before is not lost."""
    readers = PacketReaders()
    with readers.joined(8) as queue:
        readers.publish(packet(0, key=True))
        readers.opened()
        for at in range(1, 4):
            readers.publish(packet(at, key=at == 2))
        assert await taken(queue) == [(0, False), (2, False), (3, False)]


async def test_close_and_losses() -> None:
    """Closing ends every reader; losses stay counted after a reader has left."""
    readers = PacketReaders()
    with readers.joined(2) as queue:
        for at in range(5):
            readers.publish(packet(at, key=at == 0))
        readers.close()
        with pytest.raises(Closed):
            await queue.take()
    assert readers.dropped == 3
    assert readers.group() == ()
