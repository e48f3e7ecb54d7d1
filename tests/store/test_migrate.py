"""Migrations, on SQLite and on PostgreSQL."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, select

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
        assert await migrate.current(empty_url) == "0018"
        async with Store(empty_url) as store, store.engine.connect() as connection:
            assert await connection.run_sync(_tables) == {*SQLModel.metadata.tables, "alembic_version"}
        await migrate.downgrade(empty_url, "base")
        assert await migrate.current(empty_url) is None
        async with Store(empty_url) as store, store.engine.connect() as connection:
            assert await connection.run_sync(_tables) == {"alembic_version"}


async def test_rows_stay_on_the_way_forward_and_back(empty_url: str) -> None:
    """A user, their session and a setting of the first revision are there after the second, and after the way back."""
    now = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    await migrate.upgrade(empty_url, "0001")
    values = {"t": now if empty_url.startswith("postgresql") else now.isoformat(" "), "yes": True}
    async with Store(empty_url) as store, store.engine.begin() as connection:
        for statement in (
            "INSERT INTO roles (id, created_at, updated_at, name, permissions, builtin) VALUES "
            "('r', :t, :t, 'Admin', '[\"users:read\"]', :yes)",
            "INSERT INTO users (id, created_at, updated_at, email, full_name, password_hash, role_id, active) VALUES "
            "('u', :t, :t, 'a@b.example', 'Ada', 'hash', 'r', :yes)",
            "INSERT INTO sessions (id, created_at, updated_at, user_id, refresh_hash, expires_at, user_agent, address) "
            "VALUES ('s', :t, :t, 'u', 'x', :t, '', '')",
            "INSERT INTO settings (key, value) VALUES ('site', '{\"a\": 1}')",
        ):
            await connection.execute(
                text(statement).bindparams(**{n: v for n, v in values.items() if f":{n}" in statement})
            )
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        user = await session.get_one(tables.User, "u")
        assert (user.full_name, user.must_change_password, user.recovery_hashes) == ("Ada", False, [])
        assert (user.camera_ids, user.department_ids, user.preferences) == (None, None, {})
        assert (await session.get_one(tables.Setting, "site")).value == {"a": 1}
        assert (await session.get_one(tables.Session, "s")).user_id == "u"
    await migrate.downgrade(empty_url, "0001")
    async with Store(empty_url) as store, store.engine.connect() as connection:
        for table in ("roles", "users", "sessions", "settings"):
            assert (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 1


async def test_sealed_addresses_are_not_thrown_away(empty_url: str) -> None:
    """The migration itself has no keys: it refuses to drop what only they can open, and says what does it."""
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.transaction() as session:
        session.add(tables.Camera(name="C", source="rtsp://g@h/", sealed_source="x", kind="rtsp", role="in"))
    with pytest.raises(RuntimeError, match="rollcall db downgrade"):
        await migrate.downgrade(empty_url, "0002")
    assert await migrate.current(empty_url) == "0018"


async def test_sealed_templates_are_not_thrown_away(empty_url: str) -> None:
    """Likewise; those that were opened before go back as they are."""
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store:
        person = tables.Person(full_name="Ada")
        photo = tables.Photo(
            person_id=person.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={}
        )
        template = tables.Template(
            person_id=person.id, photo_id=photo.id, pack="p", pack_sha256="a", dimension=2, key_id="k", embedding=b"x"
        )
        for row in (person, photo, template):
            async with store.transaction() as session:
                session.add(row)
        with pytest.raises(RuntimeError, match="rollcall db downgrade"):
            await migrate.downgrade(empty_url, "0004")
        async with store.transaction() as session:
            template.key_id = None
            await session.merge(template)
    await migrate.downgrade(empty_url, "0004")
    async with Store(empty_url) as store, store.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT person_id, pack, embedding FROM templates"))).all()
    assert [tuple(row) for row in rows] == [(person.id, "p", b"x")]


async def test_anonymous_entries_are_not_thrown_away(empty_url: str) -> None:
    """On the way back each pseudonym is a person without a name; on the way forward it is a pseudonym again."""
    await migrate.upgrade(empty_url)
    now = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    async with Store(empty_url) as store:
        night = tables.Department(name="Night")
        ada = tables.Person(full_name="Ada", external_ids={"hr": "1"}, active=False)
        async with store.transaction() as session:
            session.add_all([night, ada])
        nobodys = (None, "p1", night.id)
        given: tuple[tuple[str | None, ...], ...] = (nobodys, nobodys, (ada.id, None, None))
        async with store.transaction() as session:
            for n, (person_id, pseudonym, department_id) in enumerate(given):
                session.add(
                    tables.Entry(
                        id=f"e{n}", at=now, direction="in", origin="manual", person_id=person_id, pseudonym=pseudonym,
                        department_id=department_id,
                    )
                )  # fmt: skip
    await migrate.downgrade(empty_url, "0009")
    async with Store(empty_url) as store, store.engine.connect() as connection:
        owners = (await connection.execute(text("SELECT id, person_id FROM entries ORDER BY id"))).all()
        named = (await connection.execute(text("SELECT id, full_name, active FROM people ORDER BY full_name"))).all()
    assert [tuple(row) for row in owners] == [("e0", "p1"), ("e1", "p1"), ("e2", ada.id)]
    assert [(row[0], row[1], bool(row[2])) for row in named] == [(ada.id, "Ada", False), ("p1", "Erased person", False)]
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        rows = (await session.exec(select(tables.Entry).order_by(tables.Entry.id))).all()
        assert [(row.person_id, row.pseudonym, row.department_id) for row in rows] == [
            (None, "p1", night.id),
            (None, "p1", night.id),
            (ada.id, None, None),
        ]
        [row] = (await session.exec(select(tables.Person))).all()
        assert (row.full_name, row.inactive_since) == ("Ada", row.updated_at)


async def test_seals_of_redacted_rows_come_back(empty_url: str) -> None:
    """There is no column for them in the version before: they are kept beside, for the way forward."""
    await migrate.upgrade(empty_url)
    at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    async with Store(empty_url) as store, store.transaction() as session:
        for position, seal in ((1, None), (2, "k:00")):
            session.add(
                tables.AuditRow(
                    position=position, at=at, actor_kind="system", actor_name="R", action="a", resource="r", key_id="k",
                    hash="h", redacted=seal,
                )
            )  # fmt: skip
    await migrate.downgrade(empty_url, "0009")
    async with Store(empty_url) as store, store.engine.begin() as connection:
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(text("UPDATE audit SET action = 'b'"))
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        rows = (await session.exec(select(tables.AuditRow).order_by(tables.AuditRow.id))).all()
        assert {row.position: row.redacted for row in rows} == {1: None, 2: "k:00"}
        assert (await session.exec(select(tables.Setting))).all() == []


async def test_codes_and_badges_wait_for_the_way_forward(empty_url: str) -> None:
    """The version before has no place for them: PINs, what a kiosk is for and the keys of requests are kept beside."""
    await migrate.upgrade(empty_url)
    at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    async with Store(empty_url) as store:
        ada, gone = tables.Person(full_name="Ada"), tables.Person(full_name="Gone")
        kiosk = tables.Kiosk(name="Hall", role="in", means=["pin"])
        async with store.transaction() as session:
            session.add_all([ada, gone, kiosk])
        async with store.transaction() as session:
            for one, used in ((ada, at), (gone, None)):
                session.add(
                    tables.Credential(person_id=one.id, kind="pin", digest=one.id, key_id="k", last_used_at=used)
                )
            session.add(
                tables.Entry(
                    person_id=ada.id, at=at, direction="in", origin="code", kiosk_id=kiosk.id, request_key="r1"
                )
            )  # fmt: skip
    await migrate.downgrade(empty_url, "0011")
    async with Store(empty_url) as store, store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM people WHERE full_name = 'Gone'"))
        await connection.execute(text("UPDATE kiosks SET name = 'Lobby'"))
    await migrate.upgrade(empty_url)
    async with Store(empty_url) as store, store.read() as session:
        [row] = (await session.exec(select(tables.Credential))).all()
        assert (row.person_id, row.digest, row.last_used_at) == (ada.id, ada.id, at)
        [found] = (await session.exec(select(tables.Kiosk))).all()
        assert (found.name, found.role, found.means) == ("Lobby", "in", ["pin"])
        [entry] = (await session.exec(select(tables.Entry))).all()
        assert (entry.kiosk_id, entry.request_key) == (kiosk.id, "r1")
        assert (await session.exec(select(tables.Setting))).all() == []


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
    assert {"fk_users_role_id", "fk_entries_person_id", "uq_templates_photo_id_pack_pack_sha256"} <= found
    assert None not in found


async def test_two_that_start_together(empty_url: str) -> None:
    """Processes that upgrade at the same moment wait for each other, on a database that none has opened before."""
    await asyncio.gather(*(migrate.upgrade(empty_url) for _ in range(4)))
    assert await migrate.current(empty_url) == "0018"


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
    assert script.get_heads() == ["0018"]
