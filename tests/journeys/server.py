"""A Rollcall server in a process of its own: its commands, its start, its stop and its sudden death."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self
from unittest.mock import patch

import httpx

from server.access.access import Access
from server.commands.door import open_door
from server.settings import Settings
from server.store.engine import Store
from tests.journeys.client import Api, Subscriber
from tests.opened import migrated
from tests.servers import free_port, plain_environment

ADMIN = "admin@site.example"
PASSWORD = "a long enough password"
ROLLCALL = Path(sys.executable).with_name("rollcall")
READY_WITHIN_S = 180.0
STOP_WITHIN_S = 15.0


class RollcallServer:
    """`rollcall serve` on a data folder of its own. Within `with` it runs; on leaving it must stop as it promises."""

    def __init__(self, folder: Path, *, roots: Sequence[Path] = (), settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **plain_environment(),
            "ROLLCALL_DATA_DIR": str(folder / "data"),
            "ROLLCALL_MEDIA__ROOTS": json.dumps([str(root) for root in roots]),
            "ROLLCALL_MEDIA__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "ROLLCALL_LOG__FORMAT": "json",
            "PYTHONFAULTHANDLER": "1",
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        database = self.folder / "data" / "rollcall.db"
        if "ROLLCALL_DATABASE__URL" not in self._environment and not database.exists():
            # What a server makes of nothing; tests/store/test_migrate.py looks at the way there.
            database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with ThreadPoolExecutor(1) as pool:
                database.write_bytes(pool.submit(migrated).result())
        self.add_user(ADMIN, "Admin")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        else:
            self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def command(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Runs `rollcall …` on the same data folder, to its end."""
        return subprocess.run(
            [str(ROLLCALL), *arguments], env=self._environment, cwd=self.folder, input=typed, capture_output=True,
            text=True, timeout=180, check=False,
        )  # fmt: skip

    def add_user(self, email: str, role: str, password: str = PASSWORD) -> None:
        """As `rollcall user create` does it, without the seconds that a process takes to begin."""

        async def create(_store: Store, access: Access) -> None:
            await access.accounts.create(email=email, full_name=email, role=role, password=password)

        self.beside(create)

    def beside(self, do: Callable[[Store, Access], Awaitable[None]]) -> None:
        """Does something with the server's database, as a command beside it would."""
        with patch.dict(os.environ, self._environment, clear=True):
            settings = Settings()

        async def opened() -> None:
            async with open_door(settings) as (store, access):
                await do(store, access)

        with ThreadPoolExecutor(1) as pool:  # who drives a browser has a loop of its own in this thread
            pool.submit(asyncio.run, opened()).result()

    def start(self, *command: str) -> None:
        """Starts it, by default as `rollcall serve`, and waits until it is ready."""
        arguments = command or ("serve", "--host", "127.0.0.1")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(ROLLCALL), *arguments, "--port", str(self.port)], env=self._environment, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM ends it within 15 s with exit status 0, and nothing went wrong inside."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            status = self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # leaves the stacks of all threads in the log
            self._process.wait(30)
            self._process = None
            raise AssertionError(f"It did not stop within {STOP_WITHIN_S} s.\n{self.last_lines(120)}") from None
        self._process = None
        assert status == 0, self.last_lines()
        complaints = self.complaints()
        assert complaints == [], complaints

    def kill(self) -> None:
        """`kill -9`: it has no time for anything."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(30)

    def complaints(self) -> list[str]:
        """What it has logged as an error, and tracebacks."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if '"level":"error"' in line.replace(": ", ":") or "Traceback (" in line]

    def last_lines(self, count: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def login(self, email: str = ADMIN, password: str = PASSWORD) -> Api:
        """A client that is signed in; close it."""
        return Api.signed_in(self.url, email, password)

    def subscriber(self, token: str | None) -> Subscriber:
        """A WebSocket that authenticates with the token, when entered."""
        return Subscriber(self.url, token)

    def subscriber_with_ticket(self, ticket: str, *, refused: bool = False) -> Subscriber:
        """A WebSocket that comes with a ticket; `refused` where it is not expected to be let in."""
        return Subscriber(self.url, None, f"?ticket={ticket}", let_in=not refused)

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            assert self._process.poll() is None, f"It ended by itself.\n{self.last_lines()}"
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=10).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"Not ready within {READY_WITHIN_S} s.\n{self.last_lines()}")
