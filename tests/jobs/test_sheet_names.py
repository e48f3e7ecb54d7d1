"""Names of sheets."""

import io

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from server.jobs.sheet_names import sheet_names


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["Lab", "lab", "LAB"], ["Lab", "lab (2)", "LAB (3)"]),
        (["R&D: 1/2 [old]*?"], ["R&D  1 2  old"]),
        (["'quoted'", "it's"], ["quoted", "it's"]),
        (["", "///", " "], ["Sheet", "Sheet (2)", "Sheet (3)"]),
        (["x" * 40, "x" * 40], ["x" * 31, "x" * 27 + " (2)"]),
        (["😀" * 20], ["😀" * 15]),
        (["History", "Summary"], ["History (2)", "Summary (2)"]),
        (["a\x00b\ud800"], ["a b"]),
    ],
)
def test_names_that_a_spreadsheet_takes(wanted: list[str], found: list[str]) -> None:
    """Short, of letters that are allowed, no two alike; "Summary" is taken."""
    assert sheet_names(wanted, "Sheet", ["Summary"]) == found


@given(st.lists(st.text(max_size=50), max_size=12))
def test_whatever_somebody_is_called(wanted: list[str]) -> None:
    """The library that checks them takes them all."""
    found = sheet_names(wanted, "Person", ["Summary"])
    book = xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True})
    for name in ("Summary", *found):
        book.add_worksheet(name)
    assert len({name.lower() for name in found}) == len(wanted)
    book.close()
