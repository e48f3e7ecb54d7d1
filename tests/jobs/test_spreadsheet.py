"""Tables for spreadsheets."""

from server.jobs.spreadsheet import cell, table


def test_a_cell_is_never_a_formula() -> None:
    """Text that a spreadsheet would compute is marked as text; nothing is an empty cell."""
    assert [cell(one) for one in ("=1+1", "+49", "@x", "-", "Ada", None, 7)] == [
        "'=1+1", "'+49", "'@x", "'-", "Ada", "", "7"
    ]  # fmt: skip
    assert [cell(one) for one in (-60, -0.5, "-60")] == ["-60", "-0.5", "'-60"]


def test_rows_are_lines() -> None:
    """Quoted where it is needed, UTF-8."""
    assert table([("name", "note"), ("Zoë", 'a "b", c')]) == 'name,note\r\nZoë,"a ""b"", c"\r\n'.encode()
