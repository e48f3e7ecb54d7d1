"""Names of sheets that a spreadsheet takes: short, of letters that are allowed, and no two alike."""

import re
from collections.abc import Iterable

LONGEST = 31  # in units of UTF-16, as spreadsheets count
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
RESERVED = ("history",)  # Excel keeps it for itself


def sheet_names(wanted: Iterable[str], otherwise: str, taken: Iterable[str] = ()) -> list[str]:
    """A name for each that was wanted, in turn; `otherwise` for one of which nothing is left.

    Capitals make no difference between two of them. The second of a name is `name (2)`.
    """
    used = {name.casefold() for name in taken}
    found = []
    for one in wanted:
        name = free = _allowed(one) or otherwise
        number = 1
        while free.casefold() in used or free.casefold() in RESERVED:
            number += 1
            ending = f" ({number})"
            free = _cut(name, LONGEST - len(ending)) + ending
        used.add(free.casefold())
        found.append(free)
    return found


def _allowed(wanted: str) -> str:
    """An apostrophe may stand within a name, not around it."""
    return _cut(_FORBIDDEN.sub(" ", wanted).strip(" '"), LONGEST)


def _cut(name: str, units: int) -> str:
    while len(name.encode("utf-16-le")) > units * 2:
        name = name[:-1]
    return name.rstrip(" '")
