"""Migrations, on SQLite and on PostgreSQL."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from server.errors import Unavailable
from server.store import migrate, tables
from server.store.engine import Store


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


async def test_forward_and_backward(empty_url: str) -> None:
    """Upgrading makes every table, downgrading takes all of them away again, and both may be repeated."""
    assert await migrate.current(empty_url) is None
    for _ in range(2):
        await migrate.upgrade(empty_url)
        await migrate.upgrade(empty_url)
        assert await migrate.current(empty_url) == "0001"
        async with Store(empty_url) as store, store.engine.connect() as connection:
            assert await connection.run_sync(_tables) == {*SQLModel.metadata.tables, "alembic_version"}
        await migrate.downgrade(empty_url, "base")
        assert await migrate.current(empty_url) is None
        async with Store(empty_url) as store, store.engine.connect() as connection:
            assert await connection.run_sync(_tables) == {"alembic_version"}


async def test_no_difference_to_the_tables(store: Store) -> None:
    """A migrated database is what tables.py describes: nothing is left for another migration."""
    async with store.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []


async def test_every_constraint_is_named(store: Store) -> None:
    """Constraints have the names of the convention, the same on both databases."""

    def names(connection: Connection) -> set[str | None]:
        looking = inspect(connection)
        keys = {key["name"] for table in looking.get_table_names() for key in looking.get_foreign_keys(table)}
        return keys | {unique["name"] for unique in looking.get_unique_constraints("templates")}

    async with store.engine.connect() as connection:
        found = await connection.run_sync(names)
    assert {"fk_users_role_id", "fk_entries_person_id", "uq_templates_photo_id_pack"} <= found
    assert None not in found


async def test_two_that_start_together(empty_url: str) -> None:
    """Two processes that upgrade at the same moment wait for each other."""
    await asyncio.gather(migrate.upgrade(empty_url), migrate.upgrade(empty_url))
    assert await migrate.current(empty_url) == "0001"


async def test_a_migration_that_fails_changes_nothing(empty_url: str) -> None:
    """What went before the failure is rolled back, on both databases."""
    async with Store(empty_url) as store, store.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE kiosks (id VARCHAR(36) PRIMARY KEY)"))
    with pytest.raises(Exception, match="kiosks"):
        await migrate.upgrade(empty_url)
    assert await migrate.current(empty_url) is None
    async with Store(empty_url) as store, store.engine.connect() as connection:
        assert await connection.run_sync(_tables) == {"kiosks"}


async def test_rows_that_would_point_nowhere(tmp_path: Path) -> None:
    """On SQLite, where keys are off while migrating, a migration that leaves a broken reference is refused."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'x.sqlite'}"
    await migrate.upgrade(url)
    async with Store(url) as store, store.engine.connect() as connection:
        await connection.execute(text("PRAGMA foreign_keys=OFF"))
        user = tables.User(email="a@b.c", full_name="A", password_hash="x", role_id="none")
        await connection.execute(tables.User.__table__.insert(), user.model_dump())  # type: ignore[attr-defined]
        await connection.commit()
    with pytest.raises(RuntimeError, match="point nowhere"):
        await migrate.upgrade(url)


async def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    """One clear error, and nothing half open is left behind."""
    with pytest.raises(Unavailable, match="cannot be opened"):
        await migrate.upgrade(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'x.sqlite'}")


def test_one_line_of_revisions() -> None:
    """There is one head, and every revision can be found without an ini file."""
    script = ScriptDirectory.from_config(migrate.alembic_config())
    assert script.get_heads() == ["0001"]
