"""What the protocol needs to know of who is asking."""

import pytest

from server.errors import NotAuthenticated
from server.events.gate import Gate, Principal
from tests.events.scenes import Door, Somebody


async def test_a_gate_lets_in_or_not() -> None:
    """The tests' own door and somebody keep the two protocols, as mypy sees here."""
    gate: Gate = Door(token=Somebody("ada"))
    principal: Principal = await gate.by_token("token")
    assert principal.id == "ada"
    assert principal.may("alerts:read")
    assert await gate.still_valid(principal)
    assert await gate.by_ticket("unknown") is None
    with pytest.raises(NotAuthenticated):
        await gate.by_token("another")
