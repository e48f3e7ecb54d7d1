"""Lists of pairs are read as LFW writes them, and refused with the line that is wrong."""

from pathlib import Path

import pytest

from server.errors import Invalid
from server.evaluation.pairs import read_pairs
from server.evaluation.photos import Photo

PHOTOS = [Photo(name, Path(f"{name}/{name}_{number:04d}.jpg")) for name in ("Ada", "Bo") for number in (1, 2)]


def written(folder: Path, text: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(text)
    return path


def test_pairs_and_folds(tmp_path: Path) -> None:
    """Two folds of one pair each of both kinds, separated by tabs."""
    path = written(tmp_path, "2\t1\nAda\t1\t2\nAda\t1\tBo\t2\nBo\t2\t1\nBo\t1\tAda\t2\n")
    assert read_pairs(path, PHOTOS) == [(0, 1, True, 0), (0, 3, False, 0), (3, 2, True, 1), (2, 1, False, 1)]


def test_a_list_without_folds_is_spread_over_ten(tmp_path: Path) -> None:
    """With the number of pairs on top, or with nothing."""
    for head in ("3\n", ""):
        found = read_pairs(written(tmp_path, head + "Ada 1 2\nBo 1 2\nAda 1 Bo 1\n"), PHOTOS)
        assert [row[3] for row in found] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 1\nAda 1 3\n", "line 2: there is no photo 3 of Ada"),
        ("Ada one two\n", "line 1: neither"),
        ("10 300\n", "no pairs"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    """Rather than measured without the pair."""
    with pytest.raises(Invalid, match=says):
        read_pairs(written(tmp_path, text), PHOTOS)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    """Its name is in the answer."""
    with pytest.raises(Invalid, match=r"nowhere\.txt"):
        read_pairs(tmp_path / "nowhere.txt", PHOTOS)
