"""`rollcall db`: forward, backward, and seeding that can be repeated."""

from pathlib import Path

from tests.commands.conftest import Run


def test_up_down_and_up_again(rollcall: Run) -> None:
    """Each step says where the database is."""
    up = rollcall("db", "upgrade")
    assert up.returncode == 0, up.stderr
    revision = up.stdout.strip()
    assert rollcall("db", "current").stdout.strip() == revision
    assert rollcall("db", "downgrade", "base").stdout.strip() == "empty"
    assert rollcall("db", "upgrade").stdout.strip() == revision


def test_seeding_twice_does_no_harm(rollcall: Run) -> None:
    """Roles are there after the first time, and unchanged after the second."""
    assert rollcall("db", "seed").returncode == 0
    assert rollcall("db", "seed").returncode == 0
    assert rollcall("user", "create", "ada@example.com", "--role", "Viewer").returncode == 0


def test_an_unknown_revision_is_an_error(rollcall: Run) -> None:
    """One line, exit status 1."""
    result = rollcall("db", "upgrade", "nowhere")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_the_data_folder_is_for_its_owner_alone(rollcall: Run, tmp_path: Path) -> None:
    """It will hold camera passwords and faces, whichever command makes it."""
    assert rollcall("db", "upgrade").returncode == 0
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
