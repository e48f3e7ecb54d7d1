"""A file of days: both formats, and what is left of one that went wrong."""

import csv
import io
import tempfile
from pathlib import Path

import openpyxl
import pytest

from server.jobs.days_file import BOM, opened
from tests.jobs.days_made_up import about, day, person


def test_a_table() -> None:
    """Says that it is UTF-8, has its head once, and no cell that is a formula."""
    ada, zoe, file = person("=1+1"), person("Zoë"), io.BytesIO()
    with opened("csv", file, about([ada, zoe])) as written:
        written.add([(ada, [day(ada), day(ada, 1)])])
        written.add([(zoe, [day(zoe)])])
        written.finish()
    assert file.getvalue().startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    assert [row["fullName"] for row in rows] == ["'=1+1", "'=1+1", "Zoë"]
    assert {row["employeeId"] for row in rows} == {"'-1"}


def test_a_workbook_of_nobody() -> None:
    """Is one that can be read."""
    file = io.BytesIO()
    with opened("xlsx", file, about([])) as written:
        written.finish()
    assert openpyxl.load_workbook(file).sheetnames == ["Summary", "All days"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a workbook that went well nor by one that did not."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ada = person("Ada")
    with opened("xlsx", io.BytesIO(), about([ada])) as written:
        assert list(tmp_path.iterdir())
        written.add([(ada, [day(ada)])])
        written.finish()
    with pytest.raises(RuntimeError), opened("xlsx", io.BytesIO(), about([ada])) as written:  # noqa: PT012
        written.add([(ada, [day(ada)])])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
