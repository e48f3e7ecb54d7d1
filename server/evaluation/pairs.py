"""Lists of pairs in the format of LFW: which photos are compared, and in which fold."""

import re
from collections.abc import Sequence
from pathlib import Path

from server.errors import Invalid
from server.evaluation.photos import Photo

_NUMBER = re.compile(r"_0*(\d+)$")


def read_pairs(path: Path, photos: Sequence[Photo]) -> list[tuple[int, int, bool, int]]:
    """Rows of both photos, whether they show one person, and the fold. Raises Invalid with the line that is wrong.

    The first line is `folds pairs`: each fold has that many pairs of one person (`name 1 2`), then as many of two
    (`name 1 other 2`). With one number, or none, there is one list, which is spread over ten folds in turn.
    """
    rows = {(photo.person, _number(photo.path)): row for row, photo in enumerate(photos)}
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.", code="pairs") from error
    numbers = [int(word) for word in lines[0]] if lines and all(word.isdecimal() for word in lines[0]) else []
    a_fold = 2 * numbers[1] if len(numbers) == 2 else 0
    found: list[tuple[int, int, bool, int]] = []
    for place, words in enumerate(lines[1:] if numbers else lines, start=2 if numbers else 1):
        if not words:
            continue
        first, second = _two(words, f"{path}, line {place}")
        for one in (first, second):
            if one not in rows:
                raise Invalid(f"{path}, line {place}: there is no photo {one[1]} of {one[0]}.", code="pairs")
        fold = len(found) // a_fold if a_fold else len(found) % 10
        found.append((rows[first], rows[second], first[0] == second[0], fold))
    if not found:
        raise Invalid(f"{path} has no pairs.", code="pairs")
    return found


def _two(words: Sequence[str], where: str) -> tuple[tuple[str, int], tuple[str, int]]:
    if len(words) == 3 and words[1].isdecimal() and words[2].isdecimal():
        return (words[0], int(words[1])), (words[0], int(words[2]))
    if len(words) == 4 and words[1].isdecimal() and words[3].isdecimal():
        return (words[0], int(words[1])), (words[2], int(words[3]))
    raise Invalid(f"{where}: neither `name 1 2` nor `name 1 other 2`.", code="pairs")


def _number(path: Path) -> int | None:
    found = _NUMBER.search(path.stem)
    return int(found[1]) if found else None
