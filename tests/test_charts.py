"""Charts of the pages: in their colours, and without anything that runs."""

import re
import sys

from server.charts import bars, blank


def test_bars_are_drawn_in_the_colours_of_the_page() -> None:
    """One for each number, with both names; nothing is run or loaded, and the library's import hook does not stay."""
    drawn = bars(["08:00", "08:15"], {"arrived": ("accent", [2, 1])}, "dark", "time", "people", ["08:00"]).decode()
    assert drawn.count('class="rect reactive') == 2
    assert "people" in drawn
    assert "#6cc6e4" in drawn
    assert "<script" not in drawn
    assert "href=" not in drawn
    assert not [hook for hook in sys.meta_path if type(hook).__module__ == "pygal"]


def test_several_series_have_a_legend() -> None:
    """Colour alone tells nothing."""
    series = {"there": ("green", [3, 4]), "absent": ("red", [1, 0])}
    drawn = bars(["1 Jan", "2 Jan"], series, "light", "date", "people", ["1 Jan"]).decode()  # type: ignore[arg-type]
    assert {"there", "absent"} <= set(re.findall(r">([a-z]+)<", drawn))


def test_labels_and_steps_can_be_read() -> None:
    """Those that are marked stand there in full, and the axis of numbers goes by ones, twos and fives."""
    drawn = bars(["30 Nov", "1 Dec"], {"late": ("amber", [3, 168])}, "light", "date", "people", ["30 Nov"]).decode()
    assert {"30 Nov", "50", "200"} <= set(re.findall(r">([^<>]+)<", drawn))


def test_nothing_to_draw_is_a_picture_all_the_same() -> None:
    """Without labels and without people."""
    assert b"<svg" in bars([], {"arrived": ("accent", [])}, "light", "time", "people", [])
    assert b"<svg" in bars(["1 Jan"], {"late": ("amber", [0])}, "light", "date", "people", ["1 Jan"])
    assert b"<svg" in blank("XY", "light", ["accent"]).render()
