"""A network that loses and delays, between a browser and the server: a UDP relay in user space, seen as the server."""

import asyncio
import contextlib
import random
import re
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Address = tuple[str, int]
_CANDIDATE = re.compile(r"^a=candidate:(\S+) 1 (?:udp|UDP) (\d+) (\S+) (\d+) typ host.*\r\n", re.MULTILINE)
_ANY_CANDIDATE = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)


class LossyRelay:
    """Loses this part of all datagrams, and delays the others by so many seconds, each way. Runs on a thread."""

    def __init__(self, *, loss: float, delay_s: float) -> None:
        self.loss = loss
        self.delay_s = delay_s
        self.passed = 0
        self.lost = 0
        self._chance = random.Random(5)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done = asyncio.Event()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    def through(self, answer: str) -> str:
        """The answer with one way to the server left: through here."""
        assert self._loop is not None
        found = next(one for one in _CANDIDATE.finditer(answer) if one[3] == "127.0.0.1")
        port = asyncio.run_coroutine_threadsafe(self._listen(int(found[4])), self._loop).result(10)
        own = f"a=candidate:{found[1]} 1 udp {found[2]} 127.0.0.1 {port} typ host\r\n"
        head, first, rest = answer.partition(found[0])
        assert first
        return _ANY_CANDIDATE.sub("", head) + own + _ANY_CANDIDATE.sub("", rest)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        await self._done.wait()
        for opened in self._open:
            self._loop.remove_reader(opened)
            opened.close()
        self._open.clear()

    async def _listen(self, server_port: int) -> int:
        """Where browsers send to. Each of their addresses gets a socket of its own towards the server."""
        front, ways = self._socket(), dict[Address, socket.socket]()

        def forth(data: bytes, browser: Address) -> None:
            if browser not in ways:
                ways[browser] = self._socket()
                self._read(ways[browser], lambda answer, _: self._carry(front, answer, browser))
            self._carry(ways[browser], data, ("127.0.0.1", server_port))

        self._read(front, forth)
        port: int = front.getsockname()[1]
        return port

    def _socket(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        self._open.append(opened)
        return opened

    def _read(self, opened: socket.socket, take: Callable[[bytes, Address], None]) -> None:
        def readable() -> None:
            with contextlib.suppress(OSError):
                take(*opened.recvfrom(65536))

        asyncio.get_running_loop().add_reader(opened, readable)

    def _carry(self, by: socket.socket, data: bytes, to: Address) -> None:
        """Later, or never."""
        if self._chance.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        asyncio.get_running_loop().call_later(self.delay_s, self._send, by, data, to)

    def _send(self, by: socket.socket, data: bytes, to: Address) -> None:
        with contextlib.suppress(OSError):
            by.sendto(data, to)
