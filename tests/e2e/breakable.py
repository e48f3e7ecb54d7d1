"""A whole stack whose parts may be killed at any moment: a server, a worker, PostgreSQL and Redis of its own."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from tests.journeys.server import ADMIN, ROLLCALL, RollcallServer
from tests.journeys.stacks import SECRET
from tests.servers import plain_environment, private_postgresql, private_redis

PARTS = ("server", "worker", "redis", "postgresql")


class Stack:
    """Runs within `with`. A part that is killed stays away until it is started again."""

    def __init__(
        self, folder: Path, *, roots: Sequence[Path] = (), settings: Mapping[str, str] | None = None
    ) -> None:  # fmt: skip
        self._postgresql = private_postgresql(folder / "postgresql")
        self._redis = private_redis(folder)
        self._open = ExitStack()
        self._worker: subprocess.Popen[bytes] | None = None
        self.folder = folder
        self.objects = folder / "objects"
        self.database = f"{self._postgresql.url}/postgres"  # for asyncpg
        self.settings = {
            "ROLLCALL_DATABASE__URL": self.database.replace("postgresql://", "postgresql+asyncpg://"),
            "ROLLCALL_BUS__URL": self._redis.url,
            "ROLLCALL_STORAGE__URL": f"file://{self.objects}",
            "ROLLCALL_SECURITY__SECRET_KEY": SECRET,
            "ROLLCALL_MEDIA__RUN_CAMERAS": "false",
            "ROLLCALL_OUTBOUND__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "ROLLCALL_LOG__FORMAT": "json",
            **(settings or {}),
        }  # fmt: skip
        place = folder / "server"
        place.mkdir()
        self.server = RollcallServer(place, roots=roots, settings=self.settings)
        self._parts: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "server": (self.server.kill, self.server.start),
            "worker": (self._kill_worker, self._start_worker),
            "redis": (self._redis.kill, self._redis.start),
            "postgresql": (self._postgresql.kill, self._postgresql.start),
        }

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(self._postgresql)
            opening.enter_context(self._redis)
            opening.callback(self.server.kill)  # what it says when it is asked to stop is other tests' business
            opening.callback(self._kill_worker)
            self.server.add_user(ADMIN, "Admin")
            self.server.start()
            self._start_worker()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def kill(self, part: str) -> None:
        """`kill -9`."""
        self._parts[part][0]()

    def start(self, part: str) -> None:
        """Waits until it answers; the worker begins by itself."""
        self._parts[part][1]()

    def freeze(self, part: str) -> None:
        """PostgreSQL or Redis hangs: whoever asks is neither answered nor refused. What is frozen may be killed."""
        {"redis": self._redis.freeze, "postgresql": self._postgresql.freeze}[part]()

    def thaw(self, part: str) -> None:
        {"redis": self._redis.thaw, "postgresql": self._postgresql.thaw}[part]()

    async def rows(self, query: str) -> list[asyncpg.Record]:
        """What the database says."""
        connection = await asyncpg.connect(self.database, timeout=10)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    def _start_worker(self) -> None:
        with (self.folder / "worker.log").open("ab") as log:
            self._worker = subprocess.Popen(
                [str(ROLLCALL), "worker", "--data", str(self.folder / "worker")], cwd=self.folder, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, env={**plain_environment(), **self.settings},
            )  # fmt: skip

    def _kill_worker(self) -> None:
        process, self._worker = self._worker, None
        if process is not None:
            process.kill()
            process.wait(30)
