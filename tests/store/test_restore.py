"""The way back: everything or nothing, from either database into either, and what begins anew with it."""

import asyncio
import hashlib
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, Unavailable
from server.objects.folder import FolderObjects
from server.objects.objects import unavailable
from server.store import migrate
from server.store.archive import Manifest
from server.store.audit import SYSTEM
from server.store.backup import backup
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.portable import TRANSIENT
from server.store.restore import restore
from server.store.tables import Job, Webhook
from tests.databases import Databases, on_postgresql
from tests.store.full import AT, add_somebody, audit_of, contents, fill, opened
from tests.store.test_archive import rewritten

WAYS = [(one, other) for one in ("sqlite", "postgresql") for other in ("sqlite", "postgresql")]
RENEWED = {"log_life", "jobs", "webhooks", *TRANSIENT}


@pytest.fixture(scope="module")
def both(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Databases]]:
    folder = tmp_path_factory.mktemp("both")
    path = folder / "migrated.sqlite"
    asyncio.run(migrate.upgrade(f"sqlite+aiosqlite:///{path}"))
    with on_postgresql(postgresql_server, folder) as postgresql:
        yield {"sqlite": Databases("sqlite", folder, str(path)), "postgresql": postgresql}


@pytest.fixture(params=WAYS, ids=["-".join(way) for way in WAYS])
async def way(both: dict[str, Databases], request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str]]:
    """The URL of a full database, and that of an empty one."""
    source, target = (both[kind] for kind in request.param)
    urls = await source.make(migrated=True), await target.make(migrated=False)
    async with opened(urls[0]) as store:
        await fill(store)
    yield urls
    for kind, url in zip((source, target), urls, strict=True):
        await kind.drop(url)


@pytest.fixture
async def url(databases: Databases) -> AsyncIterator[str]:
    """Of a full database that nobody has open."""
    url = await databases.make(migrated=True)
    async with opened(url) as store:
        await fill(store)
    yield url
    await databases.drop(url)


