"""What may be opened now: an address is checked before each opening, and again after each redirect."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urljoin, urlsplit

from server.address import AddressRules, allowed_path, check_source, resolve_allowed
from server.media.reasons import failure
from server.media.source import SourceSpec

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def checked(spec: SourceSpec, rules: AddressRules) -> SourceSpec:
    """The spec as it may be opened now: a file by its real path, a host only if its addresses are allowed.

    Raises Invalid, or SourceFailed for a name that nobody knows.
    """
    check_source(spec.kind, spec.url, rules)
    if spec.kind == "usb":
        return spec
    if spec.kind == "file":
        return replace(spec, url=str(await asyncio.to_thread(allowed_path, spec.url, rules)))
    try:
        async with asyncio.timeout(spec.open_timeout_s):
            await resolve_allowed(spec.url, rules)
    except TimeoutError:
        raise failure("timed_out") from None
    return spec


async def moved(spec: SourceSpec, rules: AddressRules) -> SourceSpec | None:
    """Where an HTTP camera sends us, each step checked before it is taken; None where it sends us nowhere.

    FFmpeg would follow unchecked, so it may not, and then fails without saying why: ask this after such a failure.
    Raises Invalid where a step is not allowed.
    """
    if spec.kind != "http":
        return None
    url, seen = spec.url, {spec.url}
    try:
        async with asyncio.timeout(spec.open_timeout_s):
            while (location := await asyncio.to_thread(_location, url, spec.open_timeout_s / 2)) is not None:
                url = _with_login(urljoin(url, location), url)
                if url in seen or len(seen) > _MOST_REDIRECTS:
                    return None
                seen.add(url)
                await checked(replace(spec, url=url), rules)
    except TimeoutError:
        raise failure("timed_out") from None
    return replace(spec, url=url) if len(seen) > 1 else None


def _location(url: str, timeout_s: float) -> str | None:
    """What a camera answers as the address to go to; asked without the login, which may be for this host alone."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    with suppress(OSError, HTTPException, ValueError):
        if parts.scheme.lower() == "https":
            # Cameras have certificates of their own making, and what is asked for is no secret.
            connection: HTTPConnection = HTTPSConnection(host, port, timeout=timeout_s, context=_unverified())
        else:
            connection = HTTPConnection(host, port, timeout=timeout_s)
        try:
            connection.request("GET", parts._replace(scheme="", netloc="", fragment="").geturl() or "/")
            answer = connection.getresponse()
            return answer.headers.get("Location") if answer.status in _REDIRECTS else None
        finally:
            connection.close()
    return None


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _with_login(url: str, before: str) -> str:
    """On the same host the login goes along."""
    new, old = urlsplit(url), urlsplit(before)
    if new.hostname != old.hostname or "@" in new.netloc or "@" not in old.netloc:
        return url
    login = old.netloc.rpartition("@")[0]
    return SplitResult(new.scheme, f"{login}@{new.netloc}", new.path, new.query, new.fragment).geturl()
