"""Codes that are good once and for a short time, in the database: whichever process redeems one, no other does."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server.access.keyring import Keyring
from server.clock import Clock
from server.errors import Conflict
from server.store import one_time_codes
from server.store.engine import Store


class OneTimeCodes:
    """Only hashes are stored, and with a keyring these are keyed: of six digits every hash is quickly made.

    Of each purpose at most `max_open` are open; beyond, those that end first are dropped.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring | None = None, *, max_open: int = 10_000) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._max_open = max_open

    async def issue(
        self,
        purpose: str,
        subject: Mapping[str, Any],
        ttl_s: float,
        code: str | None = None,
        *,
        only_one: bool = False,
    ) -> str:
        """A new code, made here or by the caller; raises Conflict where that one is open already.

        `only_one`: those that are open for the same subject (of strings) are good no more.
        """
        made, now = code if code is not None else secrets.token_urlsafe(32), self._clock.now()
        async with self._store.transaction() as session:
            await one_time_codes.forget_expired(session, now)
            if only_one:
                await one_time_codes.forget_of(session, purpose, subject)
            await one_time_codes.keep_newest(session, purpose, self._max_open - 1)
            added = await one_time_codes.add(
                session,
                code_hash=self._hashes(purpose, made)[0],
                purpose=purpose,
                subject=subject,
                expires_at=now + timedelta(seconds=ttl_s),
            )
        if not added:
            raise Conflict("This code is in use.", code="code_in_use")
        return made

    async def redeem(self, purpose: str, code: str) -> dict[str, Any] | None:
        """Its subject, once; None for one that is not known, was used, or has run out."""
        async with self._store.transaction() as session:
            return await one_time_codes.take(session, self._hashes(purpose, code), purpose, self._clock.now())

    def _hashes(self, purpose: str, code: str) -> list[str]:
        """As the newest key makes it, and as older ones have."""
        named = f"{purpose}:{code}".encode(errors="surrogatepass")
        if self._keyring is None:
            return [hashlib.sha256(named).hexdigest()]
        return self._keyring.macs("one_time", named)
