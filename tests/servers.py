"""PostgreSQL and Redis for the tests: those that run here, or private ones that are started and stopped."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

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
    with private_postgresql(tmp_path_factory.mktemp("postgresql")) as started:
        yield started.url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`redis://host:port`."""
    usual = os.environ.get("ROLLCALL_TEST_REDIS", "redis://127.0.0.1:6379")
    if _pings(usual):
        yield usual
        return
    with private_redis(tmp_path_factory.mktemp("redis")) as started:
        yield started.url


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


class PrivatePostgresql:
    """A cluster of its own within `with`, which may be killed and started again. What was committed stays: pages that
    the kernel has are not lost with a process.

    PostgreSQL refuses to run as root: there it runs as the user of Debian's package.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._as_user: list[str] = []
        self._port = free_port()
        self.url = f"postgresql://rollcall@127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            # The folders above belong to root alone.
            self._folder = Path("/var/tmp") / f"rollcall-postgresql-{os.getpid()}-{self._port}"
            self._folder.mkdir(mode=0o700)
            shutil.chown(self._folder, "postgres")
            self._as_user = ["runuser", "-u", "postgres", "--"]
        try:
            init = [str(self._binaries / "initdb"), "-D", str(self._data), "-A", "trust", "-U", "rollcall", "--no-sync"]
            subprocess.run([*self._as_user, *init], check=True, capture_output=True, cwd="/")
            self.start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(FileNotFoundError):  # it may have been killed
            self.thaw()
        stop = [*self._control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _control(self) -> list[str]:
        return [*self._as_user, str(self._binaries / "pg_ctl"), "-D", str(self._data), "-w"]

    def start(self) -> None:
        """Waits until it lets somebody in. After a kill its other processes may need a moment to see that."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self._port} -c fsync=off"
        options += f" -c unix_socket_directories={self._folder}"
        start = [*self._control, "-o", options, "-l", str(self._folder / "log"), "start"]

        def started() -> bool:
            return subprocess.run(start, check=False, capture_output=True, cwd="/").returncode == 0

        _wait(started, "PostgreSQL")

    def kill(self) -> None:
        """`kill -9` of the process that all others hang on; those end once they see it, frozen or not."""
        first, *others = self._processes()
        os.kill(first, signal.SIGKILL)
        for process in others:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def freeze(self) -> None:
        """Nobody is answered or let in until `thaw` or `kill`; connections stay as they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _processes(self) -> list[int]:
        """The one that all others hang on, and those."""
        parent = self._pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    @property
    def _pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])


class PrivateRedis:
    """A Redis of its own within `with`, which keeps nothing and may be killed and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            self._process.wait(10)

    def start(self) -> None:
        """Waits until it answers."""
        command = [self._program, "--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        _wait(lambda: _pings(self.url), "Redis")

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def freeze(self) -> None:
        """Nobody is answered any more, until `thaw` or `kill`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def private_postgresql(folder: Path) -> PrivatePostgresql:
    """Not running yet. The test is skipped where PostgreSQL is not installed."""
    initdb = shutil.which("initdb") or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if initdb is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    return PrivatePostgresql(Path(initdb).parent, folder)


def private_redis(folder: Path) -> PrivateRedis:
    """Not running yet. The test is skipped where Redis is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed (Debian's package redis-server)")
    return PrivateRedis(program, folder)


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
