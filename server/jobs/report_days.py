"""What a report is made of: its days as a file, and what is said of them beside it."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from server.attendance.day import Mark, Status
from server.errors import Invalid
from server.jobs.days_export import Asked, DaysExport
from server.pipeline.day_rows import DayPublic

Kind = Literal["day", "exceptions", "month"]
MOST_DAYS = 100_000
MOST_BYTES = 7_000_000  # encoded a third more: most mail servers take 10 MB
SHOWN = 20  # exceptions


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A day on which something was not as expected."""

    name: str
    date: date
    what: str


@dataclass(slots=True)
class Figures:
    """Counted as the days come by, each of one person."""

    present: int = 0
    late: int = 0
    early: int = 0
    absent: int = 0
    missing_outs: int = 0
    exceptions: int = 0
    first: list[Exceptional] = field(default_factory=list)

    def count(self, day: DayPublic) -> bool:
        """Whether it is an exception."""
        missing, absent = Mark.MISSING_OUT in day.marks, day.status is Status.ABSENT
        self.present += day.first_in is not None
        self.late += day.late_minutes > 0
        self.early += day.early_minutes > 0
        self.absent += absent
        self.missing_outs += missing
        found = [
            *(["absent"] * absent),
            *([f"{day.late_minutes} min late"] if day.late_minutes > 0 else []),
            *([f"left {day.early_minutes} min early"] if day.early_minutes > 0 else []),
            *(["no check-out"] * missing),
        ]
        if not found:
            return False
        self.exceptions += 1
        if len(self.first) < SHOWN:
            self.first.append(Exceptional(day.person.full_name, day.date, ", ".join(found)))
        return True


@dataclass(frozen=True, slots=True)
class Made:
    """The file and what is in it."""

    content: bytes
    rows: int
    figures: Figures


async def make(export: DaysExport, asked: Asked, kind: Kind) -> Made:
    """Raises Invalid where it is too much for a mail. Only the file itself is ever whole in memory."""
    who = await export.people(asked, MOST_DAYS, "Choose a site or a department, or a shorter period.")
    figures = Figures()
    chosen: Callable[[DayPublic], bool] = figures.count
    if kind != "exceptions":
        chosen = lambda day: figures.count(day) or True  # noqa: E731 - counted, and kept whatever it is
    with tempfile.TemporaryFile() as file:  # without a name: it is gone with the process, however that ends
        rows = await export.write(file, asked, who, _unheard, chosen)
        if await asyncio.to_thread(file.seek, 0, 2) > MOST_BYTES:
            size = f"{MOST_BYTES // 1_000_000} MB"
            raise Invalid.field("kind", "too_much", f"The file has more than {size}, which is too much for a mail.")
        await asyncio.to_thread(file.seek, 0)
        return Made(await asyncio.to_thread(file.read), rows, figures)


async def _unheard(_done: int, _total: int) -> None:
    """Nobody watches."""
