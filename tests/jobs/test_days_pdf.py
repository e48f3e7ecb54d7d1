"""Pages to be signed: who, their days, sums and lines for signatures; names of all alphabets, and long months."""

import importlib.util
import io
from datetime import timedelta

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from server.errors import Invalid
from server.jobs import days_pdf
from server.jobs.days_pdf import DaysPdf
from server.pipeline.days_in_turn import DaysOf
from tests.jobs.days_made_up import about, day, person


def drawn(*people: DaysOf) -> tuple[int, str]:
    """How many pages there are, and all that they say: read back from the file, through the fonts within it."""
    file = io.BytesIO()
    made = DaysPdf(file, about([one for one, _ in people]))
    made.add(list(people))
    made.finish()
    pages = PdfReader(file).pages
    return len(pages), "\n".join(page.extract_text() for page in pages)


def test_a_month_of_somebody() -> None:
    """A page each, with a sum and two lines to sign."""
    ada = person("Ada Łukasz Ångström Ωμέγα Пётр")
    pages, words = drawn((ada, [day(ada, number) for number in range(28)]), (person("Bea"), []))
    assert pages == 2
    for part in (ada.full_name, "Mon 05 Jan 2026", "09:00", "17:00", "7:30", "Lab", "Berlin", "Sum", "210:00"):
        assert part in words, part
    assert words.count("Date, signature: employee") == 2


def test_more_than_a_page() -> None:
    """It goes on with the name and the head again, and the signatures stay with the sum."""
    ada = person("Ada")
    pages, words = drawn((ada, [day(ada, number) for number in range(90)]))
    assert pages == 3
    assert words.count("continued") == 2
    assert words.count("Sum") == 1


def test_what_a_day_says() -> None:
    """Nothing where there is nothing, and a sign where somebody left on the next date."""
    ada = person("Ada")
    night = day(ada, last_out=day(ada).first_in + timedelta(hours=16), locked=True)  # type: ignore[operator]
    off = day(ada, 1, first_in=None, last_out=None, worked_minutes=0, break_minutes=0, late_minutes=0, marks=[])
    _, words = drawn((ada, [night, off]))
    assert "01:00⁺" in words
    assert "Locked days, as they were paid: 1 of 2." in words


def test_nobody() -> None:
    assert "Nobody was expected" in drawn()[1]


def test_the_fonts_have_the_letters() -> None:
    """Of Latin, Greek, Cyrillic, Hebrew, Arabic and Georgian."""
    folder = days_pdf._fonts()
    assert folder is not None
    known = TTFont(folder / "DejaVuSans.ttf").getBestCmap()
    assert all(ord(letter) in known for letter in "ŁÅşğΩЖאبა⁺…–")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told by the field, and no file is begun."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert not days_pdf.possible()
    with pytest.raises(Invalid) as refused:
        days_pdf.check_possible()
    assert refused.value.details[0].code == "not_installed"
