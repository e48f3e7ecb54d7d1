"""server/media/mailbox.py: one slot, newest wins, counts what it dropped."""

import asyncio
import threading

import pytest

from server.media.mailbox import Closed, Mailbox


async def test_newest_wins() -> None:
    """What was not taken in time is overwritten, and counted."""
    mailbox: Mailbox[int] = Mailbox()
    for item in (1, 2, 3):
        mailbox.put_threadsafe(item)
    assert await mailbox.take() == 3
    assert mailbox.dropped == 2


async def test_waits_for_a_thread() -> None:
    """A reader that waits is woken by a thread; everything a thread puts is taken or counted, and in order."""
    mailbox: Mailbox[int] = Mailbox()

    def put_all() -> None:
        for item in range(2000):
            mailbox.put_threadsafe(item)

    thread = threading.Thread(target=put_all)
    thread.start()
    taken: list[int] = []
    async with asyncio.timeout(5):
        while not taken or taken[-1] != 1999:
            taken.append(await mailbox.take())
    thread.join()
    assert taken == sorted(taken)
    assert len(taken) + mailbox.dropped == 2000


async def test_close_ends_the_wait() -> None:
    """Closing ends a wait with Closed, may be done twice, and what is put later is nothing."""
    mailbox: Mailbox[int] = Mailbox()
    asyncio.get_running_loop().call_later(0.01, mailbox.close)
    with pytest.raises(Closed):
        await mailbox.take()
    mailbox.close()
    mailbox.put_threadsafe(1)
    with pytest.raises(Closed):
        await mailbox.take()


async def test_cancelled_take_loses_nothing() -> None:
    """A wait that was cancelled takes nothing away from the next."""
    mailbox: Mailbox[int] = Mailbox()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await mailbox.take()
    mailbox.put_threadsafe(5)
    assert await mailbox.take() == 5


def test_a_closed_loop_is_no_error() -> None:
    """A thread may bring its last item after the loop has gone."""
    loop = asyncio.new_event_loop()
    mailbox: Mailbox[int] = Mailbox(loop)
    loop.close()
    mailbox.put_threadsafe(1)
    mailbox.close()
