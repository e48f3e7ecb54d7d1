"""`rollcall db`: forward, backward, and seeding that can be repeated."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from typer.testing import CliRunner, Result

from server.commands.db import app
from server.store import migrate
from tests.commands.conftest import Run
from tests.opened import parts_in

Inside = Callable[..., Result]
SOURCE = "rtsp://guard:hunter2@10.0.0.5/1"


def test_up_down_and_up_again(rollcall: Run) -> None:
    """Each step says where the database is."""
    up = rollcall("db", "upgrade")
    assert up.returncode == 0, up.stderr
    revision = up.stdout.strip()
    assert rollcall("db", "current").stdout.strip() == revision
    assert rollcall("db", "downgrade", "base").stdout.strip() == "empty"
    assert rollcall("db", "upgrade").stdout.strip() == revision


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """`rollcall db` in this process, with the same data folder: a process of its own takes seconds to start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path / "state"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return run


@pytest.fixture
def kept(inside: Inside, tmp_path: Path) -> Callable[[], str]:
    """What the database says of the source of a camera with a password, which a start of the server has sealed."""
    assert inside("upgrade").exit_code == 0
    execute(
        tmp_path,
        "INSERT INTO cameras (id, created_at, updated_at, name, source, sub_source, kind, role, enabled)"
        f" VALUES ('c', '2026-01-05 08:00', '2026-01-05 08:00', 'Door', '{SOURCE}', '', 'rtsp', 'in', 0)",
    )
    asyncio.run(_start(tmp_path / "state"))
    return lambda: str(execute(tmp_path, "SELECT source FROM cameras")[0][0])


def execute(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "state" / "rollcall.db")) as connection, connection:
        return connection.execute(statement).fetchall()


def test_the_way_back_keeps_the_passwords_of_cameras(rollcall: Run, kept: Callable[[], str]) -> None:
    """They are encrypted; an earlier revision gets them in the clear again, and the way forward seals them."""
    assert "hunter2" not in kept()
    down = rollcall("db", "downgrade", "0002")
    assert (down.returncode, down.stdout.strip()) == (0, "0002"), down.stderr
    assert kept() == SOURCE


def test_the_way_back_keeps_templates(inside: Inside, kept: Callable[[], str], tmp_path: Path) -> None:
    """A start of the server seals what an earlier version left in the clear; the way back opens it again."""
    assert kept()
    _add_template(tmp_path, b"12345678")
    asyncio.run(_start(tmp_path / "state"))
    [(content, key)] = execute(tmp_path, "SELECT embedding, key_id FROM templates")
    assert key is not None
    assert b"12345678" not in content
    down = inside("downgrade", "0004")
    assert (down.exit_code, down.stdout.strip()) == (0, "0004"), down.stderr
    assert execute(tmp_path, "SELECT embedding FROM templates") == [(b"12345678",)]
    assert "hunter2" not in kept()


def _add_template(folder: Path, content: bytes) -> None:
    at = "'2026-01-05 08:00', '2026-01-05 08:00'"
    for statement in (
        "INSERT INTO people (id, created_at, updated_at, full_name, external_ids, active)"
        f" VALUES ('p', {at}, 'Ada', '{{}}', 1)",
        "INSERT INTO photos (id, created_at, updated_at, person_id, object_key, portrait_key, width, height, box,"
        f" quality, warnings) VALUES ('f', {at}, 'p', 'a', 'b', 1, 1, '[]', '{{}}', '[]')",
        "INSERT INTO templates (id, created_at, updated_at, person_id, photo_id, pack, pack_sha256, dimension,"
        f" embedding) VALUES ('t', {at}, 'p', 'f', 'x', '', 2, X'{content.hex()}')",
    ):
        execute(folder, statement)


def test_passwords_stay_sealed_where_the_revision_knows_it(inside: Inside, kept: Callable[[], str]) -> None:
    """A relative revision is no option; what it leads to decides."""
    revisions = [one.revision for one in ScriptDirectory.from_config(migrate.alembic_config()).walk_revisions()]
    assert inside("current").stdout.strip() == revisions[0]
    down = inside("downgrade", "-1")
    assert (down.exit_code, down.stdout.strip()) == (0, revisions[1]), down.stderr
    assert "hunter2" not in kept()
    down = inside("downgrade", f"-{revisions.index('0002') - 1}")
    assert (down.exit_code, down.stdout.strip()) == (0, "0002"), down.stderr
    assert kept() == SOURCE


def test_no_way_back(inside: Inside, kept: Callable[[], str]) -> None:
    """Nothing is touched, and no password is left in the clear."""
    before = inside("current").stdout
    for revision in ("nowhere", "-99", "--forse"):
        down = inside("downgrade", revision)
        assert (down.exit_code, down.stdout) == (1, "")
        assert str(down.exception).startswith("There is no way back from")
    assert inside("current").stdout == before
    assert "hunter2" not in kept()


def test_a_way_back_that_fails(rollcall: Run, kept: Callable[[], str], tmp_path: Path) -> None:
    """Passwords are sealed as before."""
    execute(tmp_path, "DROP INDEX ix_snapshots_taken_at")  # which the migration wants to drop
    down = rollcall("db", "downgrade", "0002")
    assert down.returncode == 1
    assert "ix_snapshots_taken_at" in one_line(down.stderr)
    assert "hunter2" not in kept()


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    return text


async def _start(folder: Path) -> None:
    async with parts_in(folder, users=False):
        pass


def test_seeding_twice_does_no_harm(rollcall: Run) -> None:
    """Roles and settings are there after the first time, and unchanged after the second."""
    first, second = rollcall("db", "seed"), rollcall("db", "seed")
    assert first.returncode == 0, first.stderr
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert "Admin, Operator, Viewer" in first.stdout
    assert rollcall("user", "create", "ada@example.com", "--role", "Viewer").returncode == 0


def test_seeding_a_first_administrator(rollcall: Run) -> None:
    """Once: with a password from standard input, or made and printed; a second one is not made."""
    weak = rollcall("db", "seed", "--admin", "ada@example.com", "--password-stdin", stdin="short\n")
    assert (weak.returncode, "Traceback" in weak.stderr) == (1, False)
    first = rollcall("db", "seed", "--admin", "ada@example.com", "--name", "Ada")
    assert first.returncode == 0, first.stderr
    assert "Created ada@example.com as Admin." in first.stdout
    assert len(first.stdout.split("Password: ")[1].strip()) >= 16
    again = rollcall("db", "seed", "--admin", "eve@example.com", "--password-stdin", stdin="seven grey herons\n")
    assert again.returncode == 0, again.stderr
    assert "There is an administrator already." in again.stdout
    assert "Password" not in again.stdout


def test_an_unknown_revision_is_an_error(rollcall: Run) -> None:
    """One line, exit status 1."""
    result = rollcall("db", "upgrade", "nowhere")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_the_data_folder_is_for_its_owner_alone(rollcall: Run, tmp_path: Path) -> None:
    """It will hold camera passwords and faces, whichever command makes it."""
    assert rollcall("db", "upgrade").returncode == 0
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
