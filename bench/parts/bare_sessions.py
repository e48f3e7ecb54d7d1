"""Idle subscribers of the bare `websockets` library: each says a token once and is told that it is subscribed.

    python -m bench.parts.bare_sessions TOKEN

The same messages as Rollcall's, and pings as often; the token is only compared.
"""

import asyncio
import json
import sys
from contextlib import suppress

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.parts.fanout_servers import listening
from bench.parts.stdin import until_input_ends

PING_S = 20


async def main(token: str) -> None:
    connections: set[ServerConnection] = set()

    async def endpoint(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.send('{"type":"welcome"}')
            said = orjson.loads(await connection.recv())
            if said.get("token") != token:
                await connection.close(4501)
                return
            connections.add(connection)
            await connection.send('{"type":"ready","user":{}}')
            async for _ in connection:
                await connection.send('{"type":"subscribed"}')
        connections.discard(connection)

    with listening() as at:
        async with serve(endpoint, sock=at, compression=None, ping_interval=PING_S, ping_timeout=PING_S):
            print(json.dumps({"port": at.getsockname()[1]}), flush=True)
            await until_input_ends()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
