"""What journeys share: pictures of real people, where they are."""

from pathlib import Path

import pytest

from tests.journeys.films import SHARED


@pytest.fixture(scope="session")
def shared() -> Path:
    """Pictures that are beside some checkouts, and never in the repository."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data here")
    return SHARED
