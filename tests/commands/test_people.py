"""`rollcall people import`: a folder or a CSV, and a report of every refusal."""

from pathlib import Path

import pytest

from server.commands.people import read_csv, read_folder
from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, grace_hopper
from server.errors import Invalid
from tests.commands.conftest import Run


def test_a_folder_for_each_person(rollcall: Run, tmp_path: Path) -> None:
    """Accepted photos are counted, refused ones named with their reason; a second import adds to the same people."""
    folder = tmp_path / "photos"
    for name, content in (
        ("Eileen_Collins/1.jpg", enrolment_photo()),
        ("Eileen_Collins/2.png", astronaut().read_bytes()),
        ("Grace_Hopper/1.jpg", grace_hopper().read_bytes()),
        ("Grace_Hopper/2.jpg", b"not a picture"),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    result = rollcall("people", "import", str(folder))
    assert result.returncode == 0, result.stderr
    assert "2 people, 3 photos accepted, 1 refused." in result.stdout
    [refused] = [line for line in result.stdout.splitlines() if line.startswith("refused")]
    assert "Grace_Hopper/2.jpg" in refused
    assert "unreadable" in refused
    again = rollcall("people", "import", str(folder))
    assert "warning" not in again.stdout


def test_a_csv_with_photo_paths(tmp_path: Path) -> None:
    """Rows of one employee id are one person; paths are beside the file."""
    path = tmp_path / "people.csv"
    path.write_text("fullName,employeeId,photo\nAda,7,a.jpg\nAda,7,b.jpg\nBea,,c.jpg\n")
    ada, bea = read_csv(path)
    assert (ada.full_name, ada.employee_id, ada.photos) == ("Ada", "7", [tmp_path / "a.jpg", tmp_path / "b.jpg"])
    assert (bea.full_name, bea.employee_id) == ("Bea", None)


@pytest.mark.parametrize(
    ("text", "complaint"), [("name,photo\nAda,a.jpg\n", "fullName"), ("fullName,photo\nAda,\n", "line 2")]
)
def test_a_csv_that_is_wrong_says_where(tmp_path: Path, text: str, complaint: str) -> None:
    """A missing column, an empty cell."""
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(Invalid, match=complaint):
        read_csv(path)


def test_folders_without_pictures_are_nobody(tmp_path: Path, rollcall: Run) -> None:
    """Names with underscores become spaces; other files are left out; nobody at all is an error."""
    (tmp_path / "p/Ada_Lovelace").mkdir(parents=True)
    (tmp_path / "p/Ada_Lovelace/notes.txt").write_text("x")
    assert read_folder(tmp_path / "p") == []
    result = rollcall("people", "import", str(tmp_path / "p"))
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1)


def test_one_that_cannot_be_told_apart_does_not_end_the_import(rollcall: Run, tmp_path: Path) -> None:
    """Two people of one name: the photo is refused with the reason, and the rest goes on."""
    twice = tmp_path / "twice.csv"
    (tmp_path / "a.jpg").write_bytes(enrolment_photo())
    twice.write_text("fullName,employeeId,photo\nAda,1,gone.jpg\nAda,2,gone.jpg\n")
    rollcall("people", "import", str(twice))
    after = tmp_path / "after.csv"
    after.write_text("fullName,employeeId,photo\nAda,,a.jpg\nEileen Collins,3,a.jpg\n")
    result = rollcall("people", "import", str(after))
    assert result.returncode == 0, result.stderr
    assert "1 people, 1 photos accepted, 1 refused." in result.stdout
    assert "2 people called Ada" in result.stdout
