"""`rollcall attendance import`: looked at first, then added once, with a report of every refusal."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.commands.conftest import Run

TABLE = "employeeId,at,direction\n1,2026-01-05T08:00:00Z,in\n1,2026-01-05T16:00:00Z,out\n2,2026-01-05T08:00:00Z,in\n"


def test_a_table_is_imported_once(rollcall: Run, tmp_path: Path) -> None:
    """A look adds nothing; a second import neither; what is refused is told with its line and column."""
    people, entries, report = tmp_path / "people.csv", tmp_path / "entries.csv", tmp_path / "report.csv"
    people.write_text("fullName,employeeId\nAda,1\n")
    entries.write_text(TABLE)
    assert rollcall("people", "import", str(people)).returncode == 0
    looked = rollcall("attendance", "import", str(entries), "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "2 would be added, 0 known already, 1 refused." in looked.stdout
    result = rollcall("attendance", "import", str(entries), "--report", str(report))
    assert "2 added, 0 known already, 1 refused." in result.stdout
    assert "refused  2 (line 4, employeeId): person_not_found" in result.stdout
    assert "person_not_found" in report.read_text()
    assert "0 added, 2 known already, 1 refused." in rollcall("attendance", "import", str(entries)).stdout
    with closing(sqlite3.connect(tmp_path / "state" / "rollcall.db")) as database:
        assert database.execute("SELECT direction, origin FROM entries ORDER BY at").fetchall() == [
            ("in", "import"), ("out", "import"),
        ]  # fmt: skip


def test_a_file_that_cannot_be_read(rollcall: Run, tmp_path: Path) -> None:
    """One line that says why."""
    for path in (tmp_path / "nowhere.csv", tmp_path):
        result = rollcall("attendance", "import", str(path))
        assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1)
    (tmp_path / "bad.csv").write_text("who\n")
    assert "column 1 (who) is not known" in rollcall("attendance", "import", str(tmp_path / "bad.csv")).stderr
