"""Faces at rest: AES-256-GCM under a key of the keyring, bound to their row and their person."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.keyring import Keyring
from server.errors import Conflict
from server.store import sealed, templates
from server.store.engine import Store
from server.store.sealed import SEALED
from server.store.templates import KeptTemplate

NONCE_BYTES = 12
AT_ONCE = 500


class TemplateSeals:
    """Seals with the newest key and opens with all.

    The ids of template and person are part of what is authenticated: an embedding that was moved to another row, or
    a row that was given to somebody else, does not open.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.key_id, _ = keyring.signing("templates")
        self._boxes = {kid: AESGCM(key) for kid, key in keyring.known("templates").items()}

    def seal(self, template_id: str, person_id: str, embedding: bytes) -> KeptTemplate:
        """As it is stored."""
        nonce = os.urandom(NONCE_BYTES)
        content = self._boxes[self.key_id].encrypt(nonce, embedding, _bound(template_id, person_id))
        return KeptTemplate(template_id, person_id, self.key_id, nonce + content)

    def open(self, row: KeptTemplate) -> bytes | None:
        """The embedding; None for one that no key opens, that was moved or changed, or that was never sealed."""
        box = self._boxes.get(row.key_id or "")
        if box is None:
            return None
        nonce, content = row.embedding[:NONCE_BYTES], row.embedding[NONCE_BYTES:]
        try:
            return box.decrypt(nonce, content, _bound(row.template_id, row.person_id))
        except (InvalidTag, ValueError):
            return None

    async def seal_all(self, store: Store) -> int:
        """Seals what an earlier version left in the clear, and anew what is under an older key; how many that were.

        Templates, the faces of visitors and what an operator has refused. What no key opens stays as it is. Where
        something was in the clear, the table of templates is written anew.
        """
        done, plain, lost = 0, 0, 0
        for where in SEALED:
            after = ""
            while True:
                async with store.read() as session:
                    rows = await sealed.not_under(session, where, self.key_id, after=after, limit=AT_ONCE)
                if not rows:
                    break
                after = rows[-1].template_id
                anew = await asyncio.to_thread(self._anew, rows)
                async with store.transaction() as session:
                    await sealed.rewrite(session, where, anew)
                done, lost = done + len(anew), lost + len(rows) - len(anew)
                plain += sum(row.key_id is None for row in rows)
        if lost:
            structlog.get_logger(__name__).error("templates_unreadable", count=lost)
        if plain:
            await _wipe(store)
        return done

    async def hand_over(self, session: AsyncSession, person_id: str, new_person_id: str) -> None:
        """Seals a person's templates for another, whose they become in the caller's transaction."""
        opened = await asyncio.to_thread(_with_each, await templates.of_person(session, person_id), self.open)
        await templates.rewrite(session, [self.seal(row.template_id, new_person_id, row.embedding) for row in opened])

    async def unseal_all(self, session: AsyncSession) -> int:
        """The way back, for a version that knows no sealed ones; how many that were. Raises Conflict for one that no
        key opens: that version could not start with it."""
        done, after = 0, ""
        while rows := await templates.sealed(session, after=after, limit=AT_ONCE):
            after = rows[-1].template_id
            opened = await asyncio.to_thread(_with_each, rows, self.open)
            if len(opened) < len(rows):
                raise Conflict(
                    f"{len(rows) - len(opened)} or more templates are sealed with a key that is not here.",
                    code="key_missing",
                )
            await templates.rewrite(session, opened)
            done += len(opened)
        return done

    def _anew(self, rows: Sequence[KeptTemplate]) -> list[tuple[KeptTemplate, KeptTemplate]]:
        """Those that could be opened, as they were and as they are to be."""
        opened = ((row, row.embedding if row.key_id is None else self.open(row)) for row in rows)
        return [(row, self.seal(row.template_id, row.person_id, plain)) for row, plain in opened if plain is not None]


def _with_each(rows: Sequence[KeptTemplate], opening: Callable[[KeptTemplate], bytes | None]) -> list[KeptTemplate]:
    """Those that could be opened, in the clear."""
    found = ((row, opening(row)) for row in rows)
    return [replace(row, key_id=None, embedding=plain) for row, plain in found if plain is not None]


def _bound(template_id: str, person_id: str) -> bytes:
    return f"{template_id}/{person_id}".encode()


async def _wipe(store: Store) -> None:
    """Templates are sealed by now either way: a database that refuses this holds up no start."""
    try:
        await templates.wipe(store)
    except (DBAPIError, OSError) as error:
        structlog.get_logger(__name__).warning("plain_templates_may_linger", reason=type(error).__name__)
