"""What the tests of this room share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from server.store import tables  # noqa: F401 - so that the tables are known
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.buses import buses as buses


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A fresh SQLite file; the log itself is tried on both databases in tests/store."""
    async with Store(f"sqlite+aiosqlite:///{tmp_path}/events.sqlite") as store:
        async with store.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        yield store


@pytest.fixture
def log(store: Store) -> TableLog:
    return TableLog(store)
