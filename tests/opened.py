"""A server's open parts for tests: real rooms on SQLite in a folder of their own, with the models loaded once."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import httpx

from server.app import make_app
from server.clock import Clock
from server.lifespan import open_parts
from server.loading import Models
from server.parts import Parts
from server.settings import SecuritySettings, Settings
from server.store.migrate import upgrade

PASSWORD = "correct horse"


@cache
def models() -> Models:
    """The default packs, loaded once for the whole run."""
    return Models.load(Settings())


@cache
def migrated() -> bytes:
    """An SQLite file at the newest revision. The way there is tests/store/test_migrate.py's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite"
        asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
        return path.read_bytes()


@asynccontextmanager
async def parts_in(
    folder: Path, clock: Clock | None = None, *, users: bool = True, **settings: object
) -> AsyncIterator[Parts]:
    """Open parts with a user of each role: admin@, operator@ and viewer@example.com."""
    chosen = Settings.model_validate({"data_dir": folder, "security": SecuritySettings(bcrypt_rounds=4), **settings})
    database = Path(chosen.database_url.removeprefix("sqlite+aiosqlite:///"))
    if chosen.database_url.startswith("sqlite") and not database.exists():
        chosen.make_data_dir()
        database.write_bytes(await asyncio.to_thread(migrated))
    async with open_parts(chosen, clock=clock, models=models()) as parts:
        for role in ("Admin", "Operator", "Viewer") if users else ():
            await parts.access.accounts.create(
                email=f"{role.lower()}@example.com", full_name=f"{role} One", role=role, password=PASSWORD
            )
        yield parts


@asynccontextmanager
async def client_of(parts: Parts, role: str | None = "Admin") -> AsyncIterator[httpx.AsyncClient]:
    """HTTP against the application, signed in with a bearer token as that role, or not at all."""
    transport = httpx.ASGITransport(make_app(parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rollcall.test") as client:
        if role is not None:
            signed_in = await parts.access.login(f"{role.lower()}@example.com", PASSWORD)
            client.headers["Authorization"] = f"Bearer {signed_in.access_token}"
        yield client
