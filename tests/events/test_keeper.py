"""Whether those who are connected are still welcome."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError

from server.clock import SystemClock
from server.events import keeper
from server.events.gate import Principal
from server.events.keeper import AT_ONCE, Keeper
from server.events.schema import CloseCode
from tests.events.scenes import Door, Somebody
from tests.events.test_hub import until


class Counted(Door):
    """A gate that keeps who was asked about together."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def still_valid(self, principals: Sequence[Principal]) -> Sequence[bool]:
        self.asked.append([one.id for one in principals])
        await self.may_answer.wait()
        return await super().still_valid(principals)


class Guest:
    """A connection as the keeper sees it."""

    def __init__(self, gate: Door, principal: Somebody | None) -> None:
        self.gate = gate
        self.principal: Principal | None = principal
        self.away = 0
        self.ended: CloseCode | None = None

    def turned_away(self) -> None:
        self.away += 1

    def end(self, code: CloseCode, reason: str) -> None:
        self.ended = code


@asynccontextmanager
async def running(guests: Sequence[Guest], check_every_s: float = 60.0) -> AsyncIterator[Keeper]:
    keeping = Keeper(SystemClock(), check_every_s)
    keeping.visitors.update(guests)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keeping.run())
        yield keeping
        task.cancel()


async def test_many_are_asked_about_together() -> None:
    """Now and then, in lots; who was not let in yet is nobody to be asked about."""
    gate = Counted()
    guests = [Guest(gate, Somebody(f"u{number}")) for number in range(AT_ONCE + 10)]
    strangers = [Guest(gate, None) for _ in range(5)]
    gate.ended = {"u3", "u70"}
    async with running([*guests, *strangers], check_every_s=0.05):
        await until(lambda: sum(one.away > 0 for one in guests) == 2)
    assert {one.principal.id for one in guests if one.away and one.principal} == {"u3", "u70"}
    assert not any(one.away for one in strangers)
    assert max(map(len, gate.asked)) <= AT_ONCE
    assert {name for asked in gate.asked for name in asked} == {f"u{number}" for number in range(AT_ONCE + 10)}


async def test_at_once_where_a_session_ended() -> None:
    """Not only at the next round."""
    gate = Counted()
    guest = Guest(gate, Somebody("ada"))
    async with running([guest]) as keeping:
        await asyncio.sleep(0.05)
        assert gate.asked == []
        gate.ended.add("ada")
        keeping.look_now()
        await until(lambda: guest.away == 1)


async def test_another_token_meanwhile_counts() -> None:
    """The answer was about who they were before."""
    gate = Counted()
    guest = Guest(gate, Somebody("ada"))
    gate.ended.add("ada")
    gate.may_answer.clear()
    async with running([guest]) as keeping:
        keeping.look_now()
        await until(lambda: len(gate.asked) == 1)
        guest.principal = Somebody("ada")
        gate.may_answer.set()
        await asyncio.sleep(0.05)
    assert guest.away == 0


@pytest.mark.parametrize("error", [OperationalError("SELECT", None, OSError("refused")), None])
async def test_who_cannot_be_asked_about_is_sent_away(
    error: OperationalError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that refuses and one that hangs; all within one time, not each lot after the other."""
    monkeypatch.setattr(keeper, "ANSWER_WITHIN_S", 0.4)
    gate = Counted()
    gate.failures = 10_000 if error else 0
    if error is None:
        gate.may_answer.clear()
    guests = [Guest(gate, Somebody(f"u{number}")) for number in range(AT_ONCE * 20)]
    began = SystemClock().monotonic()
    async with running(guests) as keeping:
        keeping.look_now()
        await until(lambda: all(one.ended is CloseCode.RESTARTING for one in guests))
    assert SystemClock().monotonic() - began < 20 * 0.4
    assert len({name for asked in gate.asked for name in asked}) == AT_ONCE, "nobody else was asked about"
    assert not any(one.away for one in guests)


class Broken(Counted):
    """Something in it fails that no database explains."""

    async def still_valid(self, principals: Sequence[Principal]) -> Sequence[bool]:
        await super().still_valid(principals)
        raise ValueError("a row that cannot be read")


async def test_what_fails_for_some_goes_on_for_others() -> None:
    """One such row is no reason to ask about nobody any more."""
    broken, gate = Broken(), Counted()
    gate.ended.add("ada")
    guest = Guest(gate, Somebody("ada"))
    async with running([Guest(broken, Somebody("bob")), guest], check_every_s=0.05):
        await until(lambda: guest.away >= 2 and len(broken.asked) >= 2)


async def test_two_gates() -> None:
    """Each is asked about its own."""
    one, other = Counted(), Counted()
    async with running([Guest(one, Somebody("ada")), Guest(other, Somebody("bob"))]) as keeping:
        keeping.look_now()
        await until(lambda: bool(one.asked and other.asked))
    assert (one.asked[0], other.asked[0]) == (["ada"], ["bob"])
