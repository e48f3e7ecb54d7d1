"""Erasures that were held up are finished by a job; tests/routes/test_privacy.py has one that waits for the storage."""

from typing import cast

from server.jobs.erasure import NAME, erasure
from server.pipeline.erase import Eraser


def test_it_is_tried_for_hours() -> None:
    """An object storage may be away for long."""
    kind = erasure(cast(Eraser, None))
    assert (kind.name, kind.tries, kind.every) == (NAME, 50, None)
