"""A file of days, written as they come: a table of text, a workbook, or pages to be signed."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Literal, Protocol

from server.jobs.day_columns import COLUMNS, Names, as_text, row_of
from server.jobs.days_pdf import DaysPdf
from server.jobs.days_workbook import About, DaysWorkbook
from server.jobs.spreadsheet import table
from server.pipeline.days_in_turn import DaysOf

Format = Literal["csv", "xlsx", "pdf"]
# Without it, spreadsheets take a table of UTF-8 for one of another alphabet.
BOM = b"\xef\xbb\xbf"


class DaysFile(Protocol):
    """Is given people in the order of `About.people`, each with all of their days. For a thread."""

    def add(self, some: Sequence[DaysOf]) -> None: ...

    def finish(self) -> None:
        """After it the file is whole."""


class DaysTable:
    """CSV: UTF-8 that says so, the columns by their names on the wire, no cell a formula."""

    def __init__(self, file: BinaryIO, names: Names) -> None:
        self._file = file
        self._names = names
        file.write(BOM + table([[column.name for column in COLUMNS]]))

    def add(self, some: Sequence[DaysOf]) -> None:
        rows = ([as_text(one) for one in row_of(day, self._names)] for _, days in some for day in days)
        self._file.write(table(rows))

    def finish(self) -> None:
        self._file.flush()


@contextmanager
def opened(wanted: Format, file: BinaryIO, about: About) -> Iterator[DaysFile]:
    """What is half written when something goes wrong leaves nothing behind but `file`."""
    if wanted == "csv":
        yield DaysTable(file, about.names)
        return
    if wanted == "pdf":
        yield DaysPdf(file, about)
        return
    with tempfile.TemporaryDirectory(prefix="rollcall-", ignore_cleanup_errors=True) as folder:
        workbook = DaysWorkbook(file, about, folder)
        try:
            yield workbook
        finally:
            workbook.close()
