"""What the tests of the routes share: open parts, and clients of each role."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.clock import ManualClock
from server.parts import Parts
from tests.databases import Databases, on_postgresql
from tests.opened import client_of, parts_in
from tests.servers import redis_database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with on_postgresql(postgresql_server, tmp_path_factory.mktemp("databases")) as found:
        yield found


@dataclass(frozen=True)
class Machines:
    """What the server of a test keeps its state on."""

    databases: Databases
    bus_url: str


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def machines(request: pytest.FixtureRequest) -> Iterator[Machines | None]:
    """PostgreSQL and Redis; None for SQLite and the bus in memory, which need no machine."""
    if request.param == "sqlite":
        yield None
        return
    databases: Databases = request.getfixturevalue("postgresql_databases")
    with redis_database(request.getfixturevalue("redis_server")) as bus_url:
        yield Machines(databases, bus_url)


@pytest.fixture
async def on_machines(machines: Machines | None) -> AsyncIterator[dict[str, Any]]:
    """The settings for them: a fresh database, dropped afterwards, and the bus."""
    if machines is None:
        yield {}
        return
    url = await machines.databases.make(migrated=True)
    yield {"database": {"url": url}, "bus": {"url": machines.bus_url}}
    await machines.databases.drop(url)


@pytest.fixture
async def parts(tmp_path: Path, clock: ManualClock, on_machines: dict[str, Any]) -> AsyncIterator[Parts]:
    """Every test of the routes runs on SQLite, and in `make e2e` on PostgreSQL with Redis."""
    async with parts_in(tmp_path / "state", clock, media={"roots": [tmp_path]}, **on_machines) as opened:
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