@pytest.fixture
def storage(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


@pytest.fixture
async def kept(url: str, tmp_path: Path) -> Path:
    """A backup of it."""
    await backup(url, tmp_path / "kept", at=AT)
    return tmp_path / "kept"


async def test_everything_comes_back(way: tuple[str, str], tmp_path: Path, storage: FolderObjects) -> None:
    """From each database into each, at the newest revision, with the audit's chain and its guards."""
    source, target = way
    await storage.put("people/1/a.jpg", b"face" * 100_000)
    elsewhere = FolderObjects(tmp_path / "elsewhere")
    await backup(source, tmp_path / "a", at=AT, pictures=storage)
    await restore(target, tmp_path / "a", pictures=elsewhere)
    before, after = await contents(source), await contents(target)
    assert {name for name in before if before[name] != after[name]} == RENEWED
    assert await elsewhere.get("people/1/a.jpg") == b"face" * 100_000
    assert await migrate.current(target) == await migrate.current(source)
    async with opened(target) as store:
        verified = await audit_of(store).verify()
        assert (verified.intact, verified.rows) == (True, 3)
        for statement in ("DELETE FROM audit", "UPDATE audit SET action = 'x'"):
            with pytest.raises(DBAPIError, match="append-only"):
                async with store.transaction() as session:
                    await session.exec(text(statement))  # type: ignore[call-overload]


async def test_what_begins_anew(url: str, kept: Path, storage: FolderObjects) -> None:
    """Another epoch, so that every subscriber loads its state again; nobody is at work; codes are forgotten."""
    before = await contents(url)
    await restore(url, kept, pictures=storage, replace=True)
    after = await contents(url)
    assert len(after["log_life"]) == 1
    assert before["log_life"] != after["log_life"]
    assert [after[name] for name in TRANSIENT] == [[]] * len(TRANSIENT)
    assert (after["events"], after["event_topics"]) == (before["events"], before["event_topics"])
    assert after["sessions"] == before["sessions"]
    async with opened(url) as store, store.read() as session:
        jobs = [await session.get_one(Job, row[0]) for row in before["jobs"]]
    told = {(job.state, job.worker, job.lease_until, job.attempts, job.run_at, job.finished_at) for job in jobs}
    assert told == {("queued", None, None, 1, AT, None), ("done", None, None, 1, AT, AT)}


async def test_webhooks_begin_with_the_first_event_after_it(url: str, kept: Path, storage: FolderObjects) -> None:
    """They stand at the heads of the new epoch, nobody serves them, and that is no edit of theirs."""
    async with opened(url) as store, store.read() as session:
        (before,) = (await session.exec(select(Webhook))).all()
    await restore(url, kept, pictures=storage, replace=True)
    async with opened(url) as store:
        log = TableLog(store)
        epoch, heads = await log.epoch(), await log.heads()
        async with store.read() as session:
            (row,) = (await session.exec(select(Webhook))).all()
    assert row.cursor == {topic: heads[topic].offset if topic in heads else 0 for topic in before.cursor}
    assert (row.epoch, row.worker, row.lease_until, row.updated_at) == (epoch, None, None, before.updated_at)


@pytest.mark.parametrize("revision", ["0001", "0003"])
async def test_an_older_backup_comes_forward(
    databases: Databases, revision: str, tmp_path: Path, storage: FolderObjects
) -> None:
    """Into an empty database, and in place of one of any revision."""
    old, target = await databases.make(migrated=False), await databases.make(migrated=False)
    await migrate.upgrade(old, revision)
    async with opened(old) as store, store.engine.begin() as connection:
        now = AT if old.startswith("postgresql") else AT.replace(tzinfo=None).isoformat(" ")
        await connection.execute(
            text("INSERT INTO departments (id, created_at, updated_at, name) VALUES ('d', :t, :t, 'Ünal')"), {"t": now}
        )
        await connection.execute(
            text(
                "INSERT INTO cameras (id, created_at, updated_at, name, source, kind, role, enabled) "
                "VALUES ('c', :t, :t, 'Door', 'rtsp://guard:hunter2@h/', 'rtsp', 'in', :yes)"
            ),
            {"t": now, "yes": True},
        )
    manifest = await backup(old, tmp_path / "a", at=AT)
    assert manifest.revision == revision
    for place in (target, old):
        await restore(place, tmp_path / "a", pictures=storage, replace=place == old)
        assert await migrate.current(place) == migrate.revisions().get_current_head()
        found = await contents(place)
        assert found["departments"] == [("d", AT, AT, "Ünal")]
        assert len(found["cameras"]) == 1
        await databases.drop(place)


async def test_a_database_with_something_in_it(url: str, kept: Path, storage: FolderObjects) -> None:
    """Is left as it is, unless it may be replaced; then nothing of it stays."""
    somebody = await add_somebody(url)
    before = await contents(url)
    with pytest.raises(Conflict, match="--force"):
        await restore(url, kept, pictures=storage)
    assert await contents(url) == before
    await restore(url, kept, pictures=storage, replace=True)
    after = await contents(url)
    assert somebody not in {row[0] for row in after["people"]}
    assert len(after["people"]) == 3
    async with opened(url) as store:
        assert (await audit_of(store).verify()).intact


async def test_a_migrated_database_without_rows_is_empty(
    databases: Databases, kept: Path, storage: FolderObjects
) -> None:
    target = await databases.make(migrated=True)
    await restore(target, kept, pictures=storage)
    assert len((await contents(target))["people"]) == 3
    await databases.drop(target)


async def test_an_altered_backup_changes_nothing(url: str, kept: Path, storage: FolderObjects) -> None:
    """Nor a truncated one: it is read to its end before anything is touched."""
    await add_somebody(url)
    before, whole = await contents(url), kept.read_bytes()
    said: list[str] = []
    kept.write_bytes(whole[:-200])
    with pytest.raises(Invalid, match="no backup of Rollcall, or not the whole"):
        await restore(url, kept, pictures=storage, replace=True, tell=said.append)
    kept.write_bytes(whole)
    rewritten(kept, {"tables/templates.jsonl": b"{}\n"})
    with pytest.raises(Invalid, match="damaged"):
        await restore(url, kept, pictures=storage, replace=True, tell=said.append)
    assert await contents(url) == before
    assert said == ["Checking the backup"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"id": "p", "person_id": "nobody"}, "(?i)foreign key|point nowhere"),
        ({"id": "p", "person_id": None}, "(?i)not.null"),
        ({"id": "p"}, "no row of it"),
    ],
)
async def test_a_failure_leaves_the_old_state(
    url: str, kept: Path, storage: FolderObjects, line: dict[str, object], said: str
) -> None:
    """Whatever it is that the database refuses, after all the other tables were loaded."""
    await add_somebody(url)
    before = await contents(url)
    forge(kept, line)
    with pytest.raises((Conflict, Invalid, RuntimeError), match=said):
        await restore(url, kept, pictures=storage, replace=True)
    assert await contents(url) == before


