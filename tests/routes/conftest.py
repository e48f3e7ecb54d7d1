"""What the tests of the routes share: open parts, and clients of each role."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.clock import ManualClock
from server.parts import Parts
from tests.opened import client_of, parts_in


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def parts(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", clock, media={"roots": [tmp_path]}) as opened:
        yield opened


@pytest.fixture
async def admin(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(parts, "Admin") as client:
        yield client


@pytest.fixture
async def viewer(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(parts, "Viewer") as client:
        yield client


@pytest.fixture
async def anyone(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(parts, None) as client:
        yield client
