"""Tickets for the WebSocket."""

from dataclasses import replace

import pytest

from server.access.one_time import OneTimeCodes
from server.access.principal import Principal
from server.access.tickets import Tickets
from server.clock import ManualClock
from server.store.engine import Store

SOMEBODY = Principal("u", "a@b.c", "A", "Viewer", frozenset(), "s", None)
NOBODY = {"session_id": None, "key_id": None, "key_hash": "", "kiosk_id": None, "expires_at": None}


@pytest.fixture
def tickets(store: Store, clock: ManualClock) -> Tickets:
    return Tickets(OneTimeCodes(store, clock))


async def test_once_and_soon(tickets: Tickets, clock: ManualClock) -> None:
    """Good once, within its time."""
    first, second = await tickets.issue(SOMEBODY), await tickets.issue(SOMEBODY)
    clock.advance(29)
    found = await tickets.redeem(first)
    assert found == NOBODY | {"session_id": "s"}
    assert await tickets.redeem(first) is None
    clock.advance(1)
    assert await tickets.redeem(second) is None
    assert await tickets.redeem("") is None


@pytest.mark.parametrize("name", ["key_id", "key_hash", "kiosk_id"])
async def test_whose(tickets: Tickets, clock: ManualClock, name: str) -> None:
    """A program's or a kiosk's says so, and until when they are let in: nothing else of them is kept."""
    somebody = replace(SOMEBODY, session_id=None, expires_at=clock.now(), **{name: "id"})  # type: ignore[arg-type]
    found = await tickets.redeem(await tickets.issue(somebody))
    assert found == NOBODY | {name: "id", "expires_at": clock.now()}


async def test_another_process(tickets: Tickets, store: Store, clock: ManualClock) -> None:
    """A ticket from one is good at the other."""
    async with Store(store.url) as elsewhere:
        assert await Tickets(OneTimeCodes(elsewhere, clock)).redeem(await tickets.issue(SOMEBODY))
