"""The importer: each person once, photos by the one way of enrolment, and a report of the rest."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import Unavailable
from server.events.limits import Reach
from server.jobs.people_import import Report, photo_id_of
from server.jobs.people_plan import from_table
from server.jobs.people_source import FolderSource, Source, TableSource, plan_of
from server.parts import Parts
from server.store import departments, people, photos
from server.store.audit import Filter
from server.store.paging import Page
from server.store.tables import Department
from tests.opened import parts_in
from tests.sources import DemoSources


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=False) as parts:
        yield parts


async def tell(_done: int, _total: int) -> None: ...


async def imported(parts: Parts, source: Source, reach: Reach | None = None) -> Report:
    return await parts.importer.run(source, plan_of(source), tell, reach=reach or Reach())


async def everybody(parts: Parts) -> dict[str, people.PersonSummary]:
    async with parts.store.read() as session:
        return {row.person.full_name: row for row in (await people.page(session, Page(page_size=200))).rows}


async def test_a_table_makes_people_once(parts: Parts) -> None:
    """With departments and ids; the same again changes nothing, another one changes what it says."""
    first = TableSource(
        b"fullName,employeeId,email,department,externalIds.sap\nAda,1,ada@example.com,Sales,S1\nBea,2,,Sales,\n"
    )
    for _ in range(2):
        assert (await imported(parts, first)).figures == {"people": 2, "photos": 0, "refused": 0, "warnings": 0}
    found = await everybody(parts)
    assert {name: (row.person.employee_id, row.department_name) for name, row in found.items()} == {
        "Ada": ("1", "Sales"), "Bea": ("2", "Sales"),
    }  # fmt: skip
    await imported(parts, TableSource(b"fullName,employeeId,department,externalIds.erp\nAda King,1,Office,E1\n"))
    king = (await everybody(parts))["Ada King"]
    assert (king.person.id, king.department_name) == (found["Ada"].person.id, "Office")
    assert (king.person.email, king.person.external_ids) == ("ada@example.com", {"sap": "S1", "erp": "E1"})
    counts = [row.action async for batch in parts.access.audit.export(Filter()) for row in batch]
    assert (counts.count("person.created"), counts.count("person.changed")) == (2, 1)


async def test_photos_are_enrolled_once(parts: Parts, demo: DemoSources, tmp_path: Path) -> None:
    """Matched from then on; refused ones are in the report with file, code and reason; begun again, nothing twice."""
    folder = tmp_path / "faces"
    for name, content in (("Eileen_Collins/1.jpg", demo.collins), ("Eileen_Collins/2.jpg", b"not a picture")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for _ in range(2):
        report = await imported(parts, FolderSource(folder))
        assert (report.people, report.photos) == (1, 1)
    assert len(parts.roster.gallery) == 1
    person = (await everybody(parts))["Eileen Collins"].person
    async with parts.store.read() as session:
        [photo] = await photos.of_person(session, person.id)
    assert photo.id == photo_id_of(person.id, demo.collins)
    [head, row] = csv.reader(io.StringIO(report.as_table().decode()))
    assert head == ["kind", "line", "column", "file", "person", "code", "message"]
    assert row[:6] == ["refused", "", "", "Eileen_Collins/2.jpg", "Eileen Collins", "unreadable"]


async def test_what_cannot_be_told_apart_is_refused(parts: Parts) -> None:
    """Two of one name without numbers, with the row's line; the rest goes on."""
    await imported(parts, TableSource(b"fullName,employeeId\nAda,1\nAda,2\n"))
    report = await imported(parts, TableSource(b"fullName,photo\nAda,a.jpg\nBea,\n"))
    assert [(one.line, one.code, one.file) for one in report.refused] == [
        (2, "name_not_unique", "a.jpg")
    ]  # fmt: skip
    assert report.people == 1


async def test_limits_are_those_of_whoever_asks(parts: Parts) -> None:
    """Into one's own departments only; nobody elsewhere is touched or told of."""
    async with parts.store.transaction() as session:
        own = await departments.save_department(session, Department(name="Own"))
        await departments.save_department(session, Department(name="Other"))
    await imported(parts, TableSource(b"fullName,employeeId,department\nEve,9,Other\n"))
    table = b"fullName,employeeId,department\nAda,1,Own\nBea,2,Other\nCem,3,New\nDan,4,\nEve,9,Own\n"
    report = await imported(parts, TableSource(table), Reach(departments=frozenset({own.id})))
    assert [(one.person, one.column, one.code) for one in report.refused] == [
        ("Bea", "department", "department_not_found"), ("Cem", "department", "department_not_found"),
        ("Dan", "department", "missing"), ("Eve", "", "employee_id_taken"),
    ]  # fmt: skip
    assert set(await everybody(parts)) == {"Ada", "Eve"}


async def test_a_storage_that_is_away_is_no_refusal(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import ends, to be tried again, instead of refusing everybody."""

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("The object storage is away.")

    monkeypatch.setattr(parts.enrolment, "add_photo", away)

    class Any(TableSource):
        def read(self, name: str, most_bytes: int = 0) -> bytes:
            return super().read(name) if name == self.NAME else b"a picture"

    with pytest.raises(Unavailable):
        await imported(parts, Any(b"fullName,photo\nAda,a.jpg\n"))


def test_the_id_of_a_photo_follows_from_whose_and_what() -> None:
    """A UUIDv7, another one for another person or picture."""
    ada, bea = "0198c0de-0000-7000-8000-000000000001", "0198c0de-0000-7000-8000-000000000002"
    first = photo_id_of(ada, b"x")
    assert first == photo_id_of(ada, b"x")
    assert len({first, photo_id_of(bea, b"x"), photo_id_of(ada, b"y")}) == 3
    assert first.startswith("0198c0de-0000-7")
    assert first[19] in "89ab"
    assert from_table(b"fullName\nAda\n").people[0].photos == []
