"""A client that asks the same again and again over some connections that stay open.

    python -m bench.parts.asker

Each line `PORT PATH TOKEN CONNECTIONS SECONDS` is answered by {"requests": n, "seconds": s}.
"""

import asyncio
import json
import sys
from time import monotonic


async def ask(port: int, request: bytes, until: float) -> int:
    """How often it was answered with 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    try:
        while monotonic() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(head.splitlines()[0].decode())
            lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line]
            length = next(value for name, value in lines if name.lower() == b"content-length")
            await reader.readexactly(int(length))
            answered += 1
    finally:
        writer.close()
    return answered


async def measure(port: int, path: str, token: str, connections: int, seconds: float) -> dict[str, float]:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        "Accept: application/json\r\n\r\n"
    ).encode()
    began = monotonic()
    answered = await asyncio.gather(*(ask(port, request, began + seconds) for _ in range(connections)))
    return {"requests": sum(answered), "seconds": monotonic() - began}


def main() -> None:
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        port, path, token, connections, seconds = line.split()
        try:
            answer = asyncio.run(measure(int(port), path, token, int(connections), float(seconds)))
        except (OSError, RuntimeError, asyncio.IncompleteReadError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}  # type: ignore[dict-item]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
