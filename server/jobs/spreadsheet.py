"""Tables for spreadsheets: CSV as RFC 4180 has it, with no cell that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

# A spreadsheet takes a cell that begins like this for a formula, and some texts are chosen by whoever sends them.
RISKY = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """As text; nothing where there is none. A number is one, also below zero: nobody can hide a formula in it."""
    text = "" if value is None else str(value)
    if isinstance(value, int | float):
        return text
    return f"'{text}" if text.startswith(RISKY) else text


def table(rows: Iterable[Sequence[object]]) -> bytes:
    """The rows as UTF-8. Takes a while with many: call it in a thread."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([cell(one) for one in row] for row in rows)
    return written.getvalue().encode()
