"""`rollcall db backup` and `restore`: what an operator does with them, and what they are told."""

import asyncio
import json
import shutil
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.access.keyring import key_id
from server.settings import Settings
from server.store import migrate
from server.store.engine import Store
from tests.commands.conftest import Run
from tests.commands.test_db import Inside
from tests.commands.test_db import inside as inside
from tests.databases import Databases, on_postgresql
from tests.opened import client_of, parts_in
from tests.store.full import add_somebody, audit_of, contents, fill


@pytest.fixture
def home(inside: Inside, tmp_path: Path) -> str:
    """A full database in the data folder of `rollcall`; its URL."""
    assert inside("upgrade").exit_code == 0
    (tmp_path / "state" / "secret.key").write_text(f"{'k' * 20}-0123456789-abcdefghij\n")
    url = url_in(tmp_path / "state")

    async def prepare() -> None:
        async with Store(url) as store:
            await fill(store)

    asyncio.run(prepare())
    return url


@pytest.fixture
def postgresql(postgresql_server: str, tmp_path: Path) -> Iterator[Databases]:
    with on_postgresql(postgresql_server, tmp_path) as found:
        yield found


def url_in(folder: Path) -> str:
    return Settings.model_validate({"data_dir": folder}).database_url


@asynccontextmanager
async def dropped(databases: Databases) -> AsyncIterator[str]:
    url = await databases.make(migrated=False)
    try:
        yield url
    finally:
        await databases.drop(url)


def secret_of(folder: Path) -> str:
    return (folder / "secret.key").read_text().strip()


def test_into_another_folder(rollcall: Run, home: str, tmp_path: Path) -> None:
    """One file for its owner's eyes, without pictures and without the key, which is asked for before the start."""
    kept = rollcall("db", "backup", "kept.zip")
    assert kept.returncode == 0, kept.stderr
    assert "people: 3 rows\n" in kept.stderr
    assert kept.stdout.startswith("kept.zip: ")
    assert "without the pictures" in kept.stdout
    assert "ROLLCALL_SECURITY__SECRET_KEY" in kept.stdout
    assert (tmp_path / "kept.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        assert json.loads(archive.read("manifest.json"))["keyIds"] == [key_id(secret_of(tmp_path / "state"))]
    assert secret_of(tmp_path / "state").encode() not in everything

    back = rollcall("--data", "other", "db", "restore", "kept.zip")
    assert back.returncode == 0, back.stderr
    assert "people: 3 rows\n" in back.stderr
    assert f"the secret key {key_id(secret_of(tmp_path / 'state'))}" in back.stderr
    assert not (tmp_path / "other" / "secret.key").exists()
    before, after = asyncio.run(contents(home)), asyncio.run(contents(url_in(tmp_path / "other")))
    assert (after["people"], after["templates"], after["audit"]) == (
        before["people"], before["templates"], before["audit"],
    )  # fmt: skip


def test_with_the_key_the_audit_tells_of_it(rollcall: Run, inside: Inside, tmp_path: Path) -> None:
    """The chain goes on and can be verified; people sign in with what they had."""
    asyncio.run(_serve_once(tmp_path / "state"))
    assert inside("backup", "kept.zip").exit_code == 0
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "state" / "secret.key", tmp_path / "other")
    back = rollcall("--data", "other", "db", "restore", "kept.zip")
    assert back.returncode == 0, back.stderr
    assert "secret key" not in back.stderr

    async def look() -> None:
        async with parts_in(tmp_path / "other", users=False) as parts, client_of(parts) as client:
            assert (await client.get("/api/v1/users")).json()["meta"]["total"] == 3
            found = await client.get("/api/v1/audit", params={"action": "database.restored"})
            (row,) = found.json()["data"]
            assert (row["actor"]["name"], row["after"]["revision"]) == (
                "command line", await migrate.current(parts.store.url),
            )  # fmt: skip
            assert (await client.get("/api/v1/audit/verification")).json()["data"]["intact"] is True

    asyncio.run(look())


async def _serve_once(folder: Path) -> None:
    async with parts_in(folder):
        pass


