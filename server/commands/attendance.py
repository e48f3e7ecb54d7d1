"""`rollcall attendance import`: check-ins and check-outs from a table, and a report of what was refused and why."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from server.commands.people import told
from server.errors import Invalid
from server.jobs.entries_import import EntriesImporter, EntriesReport
from server.jobs.entries_plan import EntriesPlan, entries_in
from server.lifespan import open_parts
from server.pipeline.attendance_log import AttendanceLog
from server.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check-ins and check-outs."""


@app.command("import")
def import_entries(
    path: Annotated[Path, typer.Argument(help="A CSV or XLSX: employeeId or email, at, direction, reason.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be added.")] = False,
    report_to: Annotated[Path | None, typer.Option("--report", help="Also write what was refused as CSV.")] = None,
) -> None:
    """Adds entries of a CSV or XLSX; what is there already is left as it is. A running server hears of it."""
    try:
        with path.open("rb") as file:
            plan = entries_in(file)
    except OSError as error:
        raise Invalid.field("path", "unreadable", f"{path}: {error.strerror or error}.") from None
    report = asyncio.run(_import(plan, dry_run))
    for one in report.refused:
        column = f", {one.column}" if one.column else ""
        typer.echo(f"refused  {one.person or '?'} (line {one.line}{column}): {one.code}: {one.message}")
    if report_to is not None:
        report_to.write_bytes(report.as_table())
    would = "would be added" if dry_run else "added"
    typer.echo(f"{report.added} {would}, {report.known} known already, {len(report.refused)} refused.")
    if report.locked:
        typer.echo(f"{report.locked} of them on locked days, where they are adjustments.")
    if report.pending:
        typer.echo(f"{report.pending} of them wait for a second person.")
    if not (report.added or report.known):
        raise typer.Exit(1)


async def _import(plan: EntriesPlan, dry: bool) -> EntriesReport:
    async with open_parts(Settings()) as parts, told(parts):
        importer = EntriesImporter(
            parts.store,
            AttendanceLog(parts.store, parts.runtime, parts.clock),
            parts.hub,
            parts.access.audit,
            parts.clock,
            parts.runtime,
        )
        with typer.progressbar(length=max(len(plan.rows), 1), label="Looking" if dry else "Importing") as bar:

            async def tell(done: int, total: int) -> None:
                bar.update(max(done, 1 if done == total else 0) - bar.pos)

            return await importer.run(plan, tell, begun=parts.clock.now(), dry=dry)
