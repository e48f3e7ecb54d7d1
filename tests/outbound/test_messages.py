"""The words of this room."""

import pytest

from server.outbound.messages import Answer


@pytest.mark.parametrize(("status", "taken"), [(199, False), (200, True), (299, True), (300, False), (None, False)])
def test_what_counts_as_taken(status: int | None, taken: bool) -> None:
    """2xx and nothing else."""
    assert Answer(status, "x").taken is taken
