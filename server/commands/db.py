"""`rollcall db`: migrations, and what every installation starts with."""

import asyncio
from typing import Annotated

import typer

from server.access.permissions import ROLES
from server.settings import Settings
from server.store import migrate
from server.store.engine import Store
from server.store.seed import seed_roles

app = typer.Typer(no_args_is_help=True)


@app.command()
def upgrade(revision: Annotated[str, typer.Argument()] = "head") -> None:
    """Brings the database up to date."""
    settings = Settings()
    settings.make_data_dir()
    asyncio.run(migrate.upgrade(settings.database_url, revision))
    typer.echo(asyncio.run(migrate.current(settings.database_url)) or "empty")


@app.command()
def downgrade(revision: Annotated[str, typer.Argument(help="A revision, -1, or base.")]) -> None:
    """Takes the database back to an earlier revision."""
    settings = Settings()
    asyncio.run(migrate.downgrade(settings.database_url, revision))
    typer.echo(asyncio.run(migrate.current(settings.database_url)) or "empty")


@app.command()
def current() -> None:
    """Prints the revision of the database."""
    typer.echo(asyncio.run(migrate.current(Settings().database_url)) or "empty")


@app.command()
def seed() -> None:
    """Adds the default roles; what is there stays. Can be repeated without harm."""

    async def run() -> None:
        async with Store(Settings().database_url) as store, store.transaction() as session:
            await seed_roles(session, ROLES)

    upgrade()
    asyncio.run(run())
