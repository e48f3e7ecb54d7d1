"""Answers that are kept for Idempotency-Key: encrypted, for one may hold an API key; and forgotten where they tell of
somebody who was erased."""

import asyncio
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.fernet import InvalidToken

from server.access.keyring import Keyring
from server.store import idempotency
from server.store.engine import Store
from server.store.idempotency import Kept

AT_ONCE = 500
BODY = "body"  # in base64


class KeptAnswers:
    """Seals and opens them."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._box = keyring.box("idempotency")

    def seal(self, answer: Mapping[str, Any]) -> bytes:
        return self._box.encrypt(orjson.dumps(answer))

    def open(self, sealed: bytes) -> dict[str, Any] | None:
        """None for one that no key opens, or that was forgotten."""
        try:
            found: dict[str, Any] = orjson.loads(self._box.decrypt(sealed))
        except InvalidToken:
            return None
        return found

    async def forget(self, ids: Sequence[str]) -> int:
        """Those with one of these ids in them: whoever asks again hears that it was made, and no more. How many."""
        forgotten, after = 0, ""
        while True:
            async with self._store.read() as session:
                rows = await idempotency.kept(session, after, AT_ONCE)
            found = await asyncio.to_thread(self._telling_of, rows, [one.encode() for one in ids])
            if found:
                async with self._store.transaction() as session:
                    forgotten += await idempotency.lose(session, found)
            if len(rows) < AT_ONCE:
                return forgotten
            after = rows[-1].key_hash

    def _telling_of(self, rows: Sequence[Kept], ids: Sequence[bytes]) -> list[str]:
        found = []
        for row in rows:
            answer = self.open(row.answer)
            if answer is not None:
                told = orjson.dumps({**answer, BODY: None}) + b64decode(answer[BODY])
                if any(one in told for one in ids):
                    found.append(row.key_hash)
        return found
