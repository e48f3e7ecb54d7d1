"""The databases that tests of the store run on: a fresh one for each test, copied from a migrated one."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from server.ids import new_id
from server.store import migrate
from server.store.engine import Store


@dataclass(frozen=True)
class Databases:
    """Where fresh databases of one kind come from."""

    kind: str
    folder: Path
    migrated: str  # a file, or the name of a database on the server
    server: str = ""

    async def make(self, *, migrated: bool) -> str:
        """The URL of a new database."""
        if self.kind == "sqlite":
            path = self.folder / f"{new_id()}.sqlite"
            if migrated:
                shutil.copyfile(self.migrated, path)
            return f"sqlite+aiosqlite:///{path}"
        name = f"rollcall_{new_id().replace('-', '')}"
        await self.administer(f"CREATE DATABASE {name}" + (f" TEMPLATE {self.migrated}" if migrated else ""))
        return self.url(name)

    async def drop(self, url: str) -> None:
        if self.kind == "postgresql":
            await self.administer(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def url(self, name: str) -> str:
        return f"{self.server.replace('postgresql://', 'postgresql+asyncpg://')}/{name}"

    async def administer(self, statement: str) -> None:
        connection = await asyncpg.connect(f"{self.server}/postgres", timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def on_postgresql(server: str, folder: Path) -> Iterator[Databases]:
    """Databases on that server, with a migrated one to copy from for as long as the block lasts."""
    name = f"rollcall_migrated_{new_id().replace('-', '')}"
    found = Databases("postgresql", folder, name, server)
    asyncio.run(found.administer(f"CREATE DATABASE {name}"))
    try:
        asyncio.run(migrate.upgrade(found.url(name)))
        yield found
    finally:
        asyncio.run(found.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    folder = tmp_path_factory.mktemp("databases")
    if request.param == "sqlite":
        path = folder / "migrated.sqlite"
        asyncio.run(migrate.upgrade(f"sqlite+aiosqlite:///{path}"))
        yield Databases("sqlite", folder, str(path))
        return
    with on_postgresql(request.getfixturevalue("postgresql_server"), folder) as found:
        yield found


@pytest.fixture
async def empty_url(databases: Databases) -> AsyncIterator[str]:
    """A database without any table."""
    url = await databases.make(migrated=False)
    yield url
    await databases.drop(url)


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    """An open store on a fresh database at the newest revision."""
    url = await databases.make(migrated=True)
    async with Store(url) as store:
        yield store
    await databases.drop(url)
