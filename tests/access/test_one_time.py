"""Codes that are good once and for a short time."""

import asyncio

import pytest
from sqlmodel import select

from server.access.keyring import Keyring
from server.access.one_time import OneTimeCodes
from server.clock import ManualClock
from server.errors import Conflict
from server.store.engine import Store
from server.store.tables import OneTimeCode
from tests.access.conftest import SECRET


@pytest.fixture
def codes(store: Store, clock: ManualClock) -> OneTimeCodes:
    return OneTimeCodes(store, clock, Keyring((SECRET,)))


async def test_once(codes: OneTimeCodes) -> None:
    """The first who brings it learns whom it is about; nobody does with another, or for another purpose."""
    code = await codes.issue("ticket", {"session_id": "s", "kiosk_id": None}, 30)
    assert len(code) >= 43
    assert await codes.redeem("pairing", code) is None
    assert await codes.redeem("ticket", code + "x") is None
    assert await codes.redeem("ticket", code) == {"session_id": "s", "kiosk_id": None}
    assert await codes.redeem("ticket", code) is None


@pytest.mark.parametrize("odd", ["", "nul\0", "half \ud800", "x" * 99_999])
async def test_what_is_no_code(codes: OneTimeCodes, odd: str) -> None:
    """Whatever comes from outside is not known."""
    assert await codes.redeem("ticket", odd) is None


async def test_soon(codes: OneTimeCodes, clock: ManualClock) -> None:
    """Good until its time has come, and used up even when it came too late."""
    first, second = [await codes.issue("ticket", {}, 30) for _ in range(2)]
    clock.advance(29.9)
    assert await codes.redeem("ticket", first) == {}
    clock.advance(0.1)
    assert await codes.redeem("ticket", second) is None


async def test_one_of_many(store: Store, clock: ManualClock) -> None:
    """Of many who bring the same code at once, to two processes, one is let in."""
    async with Store(store.url) as elsewhere:
        both = [OneTimeCodes(one, clock, Keyring((SECRET,))) for one in (store, elsewhere)]
        code = await both[0].issue("ticket", {"id": "s"}, 30)
        answers = await asyncio.gather(*(both[number % 2].redeem("ticket", code) for number in range(10)))
    assert sorted(answers, key=str) == [None] * 9 + [{"id": "s"}]


async def test_a_code_of_the_caller(codes: OneTimeCodes, clock: ManualClock) -> None:
    """Is refused while the same one is open, and free again when it has run out."""
    assert await codes.issue("pairing", {"kiosk_id": "a"}, 600, "123456") == "123456"
    with pytest.raises(Conflict):
        await codes.issue("pairing", {"kiosk_id": "b"}, 600, "123456")
    assert await codes.issue("other", {"kiosk_id": "c"}, 600, "123456")
    clock.advance(600)
    await codes.issue("pairing", {"kiosk_id": "b"}, 600, "123456")
    assert await codes.redeem("pairing", "123456") == {"kiosk_id": "b"}


async def test_only_one(codes: OneTimeCodes) -> None:
    """A newer one for the same subject replaces the older; those of others and of other purposes stay."""
    kept = [await codes.issue("pairing", {"kiosk_id": "b"}, 600), await codes.issue("other", {"kiosk_id": "a"}, 600)]
    old = await codes.issue("pairing", {"kiosk_id": "a"}, 600)
    new = await codes.issue("pairing", {"kiosk_id": "a"}, 600, only_one=True)
    assert await codes.redeem("pairing", old) is None
    assert await codes.redeem("pairing", new) == {"kiosk_id": "a"}
    assert await codes.redeem("pairing", kept[0]) == {"kiosk_id": "b"}
    assert await codes.redeem("other", kept[1]) == {"kiosk_id": "a"}


async def test_bounded(store: Store, clock: ManualClock) -> None:
    """Beyond so many of a purpose the one that ends first is dropped; what has run out is swept with the next."""
    codes = OneTimeCodes(store, clock, max_open=2)
    other = await codes.issue("other", {"number": 0}, 30)
    issued = []
    for number in range(3):
        clock.advance(1)
        issued.append(await codes.issue("ticket", {"number": number}, 30))
    assert await codes.redeem("ticket", issued[0]) is None
    assert await codes.redeem("ticket", issued[1]) == {"number": 1}
    assert await codes.redeem("other", other) == {"number": 0}
    clock.advance(60)
    await codes.issue("ticket", {}, 30)
    assert len(await _rows(store)) == 1


async def test_only_hashes_are_stored(store: Store, codes: OneTimeCodes, clock: ManualClock) -> None:
    """Whoever reads the table cannot try all codes of six digits either: the hash needs the key."""
    await codes.issue("pairing", {}, 600, "123456")
    await OneTimeCodes(store, clock, Keyring((SECRET[::-1],))).issue("pairing", {}, 600, "123456")
    stored = [row.code_hash for row in await _rows(store)]
    assert len(set(stored)) == 2
    assert all(len(code_hash) == 64 for code_hash in stored)


async def test_after_a_change_of_the_key(store: Store, clock: ManualClock) -> None:
    """A code from before it is still good."""
    code = await OneTimeCodes(store, clock, Keyring((SECRET,))).issue("pairing", {"kiosk_id": "a"}, 600)
    after = OneTimeCodes(store, clock, Keyring((SECRET[::-1], SECRET)))
    assert await after.redeem("pairing", code) == {"kiosk_id": "a"}


async def _rows(store: Store) -> list[OneTimeCode]:
    async with store.read() as session:
        return list((await session.exec(select(OneTimeCode))).all())
