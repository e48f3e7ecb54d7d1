"""Where tokens come from, and when the next one is due."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

ANSWER_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as `auth/login` and `auth/refresh` answer it: with the seconds for which it is good."""

    value: str = field(repr=False)
    expires_in_s: float | None = None


TokenProvider = Callable[[], Awaitable[Token | str]]


def provider_of(token: str | Token | TokenProvider) -> TokenProvider:
    """One that always answers the same, where a token was given. Any other may take so long, and no longer."""
    if isinstance(token, (str, Token)):

        async def same() -> Token | str:
            return token

        return same

    async def in_time() -> Token | str:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await token()

    return in_time


def lifetime_s(token: Token | str, server_time: datetime) -> float | None:
    """How long it is still good; None where nobody says so. A JSON Web Token says it itself, by the server's clock."""
    if isinstance(token, Token):
        return token.expires_in_s if token.expires_in_s is not None else lifetime_s(token.value, server_time)
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"]) - server_time.timestamp()
    except (binascii.Error, UnicodeDecodeError, ValueError, KeyError, TypeError):
        return None


def renew_after_s(lifetime_s: float) -> float:
    """At four fifths of its life, and half a minute before its end where it is long enough for that."""
    return max(0.0, min(lifetime_s * 0.8, lifetime_s - 30.0) if lifetime_s > 60.0 else lifetime_s * 0.8)
