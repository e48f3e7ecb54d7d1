"""Answers that are kept: one claims a key, others get its answer, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.errors import Invalid, StillAtWork
from server.store import idempotency
from server.store.engine import Store
from server.store.idempotency import Claim

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
KEY, ASKED, OTHER = "k" * 64, "a" * 64, "b" * 64


async def claim(store: Store, asked: str = ASKED, at: datetime = NOW) -> Claim | bytes:
    async with store.transaction() as session:
        return await idempotency.claim(session, KEY, asked, at)


async def keep(store: Store, mine: Claim | bytes, answer: bytes) -> None:
    assert isinstance(mine, Claim)
    async with store.transaction() as session:
        await idempotency.keep(session, mine, answer)


async def release(store: Store, mine: Claim | bytes) -> None:
    assert isinstance(mine, Claim)
    async with store.transaction() as session:
        await idempotency.release(session, mine)


async def test_the_first_makes_it_and_the_others_get_its_answer(store: Store) -> None:
    """Until there is an answer the others are told to come back; what was asked has to be the same."""
    mine = await claim(store)
    assert isinstance(mine, Claim)
    with pytest.raises(StillAtWork):
        await claim(store)
    await keep(store, mine, b"made")
    assert await claim(store, at=NOW + timedelta(hours=23)) == b"made"
    with pytest.raises(Invalid) as caught:
        await claim(store, OTHER)
    assert caught.value.code == "idempotency_key_reused"


async def test_of_two_at_once_one_makes_it(store: Store) -> None:
    """Ten that ask in the same moment: one claim, nine that are told to come back."""
    found = await asyncio.gather(*(claim(store) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(one, Claim) for one in found) == 1
    assert sum(isinstance(one, StillAtWork) for one in found) == 9


async def test_a_failure_gives_the_key_back(store: Store) -> None:
    """What was not made may be asked for again, in other words too."""
    await release(store, await claim(store))
    assert isinstance(await claim(store, OTHER), Claim)


async def test_a_claim_that_is_never_answered_runs_out(store: Store) -> None:
    """After a minute one of those who ask takes over, and the late answer of the first changes nothing."""
    first = await claim(store)
    later = NOW + timedelta(minutes=1)
    with pytest.raises(StillAtWork):
        await claim(store, at=later - timedelta(seconds=1))
    found = await asyncio.gather(*(claim(store, at=later) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, Claim) for one in found) == 1
    await keep(store, first, b"late")
    await release(store, first)
    with pytest.raises(StillAtWork):
        await claim(store, at=later)
    await keep(store, next(one for one in found if isinstance(one, Claim)), b"second")
    assert await claim(store, at=later) == b"second"


async def test_answers_are_kept_for_a_day(store: Store) -> None:
    """Then the key is free again, and retention sweeps what nobody asked for."""
    mine = await claim(store)
    await keep(store, mine, b"made")
    async with store.transaction() as session:
        assert await idempotency.forget_old(session, NOW + timedelta(hours=23)) == 0
    assert isinstance(await claim(store, OTHER, NOW + timedelta(hours=24)), Claim)
    async with store.transaction() as session:
        assert await idempotency.forget_old(session, NOW + timedelta(hours=48)) == 1
        assert await idempotency.forget_old(session, NOW + timedelta(hours=48)) == 0
