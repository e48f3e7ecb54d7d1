"""Pages of a list."""

import pytest
from sqlmodel import col, select

from server.errors import BadRequest
from server.store.engine import Store
from server.store.paging import Page, Paged, Sorts, fetch, matching
from server.store.tables import Person
from tests.store.conftest import add_person

SORTS: Sorts = {"fullName": Person.full_name, "employeeId": Person.employee_id, "createdAt": Person.created_at}


async def _names(store: Store, page: Page, default: str = "fullName") -> tuple[list[str], int]:
    statement = select(Person).where(*matching(page.search, col(Person.full_name), col(Person.employee_id)))
    async with store.read() as session:
        found = await fetch(session, statement, page, SORTS, default)
    return [person.full_name for person in found.rows], found.total


async def test_pages_and_the_total(store: Store) -> None:
    """Every row is on one page, and the total is of all pages, also beyond the last."""
    for name in "DBACE":
        await add_person(store, name)
    assert await _names(store, Page(1, 2)) == (["A", "B"], 5)
    assert await _names(store, Page(2, 2)) == (["C", "D"], 5)
    assert await _names(store, Page(3, 2)) == (["E"], 5)
    assert await _names(store, Page(4, 2)) == ([], 5)
    assert await _names(store, Page(1, 5)) == (list("ABCDE"), 5)
    assert await _names(store, Page(10_000_000, 200)) == ([], 5)


async def test_an_empty_list(store: Store) -> None:
    """Has a first page with nothing on it."""
    assert await _names(store, Page()) == ([], 0)


async def test_sorting(store: Store) -> None:
    """Either way round; what is missing comes last both times, on both databases."""
    await add_person(store, "A", employee_id="2")
    await add_person(store, "B")
    await add_person(store, "C", employee_id="1")
    assert (await _names(store, Page(sort="-fullName")))[0] == ["C", "B", "A"]
    assert (await _names(store, Page(sort="employeeId")))[0] == ["C", "A", "B"]
    assert (await _names(store, Page(sort="-employeeId")))[0] == ["A", "C", "B"]
    assert (await _names(store, Page(), default="-createdAt"))[0] == ["C", "B", "A"]


async def test_rows_that_sort_alike(store: Store) -> None:
    """Each is on exactly one page."""
    for _ in range(5):
        await add_person(store, "Same")
    async with store.read() as session:
        pages = [await fetch(session, select(Person), Page(number, 2), SORTS, "fullName") for number in (1, 2, 3)]
    assert len({person.id for page in pages for person in page.rows}) == 5


@pytest.mark.parametrize("sort", ["shoeSize", "full_name", "-", "--fullName", "fullName desc", "id;DROP TABLE people"])
async def test_an_unknown_sort(store: Store, sort: str) -> None:
    """Only what the list names can be sorted by."""
    with pytest.raises(BadRequest) as caught:
        await _names(store, Page(sort=sort))
    assert caught.value.code == "unknown_sort"


@pytest.mark.parametrize("numbers", [(0, 20), (-1, 20), (1, 0), (1, 201), (10_000_001, 1)])
def test_pages_that_cannot_be(numbers: tuple[int, int]) -> None:
    """Refused before a database sees them."""
    with pytest.raises(BadRequest):
        Page(*numbers)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (None, 4),
        ("  ", 4),
        ("ada", 1),
        ("LOVE", 1),
        ("ada 17", 1),
        ("ada 18", 0),
        ("éLODIE", 1),
        ("ŽOFIE", 1),
        ("100%", 1),
        ("%", 1),
        ("_", 0),
        ("\\", 0),
        ("'", 0),
    ],
)
async def test_search(store: Store, search: str | None, found: int) -> None:
    """Every word must be in one of the columns; capitals do not matter in any alphabet, and nothing is a wildcard."""
    await add_person(store, "Ada Lovelace", employee_id="17")
    await add_person(store, "Élodie")
    await add_person(store, "žofie")
    await add_person(store, "100% Sure")
    assert (await _names(store, Page(search=search)))[1] == found


def test_map() -> None:
    """Changes the rows and keeps the total."""
    assert Paged([1, 2], 9).map(str) == Paged(["1", "2"], 9)
