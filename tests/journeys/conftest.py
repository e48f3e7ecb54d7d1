"""What journeys share: pictures of real people, where they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.client import Api
from tests.journeys.films import SHARED
from tests.journeys.server import RollcallServer


@pytest.fixture(scope="session")
def shared() -> Path:
    """Pictures that are beside some checkouts, and never in the repository."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data here")
    return SHARED


@pytest.fixture
def api(server: RollcallServer) -> Iterator[Api]:
    """A client of the file's own server, whose cameras and people are gone after each test."""
    with server.login() as signed_in:
        yield signed_in
        for area in ("cameras", "people"):
            for each in signed_in.get(area):
                signed_in.call("DELETE", f"{area}/{each['id']}", 204)
