"""Where the socket of a server is, and how long to wait before it is tried again."""

import random
from urllib.parse import urlsplit, urlunsplit

from rollcall_client.errors import NotRollcall

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def socket_url(url: str) -> str:
    """Of a server's address, `https://rollcall.example` as well as `wss://rollcall.example/ws`."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise NotRollcall(f"{shown(url)!r} is no address such as https://rollcall.example.")
    path = parts.path.rstrip("/")
    path = path if path.endswith("/ws") else f"{path}/ws"
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, parts.query, ""))


def shown(url: str) -> str:
    """An address for logs and errors: without a password, and without a query, which may be a ticket."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rpartition("@")[2], "", ""))


def pause_s(failures: int) -> float:
    """Twice as long with every failure; half of it is left to chance, so that not all clients come back at once."""
    full = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(max(0, failures - 1), 10))
    return full * random.uniform(0.5, 1.0)
