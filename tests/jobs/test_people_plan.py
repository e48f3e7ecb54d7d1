"""Who is in a table or in folders, and what is wrong with them, by line and column."""

import pytest

from server.errors import Invalid
from server.jobs.people_plan import Refusal, from_folders, from_table, inside_of


def places(refusals: list[Refusal]) -> list[tuple[int | None, str, str]]:
    return [(one.line, one.column, one.code) for one in refusals]


def test_a_row_for_each_person() -> None:
    """Every column, in any order and any case; several photos in one cell; blank lines do not count."""
    plan = from_table(
        "EmployeeId;fullname;Email;Department;externalIds.sap;photo\r\n"
        "7;Ada Lovelace;ada@example.com;Sales;S-1;a/1.jpg|a/2.jpg\r\n"
        ";;;;;\r\n"
        "8;Zoë;;;;\r\n".encode("utf-8-sig")
    )
    assert plan.refusals == []
    ada, zoe = plan.people
    assert (ada.full_name, ada.employee_id, ada.email, ada.department) == (
        "Ada Lovelace", "7", "ada@example.com", "Sales"
    )  # fmt: skip
    assert (ada.external_ids, ada.photos, ada.line) == ({"sap": "S-1"}, ["a/1.jpg", "a/2.jpg"], 2)
    assert (zoe.full_name, zoe.photos, zoe.line) == ("Zoë", [], 4)


def test_rows_of_one_person_are_one() -> None:
    """By the number, else by the name; what contradicts is refused with its place."""
    plan = from_table(
        b"fullName,employeeId,email,photo\nAda,7,,a.jpg\nAda,7,a@example.com,b.jpg\nBea,,,c.jpg\nBea,,,d.jpg\n"
        b"Eve,7,,e.jpg\nAda,9,,\n"
    )
    assert [(one.full_name, one.employee_id, one.photos) for one in plan.people] == [
        ("Ada", "7", ["a.jpg", "b.jpg"]), ("Bea", "", ["c.jpg", "d.jpg"]), ("Ada", "9", []),
    ]  # fmt: skip
    assert plan.people[0].email == "a@example.com"
    assert places(plan.refusals) == [(6, "fullName", "contradiction")]


def test_what_is_wrong_with_a_row_is_named_and_the_rest_goes_on() -> None:
    """Line, column, code; a quoted cell may go over several lines."""
    plan = from_table(
        b'fullName,email,photo\n"Ada\nLovelace",nobody,\n,,\n,a@example.com,\n'
        b"Bea,,../../etc/passwd\nEve,,e.jpg,more\n" + b"x" * 201 + b",,\n"
    )
    assert places(plan.refusals) == [
        (2, "email", "bad_email"), (5, "fullName", "missing"), (6, "photo", "outside"), (7, "4", "too_many_cells"),
        (8, "fullName", "too_long"),
    ]  # fmt: skip
    assert [one.full_name for one in plan.people] == ["Bea"]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"name,photo\nAda,a.jpg\n", "unknown_column", "Line 1, column 1 (name)"),
        (b"photo\na.jpg\n", "missing_column", "fullName"),
        (b"fullName,fullName\n", "column_twice", "Line 1, column 2"),
        ("fullName\nAda\nZoë\n".encode("latin-1"), "not_utf8", "Line 3"),
        (b'fullName\nAda\n"Bea"x\n', "bad_csv", "Line 3"),
        (b"", "missing_column", "fullName"),
    ],
)
def test_a_table_that_cannot_be_understood_says_where(content: bytes, code: str, said: str) -> None:
    """And then nothing of it is imported."""
    with pytest.raises(Invalid) as caught:
        from_table(content)
    assert said in caught.value.message
    assert caught.value.details[0].code == code


def test_a_folder_for_each_person() -> None:
    """Named after it; two folders of one name are not taken for one person."""
    plan = from_folders(["x/Ada_Lovelace/1.jpg", "x/Ada_Lovelace/2.PNG", "y/Ada Lovelace/1.jpg", "1.jpg", "x/a/b.txt"])
    assert [(one.full_name, one.photos) for one in plan.people] == [
        ("Ada Lovelace", ["x/Ada_Lovelace/1.jpg", "x/Ada_Lovelace/2.PNG"])
    ]
    assert {(one.file, one.code) for one in plan.refusals} == {
        ("1.jpg", "no_folder"), ("x/a/b.txt", "not_a_picture"), ("y/Ada Lovelace/1.jpg", "name_twice")
    }  # fmt: skip


@pytest.mark.parametrize("path", ["../a.jpg", "/etc/passwd", "a/../../b", "C:\\x.jpg", "..\\a.jpg", "."])
def test_no_path_leads_out(path: str) -> None:
    """Whichever way the slashes lean."""
    assert inside_of(path) is None
    assert inside_of("a\\./b.jpg") == "a/b.jpg"