def test_up_to_postgresql_and_down_again(rollcall: Run, home: str, tmp_path: Path, postgresql: Databases) -> None:
    """The documented way to move, with the pictures."""
    picture = tmp_path / "state" / "objects" / "people" / "1" / "a.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"face" * 1000)
    assert "1 objects" in rollcall("db", "backup", "--objects", "kept.zip").stdout

    async def go() -> None:
        async with dropped(postgresql) as url:
            up = rollcall("--data", "other", "db", "restore", "kept.zip", ROLLCALL_DATABASE__URL=url)
            assert up.returncode == 0, up.stderr
            assert (tmp_path / "other" / "objects" / "people" / "1" / "a.jpg").read_bytes() == picture.read_bytes()
            down = rollcall("--data", "other", "db", "backup", "down.zip", ROLLCALL_DATABASE__URL=url)
            assert down.returncode == 0, down.stderr
        back = rollcall("--data", "third", "db", "restore", "down.zip")
        assert back.returncode == 0, back.stderr
        before, after = await contents(home), await contents(url_in(tmp_path / "third"))
        for table in ("people", "photos", "templates", "sightings", "entries", "events", "audit", "users", "clips"):
            assert after[table] == before[table]
        async with Store(url_in(tmp_path / "third")) as store:
            assert (await audit_of(store).verify()).intact

    asyncio.run(go())


def test_nothing_is_overwritten_unasked(inside: Inside, home: str, tmp_path: Path) -> None:
    """Neither a file nor a database; with --force both."""
    assert inside("backup", "kept.zip").exit_code == 0
    whole = (tmp_path / "kept.zip").read_bytes()
    again = inside("backup", "kept.zip")
    assert (again.exit_code, again.output) == (1, "")
    assert str(again.exception) == "kept.zip is there already. --force replaces a file."
    assert (tmp_path / "kept.zip").read_bytes() == whole

    somebody = asyncio.run(add_somebody(home))
    refused = inside("restore", "kept.zip")
    assert refused.exit_code == 1
    assert str(refused.exception).endswith("--force replaces everything in it.")
    assert somebody in {row[0] for row in asyncio.run(contents(home))["people"]}
    assert inside("restore", "--force", "kept.zip").exit_code == 0
    assert somebody not in {row[0] for row in asyncio.run(contents(home))["people"]}
    assert inside("backup", "--force", "kept.zip").exit_code == 0
    assert list(tmp_path.glob(".kept*")) == []


def test_a_running_server(rollcall: Run, home: str, tmp_path: Path) -> None:
    """A backup can be made meanwhile; a restore waits until it is stopped."""

    async def meanwhile() -> None:
        async with parts_in(tmp_path / "state", users=False):
            kept = await asyncio.to_thread(rollcall, "db", "backup", "kept.zip")
            assert kept.returncode == 0, kept.stderr
            refused = await asyncio.to_thread(rollcall, "db", "restore", "--force", "kept.zip")
            assert refused.returncode == 1
            assert "Stop every server and worker" in refused.stderr

    asyncio.run(meanwhile())


def test_what_goes_wrong(rollcall: Run, inside: Inside, tmp_path: Path) -> None:
    """Status 2 for bad usage, 1 for a failure in one line; nothing is made."""
    (tmp_path / "text.zip").write_text("hello")
    for usage in (("backup",), ("restore",), ("backup", "a", "--nonsense")):
        assert inside(*usage).exit_code == 2
    for arguments, said in (
        (("backup", "a"), "There is no database yet."),
        (("restore", "nothing.zip"), "There is no file nothing.zip."),
        (("restore", "text.zip"), "text.zip is no backup of Rollcall, or not the whole of one."),
    ):
        failed = inside(*arguments)
        assert (failed.exit_code, failed.stdout, str(failed.exception)) == (1, "", said)
    told = rollcall("db", "restore", "text.zip")
    assert (told.returncode, told.stdout, told.stderr) == (1, "", f"rollcall: {failed.exception}\n")
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "state" / "rollcall.db").exists()
