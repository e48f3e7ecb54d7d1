"""Positions in the log."""

import pytest

from server.errors import BadRequest
from server.events.log import Position


def test_a_position_is_written_and_read_again() -> None:
    """EPOCH:OFFSET, also where the epoch has a colon."""
    for position in (Position("0190-ab", 41), Position("a:b", 0)):
        assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "41", ":41", "e:", "e:-1", "e:x", "e:²", "e:" + "9" * 19, "e" * 65 + ":1"])
def test_anything_else_is_refused(text: str) -> None:
    """With the code that the caller can rely on."""
    with pytest.raises(BadRequest) as refused:
        Position.parse(text)
    assert refused.value.code == "bad_position"
