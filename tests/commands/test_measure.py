"""`rollcall models bench` says what it measured, on what."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.commands.measure import middle_ms
from server.commands.models import app


def test_a_line_for_each_batch_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the pack and the device that really ran."""
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["bench", "--rounds", "1"])
    assert result.exit_code == 0, result.exception
    lines = result.stdout.splitlines()
    assert [line.split(":")[0].split(", ")[1] for line in lines] == ["batch 1", "batch 8", "320x192", "640x384"]
    assert all("ExecutionProvider" in line for line in lines)
    assert lines[0].startswith("mobilefacenet@1")
    assert lines[2].startswith("centerface@1")


def test_the_first_run_does_not_count() -> None:
    """It is there to warm up."""
    runs: list[int] = []
    assert middle_ms(lambda: runs.append(1), 3) >= 0
    assert len(runs) == 4
