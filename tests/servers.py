"""PostgreSQL and Redis for the tests: those that run here, or private ones that are started and stopped."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
import redis
from redis.exceptions import RedisError

CLAIM = "rollcall:test"  # says in a Redis database that a test uses it
CLAIMED_FOR_S = 600  # longer than any test


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`postgresql://user@host:port`, where the user may create databases."""
    usual = os.environ.get("ROLLCALL_TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432")
    if asyncio.run(_may_create(usual)):
        yield usual
        return
    initdb = shutil.which("initdb") or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if initdb is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    with _private_postgresql(Path(initdb).parent, tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`redis://host:port`."""
    usual = os.environ.get("ROLLCALL_TEST_REDIS", "redis://127.0.0.1:6379")
    if _pings(usual):
        yield usual
        return
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed (Debian's package redis-server)")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}"
        _wait(lambda: _pings(url), "Redis")
        yield url
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def redis_database(server: str) -> Iterator[str]:
    """The URL of one of its databases that nobody else uses; it is empty, and is emptied afterwards."""
    for number in range(15, 0, -1):
        url = f"{server}/{number}"
        with redis.Redis.from_url(url) as client:
            if not client.set(CLAIM, "", nx=True, ex=CLAIMED_FOR_S):
                continue
            if client.dbsize() > 1:
                client.delete(CLAIM)
                continue
            try:
                yield url
            finally:
                client.flushdb()
            return
    raise RuntimeError("No database of that Redis is empty.")


@contextmanager
def _private_postgresql(binaries: Path, folder: Path) -> Iterator[str]:
    """A cluster of its own. PostgreSQL refuses to run as root: there it runs as the user of Debian's package."""
    as_user: list[str] = []
    if os.geteuid() == 0:
        # The folders above belong to root alone.
        folder = Path("/var/tmp") / f"rollcall-postgresql-{os.getpid()}"
        folder.mkdir(mode=0o700)
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", free_port()
    try:
        init = [str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "rollcall", "--no-sync"]
        subprocess.run([*as_user, *init], check=True, capture_output=True, cwd="/")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
        start = [*control, "-o", options, "-l", str(folder / "log"), "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd="/")
        try:
            yield f"postgresql://rollcall@127.0.0.1:{port}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd="/")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _may_create(server: str) -> bool:
    try:
        connection = await asyncpg.connect(f"{server}/postgres", timeout=5)
        try:
            row = await connection.fetchval("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError):
        return False
    return bool(row)


def _pings(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def plain_environment() -> dict[str, str]:
    """This process's, without any setting of Rollcall's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(condition: object, name: str) -> None:
    assert callable(condition)
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{name} did not start.")
