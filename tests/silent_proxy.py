"""A way to a server that can fall silent: connections stay, and nothing goes through them any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class SilentProxy:
    """Clear `talks` and nothing passes, in either direction; new connections are accepted and hear nothing."""

    host: str
    port: int
    talks: asyncio.Event = field(default_factory=asyncio.Event)
    own_port: int = 0
    carried: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.carried.add(task)
        async with AsyncExitStack() as closing:
            closing.callback(writer.close)
            # The server's protocol complains of a task that ends by its cancel.
            with suppress(ConnectionError, asyncio.CancelledError):
                await self.talks.wait()
                far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
                closing.callback(far_writer.close)
                await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def end(self) -> None:
        for task in self.carried:
            task.cancel()
        if self.carried:
            await asyncio.wait(self.carried)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.talks.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def silent_proxy(host: str, port: int) -> AsyncIterator[SilentProxy]:
    """Talks until it is told otherwise."""
    proxy = SilentProxy(host, port)
    proxy.talks.set()
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
    proxy.own_port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
