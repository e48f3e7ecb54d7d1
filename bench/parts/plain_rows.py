"""What recovery costs at the least: rows of SQLite read once, in their order, and told to everybody by broadcast().

    python -m bench.parts.plain_rows EVENTS

As many equal events lie in a table of Rollcall's. `burst N` reads the first N and sends them to all who have subscribed
by then: it asks nobody where they were, and whoever reads slowly is waited for by nobody.
"""

import asyncio
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path

import orjson
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from bench.parts.fanout_obey import obey
from bench.parts.fanout_servers import TOPIC, append, fresh_store, listening
from server.store.event_log import TableLog

READ = "SELECT offset, id, type, time, source, data FROM events WHERE topic = ? ORDER BY offset LIMIT ?"


def read(path: Path, count: int) -> list[bytes]:
    """The messages."""
    with sqlite3.connect(path) as database:
        messages = []
        for offset, id_, type_, time, source, data in database.execute(READ, (TOPIC, count)):
            event = {"id": id_, "type": type_, "time": time, "source": source, "data": orjson.loads(data)}
            message = {"type": "event", "id": 1, "offset": offset, "previous": offset - 1, "event": event}
            messages.append(orjson.dumps(message))
        return messages


async def main(events: int) -> None:
    connections: set[ServerConnection] = set()

    async def endpoint(connection: ServerConnection) -> None:
        connections.add(connection)
        with suppress(ConnectionClosed):
            await connection.send('{"type":"welcome"}')
            async for _ in connection:
                pass
        connections.discard(connection)

    async with fresh_store() as (store, path):
        await append(store, TableLog(store), events)
        messages: list[bytes] = []

        async def publish(number: int) -> None:
            if number == 0:
                messages[:] = await asyncio.to_thread(read, path, events)
            broadcast(connections, messages[number], text=True)
            await asyncio.sleep(0)

        with listening() as at:
            async with serve(endpoint, sock=at, compression=None, ping_interval=None):
                await obey({"port": at.getsockname()[1], "epoch": ""}, publish)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
