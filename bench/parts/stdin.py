"""Waiting for the end of a benchmark: a child's input ends when its parent does."""

import asyncio
import sys


async def until_input_ends() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        pass
