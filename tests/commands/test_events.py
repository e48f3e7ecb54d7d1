"""`rollcall events tail`: what happened, and what happens, as JSON lines."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.commands.events import Tailer, since_when
from server.errors import BadRequest, Invalid
from server.events.log import Position
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.migrate import upgrade
from tests.commands.conftest import Run
from tests.events.scenes import AT, new_event
from tests.servers import plain_environment

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
TABLE = "employeeId,at,direction\n1,2026-01-05T08:00:00Z,in\n1,2026-01-05T16:00:00Z,out\n"


@pytest.fixture
def ada(rollcall: Run, tmp_path: Path) -> Path:
    """Somebody, and a table of their entries."""
    people, entries = tmp_path / "people.csv", tmp_path / "entries.csv"
    people.write_text("fullName,employeeId\nAda,1\n")
    entries.write_text(TABLE)
    assert rollcall("people", "import", str(people)).returncode == 0
    return entries


def told(text: str) -> list[tuple[str, str]]:
    return [(one["topic"], one["type"]) for one in map(json.loads, text.splitlines())]


CAME = [("attendance", "attendance.checked_in"), ("attendance", "attendance.checked_out")]


def test_what_happened_since(rollcall: Run, ada: Path) -> None:
    """By a time, by a place of a line before; without either, nothing has happened yet."""
    assert rollcall("attendance", "import", str(ada)).returncode == 0
    asked = ("events", "tail", "--no-follow", "--topic", "attendance")
    found = rollcall(*asked, "--since", "2026-01-01T00:00:00Z")
    assert found.returncode == 0, found.stderr
    assert told(found.stdout) == CAME
    first = json.loads(found.stdout.splitlines()[0])
    assert first["data"]["person"]["fullName"] == "Ada"
    rest = rollcall(*asked, "--since", first["place"])
    assert told(rest.stdout) == CAME[1:]
    assert rollcall(*asked).stdout == ""
    lost = rollcall(*asked, "--since", "another:1")
    assert (lost.returncode, lost.stdout) == (0, "")
    assert "attendance no longer reaches back to another:1" in lost.stderr


def test_what_happens_now(rollcall: Run, ada: Path, tmp_path: Path) -> None:
    """It goes on until it is asked to stop, and then says that all is well."""
    environment = plain_environment() | {"ROLLCALL_DATA_DIR": str(tmp_path / "state")}
    command = [str(Path(sys.executable).with_name("rollcall")), "events", "tail", "--since", "1d"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as process:
        assert process.stdout is not None
        assert rollcall("attendance", "import", str(ada)).returncode == 0
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert told("".join(lines)) == CAME


async def test_each_topic_keeps_its_order(tmp_path: Path) -> None:
    """A time does not rise with the place: whoever goes on from a line's place misses nothing that was before it."""
    url = f"sqlite+aiosqlite:///{tmp_path}/events.sqlite"
    await upgrade(url)
    async with Store(url) as store:
        log = TableLog(store)
        async with store.transaction() as session:
            await log.append(session, [new_event(number) for number in (5, 1, 9)])
            await log.append(session, [new_event(7, topic="jobs", kind="job.done")])
        tailer = Tailer(log, [], AT - timedelta(days=1))
        await tailer.begin()
        lines = [json.loads(line) for line in await tailer.more()]
    assert [one["data"]["number"] for one in lines if one["topic"] == "alerts"] == [5, 1, 9]
    assert [one["data"]["number"] for one in lines] == [5, 1, 7, 9]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--topic", "weather"), "weather is no stored topic"),
        (("--topic", "system/stats"), "system/stats is no stored topic"),
        (("--since", "a:1"), "name that with --topic"),
        (("--since", "yesterday"), "yesterday is no EPOCH:OFFSET"),
    ],
)
def test_what_is_wrong_is_said(rollcall: Run, arguments: tuple[str, ...], said: str) -> None:
    """In one line."""
    result = rollcall("events", "tail", *arguments)
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1)
    assert said in result.stderr


def test_since_when() -> None:
    """Some time ago, a time, a place, or now."""
    assert since_when(None, NOW) is None
    assert since_when("15m", NOW) == NOW - timedelta(minutes=15)
    assert since_when("7d", NOW) == NOW - timedelta(days=7)
    assert since_when("2026-03-01T09:00:00+01:00", NOW) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert since_when("01a2-b:57", NOW) == Position("01a2-b", 57)
    for wrong in ("", "15", "5 minutes", "2026-03-01T09:00", "a:b"):
        with pytest.raises((Invalid, BadRequest)):
            since_when(wrong, NOW)
