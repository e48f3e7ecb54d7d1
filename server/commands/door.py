"""What commands about users share: the door of the configured database, and a password from wherever it comes."""

import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer

from server.access.access import Access
from server.clock import SystemClock
from server.opening import open_store, prepare
from server.settings import Settings
from server.store.audit import Actor
from server.store.engine import Store

COMMAND_LINE = Actor("system", None, "command line")


@asynccontextmanager
async def open_door(settings: Settings) -> AsyncIterator[tuple[Store, Access]]:
    """Migrated, and with the built-in roles."""
    secret, *previous_secrets = await prepare(settings)
    async with open_store(settings) as store:
        access = Access(
            store,
            secret,
            SystemClock(),
            production=settings.production,
            bcrypt_rounds=settings.security.bcrypt_rounds,
            previous_secrets=previous_secrets,
        )
        await access.accounts.seed(COMMAND_LINE)
        yield store, access


def new_password(from_stdin: bool) -> tuple[str, bool]:
    """From standard input, or typed twice, or made: then the second is true, and it is to be shown once."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True), False
    return secrets.token_urlsafe(15), True
