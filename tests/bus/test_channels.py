"""What every bus does, on memory and on Redis; and the bounded inbox."""

import asyncio
from collections.abc import AsyncIterator

from server.bus.channels import Bus, Inbox


async def take(messages: AsyncIterator[tuple[str, bytes]], count: int) -> list[tuple[str, bytes]]:
    async with asyncio.timeout(5):
        return [await anext(messages) for _ in range(count)]


async def test_a_message_reaches_everybody_who_subscribed(buses: tuple[Bus, Bus]) -> None:
    """Oneself included, in order, bytes as they were."""
    here, there = buses
    async with here.subscribe("log") as mine, there.subscribe("log", "revoked") as others:
        for number in range(50):
            here.publish("log", b"\x00\xff%d" % number)
        expected = [("log", b"\x00\xff%d" % number) for number in range(50)]
        assert await take(mine, 50) == expected
        assert await take(others, 50) == expected


async def test_other_channels_are_not_heard(buses: tuple[Bus, Bus]) -> None:
    """Nor anything after leaving."""
    here, there = buses
    async with there.subscribe("log") as messages:
        here.publish("volatile", b"1")
        here.publish("log", b"2")
        assert await take(messages, 1) == [("log", b"2")]
    here.publish("log", b"3")
    async with there.subscribe("log") as messages:
        there.publish("log", b"4")
        (message,) = await take(messages, 1)
        assert message in {("log", b"3"), ("log", b"4")}


async def test_publishing_without_anybody_is_no_mistake(buses: tuple[Bus, Bus]) -> None:
    """It never waits and never fails."""
    for number in range(2000):
        buses[0].publish("log", b"%d" % number)


async def test_a_full_inbox_loses_the_oldest_and_counts() -> None:
    """What is left is in order."""
    inbox = Inbox(("log",), limit=3)
    for number in range(5):
        inbox.put("log", b"%d" % number)
    assert await take(inbox, 3) == [("log", b"2"), ("log", b"3"), ("log", b"4")]
    assert inbox.lost == 2
