"""`rollcall people import`: many people at once, and a report of what was refused and why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from server.errors import Invalid
from server.jobs.people_import import Report
from server.jobs.people_plan import Plan, Refusal
from server.jobs.people_source import Source, path_source, plan_of
from server.lifespan import open_parts
from server.parts import Parts
from server.settings import Settings

app = typer.Typer(no_args_is_help=True)
TOLD_WITHIN_S = 5.0


@app.callback()
def group() -> None:
    """People and their photos."""


@app.command("import")
def import_people(
    path: Annotated[Path, typer.Argument(help="A folder of name/photo.jpg, a ZIP of it, or a CSV with photo paths.")],
    report_to: Annotated[Path | None, typer.Option("--report", help="Also write the refusals into this CSV.")] = None,
) -> None:
    """Enrols people from a folder, a ZIP or a CSV (fullName, employeeId, photo). A running server hears of it."""
    with path_source(path) as source:
        plan = plan_of(source)
        report = asyncio.run(_import(source, plan)) if plan.people else Report(refused=plan.refusals)
    for kind, found in (("refused", report.refused), ("warning", report.warnings)):
        for one in found:
            typer.echo(f"{kind}  {_place(one)}: {one.code}: {one.message}")
    if report_to is not None:
        report_to.write_bytes(report.as_table())
    typer.echo(f"{report.people} people, {report.photos} photos accepted, {len(report.refused)} refused.")
    if not plan.people:
        raise Invalid.field("path", "empty", f"There is nobody in {path}.")
    if not (report.photos if any(one.photos for one in plan.people) else report.people):
        raise typer.Exit(1)


def _place(one: Refusal) -> str:
    line = f"line {one.line}" + (f", {one.column}" if one.column else "") if one.line else ""
    return " ".join(filter(None, (one.file or one.person, f"({line})" if line else "")))


async def _import(source: Source, plan: Plan) -> Report:
    async with open_parts(Settings()) as parts, told(parts):
        with typer.progressbar(length=max(len(plan.people), 1), label="Enrolling") as bar:

            async def tell(done: int, total: int) -> None:
                bar.update(max(done, 1 if done == total else 0) - bar.pos)

            return await parts.importer.run(source, plan, tell)


@asynccontextmanager
async def told(parts: Parts) -> AsyncIterator[None]:
    """Running servers hear over the bus who was enrolled; what is still unsaid at the end is said, or given up."""
    async with asyncio.TaskGroup() as tasks:
        bus = tasks.create_task(parts.bus.run())
        try:
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(TOLD_WITHIN_S):
                    await parts.bus.drained()
        finally:
            bus.cancel()
