"""Where webhooks go and what they are signed with, encrypted at rest under a key of the keyring."""

import dataclasses
import json

import structlog
from cryptography.fernet import InvalidToken

from server.access.keyring import Keyring
from server.address import secrets_of
from server.masking import register_secret
from server.store import webhooks
from server.store.engine import Store
from server.store.tables import Webhook
from server.store.webhooks import Target


class WebhookSeals:
    """Seals with the newest key and opens with all. The rows are the caller's to save."""

    def __init__(self, keyring: Keyring) -> None:
        self.key_id, _ = keyring.signing("webhooks")
        self._box = keyring.box("webhooks")

    def put(self, row: Webhook, target: Target) -> None:
        """Bound to the row: what was moved to another one does not open."""
        row.key_id, row.sealed = self.key_id, self._sealed(row.id, target)

    def open(self, row: Webhook) -> Target | None:
        """What is in it, masked in logs from now on; None where no key opens it."""
        target = self._opened(row.id, row.sealed)
        if target is None:
            structlog.get_logger(__name__).error("webhook_unreadable", webhook=row.id)
            return None
        for secret in (target.secret, target.previous, target.api_secret, *secrets_of(target.url)):
            register_secret(secret)
        return target

    async def seal_all(self, store: Store) -> int:
        """Seals anew what is under an older key; how many that were. What no key opens stays as it is."""
        async with store.read() as session:
            rows = await webhooks.sealed_otherwise(session, self.key_id)
        done = 0
        for webhook_id, was in rows:
            target = self._opened(webhook_id, was)
            if target is None:
                structlog.get_logger(__name__).error("webhook_unreadable", webhook=webhook_id)
                continue
            async with store.transaction() as session:
                await webhooks.reseal(session, webhook_id, was, self.key_id, self._sealed(webhook_id, target))
            done += 1
        return done

    def _sealed(self, webhook_id: str, target: Target) -> str:
        plain = json.dumps({"of": webhook_id, **dataclasses.asdict(target)})
        return self._box.encrypt(plain.encode()).decode()

    def _opened(self, webhook_id: str, sealed: str) -> Target | None:
        try:
            found = json.loads(self._box.decrypt(sealed))
        except InvalidToken:
            return None
        return Target(**found) if found.pop("of") == webhook_id else None
