"""Lines of terminals of other makers: taken apart, whatever they are."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.attendance.punches import Punch, direction_of, moment_of, place_of, punches_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def test_a_line_as_terminals_send_it() -> None:
    """PIN, time, status, verify and work code; what firmware adds behind them is left out."""
    [punch] = punches_of(b"1042\t2026-01-05 09:00:00\t0\t15\t7\t0\t0\t\t\n")
    assert punch == Punch("1042", "2026-01-05 09:00:00", "0", "15", "7")


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r", b"\n\n"])
def test_every_line_ending(ending: bytes) -> None:
    """Also without one at the end; blank lines are none."""
    one, two = b"1\t2026-01-05 09:00:00\t0\t1", b"2\t2026-01-05 09:00:05\t1\t1"
    for body in (one + ending + two, one + ending + two + ending):
        assert [punch.pin for punch in punches_of(body)] == ["1", "2"]


def test_what_is_left_out_and_what_is_divided_by_spaces() -> None:
    """Old firmware sends less, and some divides by spaces."""
    assert punches_of(b"1\t2026-01-05 09:00:00") == [Punch("1", "2026-01-05 09:00:00", "", "", "")]
    assert punches_of(b"1 2026-01-05 09:00:00 1 15") == [Punch("1", "2026-01-05 09:00:00", "1", "15", "")]


def test_the_first_so_many() -> None:
    """Blank lines do not count."""
    body = b"\n\n1\t2026-01-05 09:00:00\r\n \n2\t2026-01-05 09:00:00\n" * 2
    assert [punch.pin for punch in punches_of(body, 3)] == ["1", "2", "1"]
    assert len(punches_of(body, 9)) == len(punches_of(body)) == 4


def test_the_place_of_a_time() -> None:
    """By its numbers, whether it has leading zeros or none; what is no time comes first."""
    times = ["2026-1-5 10:00:00", "2026-01-05 9:00:00", "2026-1-05 08:0:0", "2025-12-31 23:59:59", "never"]
    assert sorted(times, key=place_of) == times[::-1]


def test_other_encodings() -> None:
    """A mark of UTF-8 in front, and bytes of another encoding in a field that does not count."""
    assert punches_of(b"\xef\xbb\xbf1\t2026-01-05 09:00:00\t0")[0].pin == "1"
    [punch] = punches_of("1\t2026-01-05 09:00:00\t0\t1\t設".encode("gb18030"))
    assert (punch.pin, punch.local_time, punch.status) == ("1", "2026-01-05 09:00:00", "0")


@given(
    st.binary(max_size=400) | st.lists(st.sampled_from([b"7", b"\t", b"\n", b"\r", b" ", b"\0", b"\xff"])).map(b"".join)
)
def test_garbage_fails_nothing_and_loses_no_line(body: bytes) -> None:
    """As many punches as lines that are not blank, and each can be stored: no NUL, no text without an end."""
    punches = punches_of(body)
    text = body.decode("latin-1")
    # What is white in Latin-1 alone may be a part of a letter in UTF-8, so lines are counted by what is surely there.
    surely = [line for line in re.split(r"[\r\n]+", text) if re.search(r"[!-~]", line)]
    assert len(punches) >= len(surely)
    for punch in punches:
        assert punch.understood or punch.text
        assert all("\0" not in field and "\n" not in field and len(field) <= 300 for field in punch)
        found = moment_of(punch.local_time, BERLIN, NOW)
        assert isinstance(found, str | datetime)


@given(st.text(max_size=40))
def test_any_time_is_a_moment_or_a_reason(local_time: str) -> None:
    """Never an exception."""
    assert isinstance(moment_of(local_time, BERLIN, NOW), str | datetime)


@pytest.mark.parametrize(
    ("local_time", "expected"),
    [
        ("2026-01-05 09:00:00", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
        ("2026-1-5 9:00:00", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
        ("2025-10-26 02:30:00", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),  # comes twice: the first
        ("2025-03-30 02:30:00", datetime(2025, 3, 30, 1, 30, tzinfo=UTC)),  # does not come: clocks show 03:30
        ("2026-01-05 13:05:00", datetime(2026, 1, 5, 12, 5, tzinfo=UTC)),  # five minutes ahead
        ("2026-01-05 13:05:01", "in_the_future"),
        ("9999-12-31 23:59:59", "in_the_future"),
        ("2000-01-01 00:04:15", "too_long_ago"),  # a clock that was lost
        ("0001-01-01 00:00:00", "too_long_ago"),
        ("2026-02-30 09:00:00", "bad_time"),
        ("2026-01-05 24:00:00", "bad_time"),
        ("٢٠٢٦-01-05 09:00:00", "bad_time"),
        ("yesterday", "bad_time"),
    ],
)
def test_moments_by_the_terminals_clock(local_time: str, expected: object) -> None:
    """In its zone, also where clocks are changed; what cannot be has a reason."""
    assert moment_of(local_time, BERLIN, NOW) == expected


def test_keys() -> None:
    """Six of them have a direction; 255 and everything else says nothing."""
    assert [direction_of(str(status)) for status in range(6)] == ["in", "out", "out", "in", "in", "out"]
    assert [direction_of(status) for status in ("255", "", "6", "x", "00")] == [None] * 5
