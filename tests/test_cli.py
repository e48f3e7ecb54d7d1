"""The command line: exit statuses, one clear line for an error, and --data wherever it stands."""

from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.commands.conftest import rollcall as rollcall


def test_help_lists_the_commands(rollcall: Run) -> None:
    """Bare `rollcall` and --help show what there is."""
    result = rollcall("--help")
    assert result.returncode == 0
    for command in ("serve", "demo", "doctor", "db", "user", "models", "people", "camera"):
        assert command in result.stdout


def test_bad_usage_is_2(rollcall: Run) -> None:
    """An unknown option and an unknown command."""
    assert rollcall("serve", "--colour").returncode == 2
    assert rollcall("dance").returncode == 2


def test_each_wrong_setting_is_a_line_with_its_name(rollcall: Run) -> None:
    """Every mistake at once, by the name under which it is set; no traceback."""
    result = rollcall("db", "current", ROLLCALL_ATTENDANCE__COOLDOWN_S="soon", ROLLCALL_HTTP__MAX_BODY_MB="0")
    assert result.returncode == 1
    first, second = sorted(result.stderr.strip().splitlines())
    assert first.startswith("rollcall: ROLLCALL_ATTENDANCE__COOLDOWN_S: ")
    assert second.startswith("rollcall: ROLLCALL_HTTP__MAX_BODY_MB: ")


def test_data_may_stand_after_the_command(rollcall: Run, tmp_path: Path) -> None:
    """`rollcall db upgrade --data DIR` and `rollcall --data DIR db upgrade` are the same."""
    assert rollcall("db", "upgrade", "--data", str(tmp_path / "one")).returncode == 0
    assert rollcall("--data", str(tmp_path / "two"), "db", "upgrade").returncode == 0
    assert (tmp_path / "one/rollcall.db").is_file()
    assert (tmp_path / "two/rollcall.db").is_file()
    assert not (tmp_path / "state").exists()


def test_a_password_in_an_error_is_masked(rollcall: Run) -> None:
    """The line on standard error goes to logs too."""
    result = rollcall("camera", "probe", "rtsp://admin:hunter2@127.0.0.1/live")
    assert result.returncode == 1
    assert "hunter2" not in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("url", ["nonsense", "postgresql+asyncpg://nobody@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_opened_is_one_line(rollcall: Run, url: str) -> None:
    """Whatever is raised below ends in one line, not in a traceback."""
    result = rollcall("db", "current", ROLLCALL_DATABASE__URL=url)
    assert result.returncode == 1
    assert result.stderr.startswith("rollcall: ")
    assert len(result.stderr.strip().splitlines()) == 1
