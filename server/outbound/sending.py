"""One HTTP request to a receiver, to an address that is allowed, with an end in time and in size. Redirects are not
followed: they could lead anywhere, and a signature is for one receiver."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import aiohttp

from server.address import Allowing
from server.clock import Clock
from server.outbound.messages import Answer, Request
from server.outbound.schedule import retry_after_s

WITHIN_S = 15.0
LONGEST_ANSWER = 64 * 1024
AT_ONCE = 64
AGENT = "Rollcall"


class NotAllowed(PermissionError):
    """The name leads to an address that is not allowed."""


class Sender:
    """Sends requests; see `open_sender`."""

    def __init__(self, http: aiohttp.ClientSession, clock: Clock, within_s: float) -> None:
        self._http = http
        self._clock = clock
        self._within_s = within_s

    async def send(self, request: Request) -> Answer:
        """Never raises but by being cancelled: whatever goes wrong is an answer with a reason."""
        began_s = self._clock.monotonic()
        status: int | None = None
        body, asked, reason = bytearray(), None, ""
        try:
            async with asyncio.timeout(self._within_s), self._opened(request) as answer:
                status, asked = answer.status, answer.headers.get("Retry-After")
                async for chunk in answer.content.iter_chunked(8192):
                    body += chunk[: LONGEST_ANSWER - len(body)]
                    if len(body) >= LONGEST_ANSWER:
                        break
        except (OSError, aiohttp.ClientError, ValueError) as error:
            # An answer that has begun is an answer, however its body ends.
            reason = "" if status is not None else _reason_of(error)
        took_ms = round((self._clock.monotonic() - began_s) * 1000)
        wait_s = retry_after_s(asked, self._clock.now())
        return Answer(status, reason or _named(status), bytes(body), wait_s, took_ms)

    def _opened(self, request: Request) -> Any:
        return self._http.request(
            request.method, request.url, data=request.body or None, headers=request.headers, allow_redirects=False
        )


@asynccontextmanager
async def open_sender(rules: Allowing, clock: Clock, *, within_s: float = WITHIN_S) -> AsyncIterator[Sender]:
    """Connections are looked at as they are made, so a name that points elsewhere since it was checked leads nowhere.

    None is kept, and no proxy of the environment is used: behind it nobody could see where it goes.
    """
    connector = aiohttp.TCPConnector(
        limit=AT_ONCE, use_dns_cache=False, force_close=True, socket_factory=lambda info: _socket(info, rules)
    )
    async with aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
        trust_env=False,
    ) as http:
        yield Sender(http, clock, within_s)


def _socket(info: tuple[Any, ...], rules: Allowing) -> socket.socket:
    family, kind, protocol, _, target = info
    if not rules.allows(ip_address(str(target[0]).partition("%")[0])):
        raise NotAllowed
    return socket.socket(family, kind, protocol)


def _named(status: int | None) -> str:
    if status is None:
        return "failed"
    if 200 <= status < 300:
        return "taken"
    return "redirected" if 300 <= status < 400 else f"http_{status}"


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (NotAllowed, "address_not_allowed"),
    (TimeoutError, "timed_out"),
    (aiohttp.ClientConnectorDNSError, "unknown_name"),
    (socket.gaierror, "unknown_name"),
    (aiohttp.ClientConnectorCertificateError, "certificate_refused"),
    (ssl.SSLError, "tls_failed"),
    (aiohttp.ClientSSLError, "tls_failed"),
    (ConnectionRefusedError, "refused"),
    (aiohttp.InvalidURL, "malformed_address"),
    (aiohttp.ServerDisconnectedError, "disconnected"),
    (ConnectionError, "disconnected"),
    (OSError, "unreachable"),
)


def _reason_of(error: BaseException) -> str:
    chain: list[BaseException] = [error]
    if isinstance(error, aiohttp.ClientConnectorError):
        chain.insert(0, error.os_error)
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    for kind, reason in _REASONS:
        if any(isinstance(one, kind) for one in chain):
            return reason
    return "failed"
