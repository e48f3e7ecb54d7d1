"""`rollcall user`: the first way in."""

import asyncio
import secrets
import sys
from typing import Annotated

import typer

from server.access.access import Access
from server.clock import SystemClock
from server.lifespan import prepare
from server.settings import Settings
from server.store.engine import Store

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Users."""


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[str, typer.Option(help="Admin, Operator or Viewer.")],
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Creates a user. The password is asked for; without a terminal one is made and printed once."""
    made = False
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password, made = secrets.token_urlsafe(15), True
    created = asyncio.run(_create(email, role, name or email.split("@")[0], password))
    typer.echo(f"Created {created} as {role}.")
    if made:
        typer.echo(f"Password: {password}")


async def _create(email: str, role: str, full_name: str, password: str) -> str:
    settings = Settings()
    secret = await prepare(settings)
    async with Store(settings.database_url) as store:
        access = Access(store, secret, SystemClock(), production=settings.production)
        await access.accounts.seed()
        user = await access.accounts.create(email=email, full_name=full_name, role=role, password=password)
    return user.email