def forge(path: Path, line: dict[str, object]) -> None:
    """Makes that of the first photo, and a manifest that fits."""
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("tables/photos.jsonl").splitlines(keepends=True)
        manifest = json.loads(archive.read("manifest.json"))
    first = json.loads(lines[0]) | line if len(line) > 1 else line
    content = json.dumps(first).encode() + b"\n" + b"".join(lines[1:])
    if len(line) > 1:
        manifest["tables"].pop("templates")
    manifest["tables"]["photos"]["sha256"] = hashlib.sha256(content).hexdigest()
    changed: dict[str, bytes | None] = {
        "tables/photos.jsonl": content, "manifest.json": json.dumps(manifest).encode(),
    }  # fmt: skip
    rewritten(path, changed | ({"tables/templates.jsonl": None} if len(line) > 1 else {}))


async def test_no_value_is_told_of_what_the_database_refuses(
    databases: Databases, both: dict[str, Databases], tmp_path: Path, storage: FolderObjects
) -> None:
    """SQLite takes what PostgreSQL does not; the error names the table, and keeps what was in it to itself."""
    source, target = await both["sqlite"].make(migrated=True), await both["postgresql"].make(migrated=False)
    async with opened(source) as store:
        await fill(store)
        async with store.transaction() as session:
            await session.exec(text("UPDATE users SET password_hash = 'secret' || char(0)"))  # type: ignore[call-overload]
    await backup(source, tmp_path / "a", at=AT)
    with pytest.raises(Conflict, match="The table users cannot be restored: invalid byte sequence") as refused:
        await restore(target, tmp_path / "a", pictures=storage)
    assert "secret" not in str(refused.value)
    async with opened(target) as store, store.engine.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    await both["postgresql"].drop(target)


async def test_a_storage_that_fails(url: str, tmp_path: Path) -> None:
    """Before anything is touched, where it fails at once; otherwise the database stays as it was."""
    full, before = FolderObjects(tmp_path / "objects"), await contents(url)
    await full.put("a/b", b"x")
    await backup(url, tmp_path / "a", at=AT, pictures=full)

    class Failing(FolderObjects):
        async def put(self, key: str, content: bytes) -> None:
            if key == "a/b":
                raise unavailable("is full")
            await super().put(key, content)

    with pytest.raises(Unavailable, match="is full"):
        await restore(url, tmp_path / "a", pictures=Failing(tmp_path / "other"), replace=True)
    assert await contents(url) == before


async def test_a_newer_backup_is_refused(url: str, kept: Path, storage: FolderObjects) -> None:
    """It says what would help."""
    before = await contents(url)
    with zipfile.ZipFile(kept) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    rewritten(kept, {"manifest.json": json.dumps(manifest | {"revision": "9999"}).encode()})
    with pytest.raises(Invalid, match="9999 of a newer version. Install that version first"):
        await restore(url, kept, pictures=storage, replace=True)
    assert await contents(url) == before


async def test_a_database_of_a_newer_version_is_not_replaced(url: str, kept: Path, storage: FolderObjects) -> None:
    """Nobody here knows what is in it."""
    async with opened(url) as store, store.transaction() as session:
        await session.exec(text("UPDATE alembic_version SET version_num = '9999'"))  # type: ignore[call-overload]
    with pytest.raises(Conflict, match="9999 of a newer version"):
        await restore(url, kept, pictures=storage, replace=True)


async def test_a_server_at_work_is_noticed(url: str, kept: Path, storage: FolderObjects) -> None:
    """One that has the database open, whether it does something at the moment or not."""
    async with Store(url) as store:
        await store.ping()
        with pytest.raises(Conflict, match="Stop every server and worker"):
            await restore(url, kept, pictures=storage, replace=True)
        await store.ping()
    await restore(url, kept, pictures=storage, replace=True)
    async with opened(url) as store:
        if store.is_sqlite:
            async with store.read() as session:
                mode = await (await session.connection()).execute(text("PRAGMA journal_mode"))
            assert mode.scalar_one() == "wal"


async def test_what_is_done_with_it(url: str, kept: Path, storage: FolderObjects) -> None:
    """In its transaction: there together or not at all. The chain goes on from where the backup was."""

    async def note(session: AsyncSession, manifest: Manifest) -> None:
        async with opened(url) as store:
            await audit_of(store).record(session, SYSTEM, "database.restored", "database", None)

    async def fail(session: AsyncSession, manifest: Manifest) -> None:
        await note(session, manifest)
        raise ZeroDivisionError

    before = await contents(url)
    with suppress(ZeroDivisionError):
        await restore(url, kept, pictures=storage, replace=True, also=fail)
    assert await contents(url) == before
    await restore(url, kept, pictures=storage, replace=True, also=note)
    async with opened(url) as store:
        verified = await audit_of(store).verify()
    assert (verified.intact, verified.rows) == (True, 4)
