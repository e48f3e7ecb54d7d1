"""The two ways to run a server: SQLite and memory, as it comes; PostgreSQL and Redis, as many machines need it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from server.ids import new_id
from tests.servers import redis_database

SECRET = "shared by all servers of a test: Kq7-xW2_pL9z"


def _administer(server: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(f"{server}/postgres", timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@contextmanager
def postgresql_and_redis(postgresql: str, redis_server: str) -> Iterator[dict[str, str]]:
    """Settings for a fresh database, and a Redis database that nobody else uses: throttles survive a server."""
    name = f"rollcall_stack_{new_id().replace('-', '')}"
    _administer(postgresql, f"CREATE DATABASE {name}")
    try:
        with redis_database(redis_server) as bus:
            yield {
                "ROLLCALL_DATABASE__URL": f"{postgresql.replace('postgresql://', 'postgresql+asyncpg://')}/{name}",
                "ROLLCALL_BUS__URL": bus,
                "ROLLCALL_SECURITY__SECRET_KEY": SECRET,
            }
    finally:
        _administer(postgresql, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
