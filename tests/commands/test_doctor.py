"""`rollcall doctor`: a line a thing, a status for scripts, and no check that hangs or breaks hides the others."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from server.commands import checks, doctor
from server.commands.checks import Finding
from server.errors import Detail
from tests.commands.conftest import Run
from tests.servers import free_port

EVERY = {
    "configuration", "data folder", "port", "https", "database", "bus", "storage", "providers", "ffmpeg", "webrtc",
    "detector", "embedder",
}  # fmt: skip


def test_a_fresh_installation_is_well(rollcall: Run, tmp_path: Path) -> None:
    """Exit status 0, a line for each thing, and nothing was made."""
    result = rollcall("doctor", "--port", str(free_port()))
    assert result.returncode == 0, result.stdout
    lines = result.stdout.strip().splitlines()
    assert len(lines) == len(EVERY)
    assert all(line.startswith(("ok ", "warning ")) for line in lines)
    assert not (tmp_path / "state").exists()


def test_what_is_wrong_is_found_at_once(rollcall: Run) -> None:
    """Mistakes in the settings and things that are away, with what to do; exit status 1; no password is told."""
    result = rollcall(
        "doctor", "--json", "--port", str(free_port()), ROLLCALL_LOG__LEVEL="loud", ROLLCALL_COLOUR="red",
        ROLLCALL_BUS__URL="redis://:hunter2-redis@127.0.0.1:1",
        ROLLCALL_DATABASE__URL="postgresql+asyncpg://rollcall:hunter2-base@127.0.0.1:1/x",
    )  # fmt: skip
    assert result.returncode == 1
    assert "hunter2" not in result.stdout + result.stderr
    rows = json.loads(result.stdout)
    assert {row["check"] for row in rows} == EVERY
    failed = {row["check"] for row in rows if row["state"] == "failed"}
    assert failed == {"configuration", "bus", "database"}
    assert all(row["advice"] for row in rows if row["state"] != "ok")
    said = " ".join(row["message"] for row in rows if row["check"] == "configuration")
    assert "ROLLCALL_LOG__LEVEL" in said
    assert "ROLLCALL_COLOUR" in said


def test_lines_are_for_people() -> None:
    """In columns, with an arrow to what to do, and without secrets."""
    found = [
        ("bus", checks.failed("redis://:hunter2@host is away", "Start it.")),
        ("https", Finding("ok", "good")),
    ]
    assert doctor.lines(found) == [
        "failed   bus    redis://:***@host is away  -> Start it.",
        "ok       https  good",
    ]


def test_mistakes_come_first() -> None:
    """Each in a line of its own; without any it is one line that says so."""
    assert [finding.state for _, finding in doctor.configuration([])][0] in ("ok", "warning")
    mistakes = [Detail("ROLLCALL_A", "x", "is wrong"), Detail("ROLLCALL_B", "x", "is missing")]
    found = doctor.configuration(mistakes)[:2]
    assert [(name, finding.message) for name, finding in found] == [
        ("configuration", "ROLLCALL_A: is wrong"), ("configuration", "ROLLCALL_B: is missing"),
    ]  # fmt: skip


async def test_a_check_that_hangs_or_breaks_is_a_finding() -> None:
    """Within its time, and the others go on."""

    async def hangs() -> Finding:
        await asyncio.Event().wait()
        raise AssertionError

    async def breaks() -> Finding:
        raise RuntimeError("out of order\nsecond line")

    started = time.monotonic()
    slow = await doctor.bounded(hangs, 0.1)
    assert (slow.state, slow.message) == ("failed", "No answer within 0.1 s")
    assert time.monotonic() - started < 30
    broken = await doctor.bounded(breaks)
    assert (broken.state, broken.message) == ("failed", "RuntimeError: out of order")


async def test_settings_that_cannot_be_read_at_all_are_the_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is nothing else to look at then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROLLCALL_LOG", '{"colour": "red"}')
    found = await doctor.examined("127.0.0.1", free_port())
    assert {name for name, _ in found} == {"configuration"}
    assert "ROLLCALL_LOG__COLOUR" in found[0][1].message
