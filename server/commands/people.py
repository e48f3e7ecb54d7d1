"""`rollcall people import`: many people at once, and a report of what was refused and why."""

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, Invalid, RollcallError
from server.lifespan import open_parts
from server.parts import Parts
from server.settings import Settings
from server.store import people
from server.store.tables import Person

app = typer.Typer(no_args_is_help=True)
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(slots=True)
class Incoming:
    """One person of an import."""

    full_name: str
    employee_id: str | None = None
    photos: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    people: int = 0
    photos: int = 0
    refused: list[tuple[Path, str]] = field(default_factory=list)
    warnings: list[tuple[Path, str]] = field(default_factory=list)


@app.callback()
def group() -> None:
    """People and their photos."""


@app.command("import")
def import_people(
    path: Annotated[Path, typer.Argument(help="A folder of name/photo.jpg, or a CSV with photo paths.")],
) -> None:
    """Enrols people from a folder or a CSV (fullName, employeeId, photo). A running server notices by itself."""
    incoming = read_folder(path) if path.is_dir() else read_csv(path)
    if not incoming:
        raise Invalid.field("path", "empty", f"There is nobody in {path}.")
    report = asyncio.run(_import(incoming))
    for photo, why in report.refused:
        typer.echo(f"refused  {photo}: {why}")
    for photo, why in report.warnings:
        typer.echo(f"warning  {photo}: {why}")
    typer.echo(f"{report.people} people, {report.photos} photos accepted, {len(report.refused)} refused.")
    if report.photos == 0:
        raise typer.Exit(1)


def read_folder(folder: Path) -> list[Incoming]:
    """A folder for each person, named after them; underscores are spaces."""
    found = []
    for inside in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        photos = sorted(file for file in inside.iterdir() if file.suffix.lower() in PICTURES)
        if photos:
            found.append(Incoming(inside.name.replace("_", " ").strip(), photos=photos))
    return found


def read_csv(path: Path) -> list[Incoming]:
    """A row for each photo; rows with the same employeeId (or, without one, the same name) are one person."""
    grouped: dict[str, Incoming] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"fullName", "photo"} - set(reader.fieldnames or ())
        if missing:
            raise Invalid.field("path", "missing_column", f"{path} has no column {', '.join(sorted(missing))}.")
        for number, row in enumerate(reader, start=2):
            name, photo = (row.get("fullName") or "").strip(), (row.get("photo") or "").strip()
            if not name or not photo:
                raise Invalid.field("path", "empty_cell", f"{path}, line {number}: fullName and photo are needed.")
            employee_id = (row.get("employeeId") or "").strip() or None
            person = grouped.setdefault(employee_id or name, Incoming(name, employee_id))
            person.photos.append(path.parent / photo)
    return list(grouped.values())


async def _import(incoming: Sequence[Incoming]) -> Report:
    report = Report()
    async with open_parts(Settings()) as parts:
        await parts.roster.refresh()
        with typer.progressbar(incoming, label="Enrolling") as bar:
            for person in bar:
                await _import_one(parts, person, report)
    return report


async def _import_one(parts: Parts, incoming: Incoming, report: Report) -> None:
    try:
        person_id = await _find_or_add(parts, incoming)
    except RollcallError as error:
        report.refused += [(path, f"{error.code}: {error.message}") for path in incoming.photos]
        return
    report.people += 1
    for path in incoming.photos:
        try:
            photo = await parts.enrolment.add_photo(person_id, await asyncio.to_thread(path.read_bytes))
        except RollcallError as error:
            report.refused.append((path, f"{error.code}: {error.message}"))
        except OSError as error:
            report.refused.append((path, error.strerror or "cannot be read"))
        else:
            report.photos += 1
            report.warnings += [(path, str(warning["message"])) for warning in photo.warnings]


async def _find_or_add(parts: Parts, incoming: Incoming) -> str:
    """A second import adds photos to the same people instead of making them twice."""
    async with parts.store.transaction() as session:
        found = await _find(session, incoming)
        if len(found) > 1:
            raise Conflict(f"There are {len(found)} people called {incoming.full_name}; give employee ids in a CSV.")
        if found:
            return found[0].id
        person = Person(full_name=incoming.full_name, employee_id=incoming.employee_id)
        session.add(person)
        await session.flush()
        return person.id


async def _find(session: AsyncSession, incoming: Incoming) -> Sequence[Person]:
    if incoming.employee_id is None:
        return await people.find_by_name(session, incoming.full_name)
    found = await people.find_by_employee_id(session, incoming.employee_id)
    return [found] if found else []
