"""Many subscribers in one process, with as little work as possible, so that the servers are measured."""

import asyncio
import base64
import json
import os
import re
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bench.parts.fanout_talk import Talk

PATIENCE_S = 120.0
SAMPLED = 50  # one in so many looks at the time in each message
AT_ONCE = 64
AT = re.compile(rb'\\?"at\\?": ?([0-9.]+)')


class Tally:
    """What all connections got together."""

    def __init__(self) -> None:
        self.got = 0
        self.lost = 0
        self.closed: set[str] = set()  # what servers said when they closed
        self.delays: list[float] = []
        self._wanted = 0
        self._reached = asyncio.Event()

    def add(self, count: int) -> None:
        self.got += count
        if self.got >= self._wanted:
            self._reached.set()

    def lose(self) -> None:
        """A connection ended that should not have: nothing more is waited for."""
        self.lost += 1
        self._reached.set()

    async def reach(self, wanted: int, within_s: float = PATIENCE_S) -> None:
        """Until so many have come since `got` was last set to 0."""
        self._wanted = wanted
        if self.got < wanted:
            self._reached.clear()
            try:
                async with asyncio.timeout(within_s):
                    await self._reached.wait()
            except TimeoutError as error:
                raise RuntimeError(f"{self.got:,} of {wanted:,} came within {within_s:.0f} s.") from error
            if self.got < wanted:
                why = "; ".join(sorted(self.closed)) or "without a word"
                raise RuntimeError(f"{self.lost} connections ended when {self.got:,} of {wanted:,} had come: {why}")


class Reader(asyncio.Protocol):
    """Upgrades, lets the `talk` subscribe, then counts; a sampled one takes the delay out of what it gets."""

    def __init__(self, tally: Tally, talk: Talk, sampled: bool = False) -> None:
        self._tally = tally
        self._talk = talk
        self._sampled = sampled
        self._rest = b""
        self._upgraded = False
        self._left = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        also = f"Sec-WebSocket-Protocol: {self._talk.subprotocol}\r\n" if self._talk.subprotocol else ""
        transport.write(
            f"GET {self._talk.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{also}\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        if not self._left:
            self._tally.lose()

    def leave(self) -> None:
        """Without a word, so that no port stays taken."""
        self._left = True
        assert self._transport is not None
        self._transport.abort()

    def send(self, payload: bytes, opcode: int = 1) -> None:
        """One frame, masked with nothing."""
        assert self._transport is not None
        size = len(payload)
        head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else (
            bytes([0x80 | opcode, 0xFE]) + size.to_bytes(2, "big")
        )  # fmt: skip
        self._transport.write(head + bytes(4) + payload)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at = 0
        if not self._upgraded:
            at = self._upgrade(data)
        count, size, large = 0, len(data), self._talk.large
        while self._upgraded and size - at >= 2:
            length = data[at + 1]
            start = at + 2
            if length >= 126:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : start], "big")
            if start + length > size:
                break
            opcode, at = data[at] & 15, start + length
            if length > large:
                count += 1
                if self._sampled:
                    self._look(data[start:at])
            else:
                count += self._special(opcode, data[start:at])
        self._rest = data[at:]
        if count:
            self._tally.add(count)

    def _upgrade(self, data: bytes) -> int:
        """Where the first frame begins, once the answer is there."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(data[:end].decode())
        self._upgraded = True
        self._talk.opened(self.send)
        return end + 4

    def _special(self, opcode: int, payload: bytes) -> int:
        if opcode == 9:
            self.send(payload, 10)
            return 0
        if opcode == 8:
            self._tally.closed.add(f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}")
            return 0
        if self._sampled:
            self._look(payload)
        return self._talk.hear(payload, self.send)

    def _look(self, payload: bytes) -> None:
        now = asyncio.get_running_loop().time()  # the monotonic clock
        self._tally.delays.extend(now - float(found[1]) for found in AT.finditer(payload))


async def connect_all(port: int, tally: Tally, talk: Callable[[], Talk], count: int) -> list[Reader]:
    """So many subscribers; all are when the tally has reached their number."""
    loop = asyncio.get_running_loop()
    readers = [Reader(tally, talk(), number % SAMPLED == 0) for number in range(count)]
    for first in range(0, count, AT_ONCE):
        async with asyncio.TaskGroup() as tasks:
            for reader in readers[first : first + AT_ONCE]:
                tasks.create_task(loop.create_connection(lambda reader=reader: reader, "127.0.0.1", port))  # type: ignore[misc]
    return readers


class Server:
    """A server of a benchmark in a process of its own."""

    def __init__(self, process: Process, hello: dict[str, Any]) -> None:
        self.hello = hello
        self.port = int(hello["port"])
        self.pid = process.pid
        self._process = process

    def order(self, *words: object) -> None:
        """It begins at once; done() tells when it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write((" ".join(str(word) for word in words) + "\n").encode())

    async def done(self) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            await self._process.stdout.readline()


@asynccontextmanager
async def running(module: str, *arguments: object) -> AsyncIterator[Server]:
    """`python -m bench.parts.<module> …`, until the block ends."""
    words = [str(argument) for argument in arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.parts.{module}", *words, stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        hello = await process.stdout.readline()
        if not hello:
            raise RuntimeError(f"{module} {' '.join(words)} did not start.")
        yield Server(process, json.loads(hello))
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def allow_files(count: int) -> None:
    """So many connections, here and in the processes that are started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + 400
    if needed > hard:
        raise SystemExit(f"{needed} open files are needed, {hard} are allowed: see `ulimit -Hn`.")
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
