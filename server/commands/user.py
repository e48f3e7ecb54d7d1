"""`rollcall user`: the first way in."""

import asyncio
from typing import Annotated

import typer

from server.commands.door import COMMAND_LINE, new_password, open_door
from server.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Users."""


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[str, typer.Option(help="Admin, Operator, Viewer, or a role of your own.")],
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Creates a user. The password is asked for; without a terminal one is made and printed once."""
    password, made = new_password(password_stdin)
    created = asyncio.run(_create(email, role, name or email.split("@")[0], password))
    typer.echo(f"Created {created} as {role}.")
    if made:
        typer.echo(f"Password: {password}")


async def _create(email: str, role: str, full_name: str, password: str) -> str:
    async with open_door(Settings()) as (_, access):
        user = await access.accounts.create(
            email=email, full_name=full_name, role=role, password=password, actor=COMMAND_LINE
        )
    return user.email
