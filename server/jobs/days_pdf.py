"""A month to be signed: a page or more for each person with their days, sums and lines for two signatures, as PDF."""

import importlib.util
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from server.errors import Invalid
from server.jobs.day_sums import Sums
from server.jobs.days_workbook import About
from server.pipeline.day_rows import DayPublic
from server.pipeline.days_in_turn import DaysOf
from server.store.tables import Person

FONT = "DejaVu"
MARGIN = 14.0  # mm, as all here
LINE = 5.6
HEAD = 6.5
FOOT_SPACE = 46.0  # sums and signatures stay together
# What a column says, how wide it is, and on which side it stands.
COLUMNS = (
    ("Date", 30.0, "L"), ("Status", 22.0, "L"), ("In", 15.0, "R"), ("Out", 15.0, "R"), ("Break", 15.0, "R"),
    ("Worked", 17.0, "R"), ("Overtime", 18.0, "R"), ("Late", 12.0, "R"), ("Marks", 38.0, "L"),
)  # fmt: skip
LONGEST = 60  # letters of a name in a line


def possible() -> bool:
    """Whether the fonts are installed."""
    return _fonts() is not None


def check_possible() -> None:
    """Raises Invalid where it is not."""
    if not possible():
        raise Invalid.field("format", "not_installed", "PDF needs the extra `pdf` on the server.")


class DaysPdf:
    """Is given people in turn, each with all of their days. For a thread."""

    def __init__(self, file: BinaryIO, about: About) -> None:
        check_possible()
        fonts = _fonts()
        assert fonts is not None
        from fpdf import FPDF  # most of half a second, at every start of a server that may never need it

        self._file = file
        self._about = about
        pdf = self._pdf = FPDF(format="A4")
        pdf.set_title(f"Attendance {about.first} to {about.last}")
        pdf.set_creator("Rollcall")
        pdf.set_creation_date(about.made_at)
        pdf.set_margins(MARGIN, MARGIN)
        pdf.set_auto_page_break(False)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            pdf.add_font(FONT, style, str(fonts / name))

    def add(self, some: Sequence[DaysOf]) -> None:
        for person, days in some:
            self._person(person, days)

    def finish(self) -> None:
        if not self._pdf.page:
            self._pdf.add_page()
            self._text(11, "Nobody was expected or there on these dates.")
        self._file.write(bytes(self._pdf.output()))
        self._file.flush()

    def _person(self, person: Person, days: Sequence[DayPublic]) -> None:
        sums = Sums()
        self._page(person, days, first=True)
        for day in days:
            if self._pdf.get_y() + LINE > self._pdf.h - MARGIN:
                self._page(person, days, first=False)
            sums.add(day)
            self._row(_cells(day), bold=False)
        if self._pdf.get_y() + FOOT_SPACE > self._pdf.h - MARGIN:
            self._page(person, days, first=False)
        total = ["Sum", "", "", "", _hours(sums.rest), _hours(sums.worked), _hours(sums.overtime), str(sums.late), ""]
        self._row(total, bold=True)
        self._signatures(days)

    def _page(self, person: Person, days: Sequence[DayPublic], *, first: bool) -> None:
        pdf, about = self._pdf, self._about
        pdf.add_page()
        self._text(15, person.full_name[:LONGEST], bold=True, height=8)
        names = about.names
        where = [
            f"No. {person.employee_id}" if person.employee_id else None,
            names.departments.get(person.department_id or ""), names.sites.get(person.site_id or ""),
            days[0].timezone if days else about.zone,
        ]  # fmt: skip
        self._text(9, " · ".join(one for one in where if one))
        dates = f"{about.first:%d %b %Y} – {about.last:%d %b %Y}"
        self._text(9, f"Attendance {dates}" if first else f"Attendance {dates}, continued")
        pdf.ln(3)
        self._row([name for name, _, _ in COLUMNS], bold=True, height=HEAD)

    def _row(self, cells: Sequence[str], *, bold: bool, height: float = LINE) -> None:
        pdf = self._pdf
        pdf.set_font(FONT, "B" if bold else "", 8)
        for (_, width, align), text in zip(COLUMNS, cells, strict=True):
            pdf.cell(width, height, self._fitting(text, width), border="B", align=align)
        pdf.ln(height)

    def _fitting(self, text: str, width: float) -> str:
        """As much of it as there is room for."""
        room = width - 2
        if self._pdf.get_string_width(text) <= room:
            return text
        while text and self._pdf.get_string_width(f"{text}…") > room:
            text = text[:-1]
        return f"{text}…"

    def _signatures(self, days: Sequence[DayPublic]) -> None:
        pdf, about = self._pdf, self._about
        pdf.ln(2)
        locked = sum(day.locked for day in days)
        said = f"Made {about.made_at:%d %b %Y %H:%M}."
        if locked:
            said += f" Locked days, as they were paid: {locked} of {len(days)}."
        self._text(8, said)
        pdf.ln(16)
        y, width = pdf.get_y(), (pdf.w - 2 * MARGIN - 14) / 2
        for x, words in ((MARGIN, "Date, signature: employee"), (MARGIN + width + 14, "Date, signature: employer")):
            pdf.line(x, y, x + width, y)
            pdf.set_xy(x, y + 1)
            pdf.set_font(FONT, "", 8)
            pdf.cell(width, LINE, words)
        pdf.ln(LINE)

    def _text(self, size: int, text: str, *, bold: bool = False, height: float = LINE) -> None:
        self._pdf.set_font(FONT, "B" if bold else "", size)
        self._pdf.cell(0, height, text)
        self._pdf.ln(height)


def _cells(day: DayPublic) -> list[str]:
    marks = ", ".join(mark.value.replace("_", " ") for mark in day.marks)
    return [
        f"{day.date:%a %d %b %Y}", day.status.value, _clock(day.first_in, day), _clock(day.last_out, day),
        _hours(day.break_minutes), _hours(day.worked_minutes), _hours(day.overtime_minutes),
        str(day.late_minutes) if day.late_minutes else "", marks,
    ]  # fmt: skip


def _clock(at: datetime | None, day: DayPublic) -> str:
    """As the clock on the wall showed it; with a sign where that was on a later date."""
    if at is None:
        return ""
    local = at.astimezone(ZoneInfo(day.timezone))
    return f"{local:%H:%M}" + ("⁺" if local.date() > day.date else "")


def _hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}" if minutes else ""


def _fonts() -> Path | None:
    """Where DejaVu lies within matplotlib, which is not imported for it."""
    found = importlib.util.find_spec("matplotlib")
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" if found and found.origin else None
    return folder if folder is not None and (folder / "DejaVuSans.ttf").is_file() else None
