"""Pairing codes."""

from itertools import chain, repeat

import pytest

from server.access import pairing
from server.access.attempts import MemoryAttempts
from server.access.keyring import Keyring
from server.access.one_time import OneTimeCodes
from server.access.pairing import TTL_S, Pairings
from server.clock import ManualClock
from server.errors import Invalid, TooMany, Unavailable
from server.store.engine import Store
from tests.access.conftest import SECRET


@pytest.fixture
def pairings(store: Store, clock: ManualClock) -> Pairings:
    return Pairings(OneTimeCodes(store, clock, Keyring((SECRET,))), MemoryAttempts(clock), clock)


async def test_six_digits(pairings: Pairings) -> None:
    """As they are typed: with spaces or without."""
    for number in range(20):
        issued = await pairings.issue(f"k{number}")
        assert len(issued.code) == 6
        assert issued.code.isdigit()
        assert await pairings.redeem(f" {issued.code[:3]} {issued.code[3:]} ", "a") == f"k{number}"


async def test_for_ten_minutes(pairings: Pairings, clock: ManualClock) -> None:
    """Until the time that was told, or a newer one is made for the same kiosk; and once."""
    first, other = await pairings.issue("k"), await pairings.issue("other")
    second = await pairings.issue("k")
    assert (second.expires_at - clock.now()).total_seconds() == TTL_S
    with pytest.raises(Invalid):
        await pairings.redeem(first.code, "a")
    assert await pairings.redeem(second.code, "a") == "k"
    with pytest.raises(Invalid) as caught:
        await pairings.redeem(second.code, "a")
    assert (caught.value.details[0].field, caught.value.details[0].code) == ("code", "unknown_code")
    clock.advance(TTL_S)
    with pytest.raises(Invalid):
        await pairings.redeem(other.code, "a")


async def test_guessing_from_one_address(pairings: Pairings) -> None:
    """After ten wrong codes an address waits, and others do not."""
    issued = await pairings.issue("k")
    for _ in range(10):
        with pytest.raises(Invalid):
            await pairings.redeem("none", "a")
    with pytest.raises(TooMany):
        await pairings.redeem(issued.code, "a")
    assert await pairings.redeem(issued.code, "b") == "k"


async def test_guessing_from_many_addresses(pairings: Pairings, clock: ManualClock) -> None:
    """All together have 300 guesses at a million codes in the life of one."""
    issued = await pairings.issue("k")
    for number in range(300):
        with pytest.raises(Invalid):
            await pairings.redeem("none", str(number))
    with pytest.raises(TooMany):
        await pairings.redeem(issued.code, "fresh")
    clock.advance(TTL_S)
    assert await pairings.redeem((await pairings.issue("k")).code, "fresh") == "k"


async def test_a_code_that_is_taken(pairings: Pairings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another is made; when there is none to be found, that is said."""
    digits = chain(["111111", "111111", "222222"], repeat("111111"))
    monkeypatch.setattr(pairing, "_digits", lambda: next(digits))
    assert [(await pairings.issue(kiosk)).code for kiosk in ("a", "b")] == ["111111", "222222"]
    with pytest.raises(Unavailable):
        await pairings.issue("c")
    assert await pairings.redeem("111111", "x") == "a"
