"""Tickets: let one WebSocket in, once, within seconds, whichever process it comes to."""

from datetime import datetime
from typing import TypedDict

from server.access.one_time import OneTimeCodes
from server.access.principal import Principal

PURPOSE = "ticket"
TTL_S = 30


class Admitted(TypedDict):
    """Whom a ticket was made for: one of the ids is set. Who they are by now is to be read again."""

    session_id: str | None
    key_id: str | None
    key_hash: str  # of the key as it was then: after a rotation the ticket is worth nothing
    kiosk_id: str | None
    expires_at: datetime | None


class Tickets:
    """Hands out tickets and takes them back."""

    def __init__(self, codes: OneTimeCodes, *, ttl_s: int = TTL_S) -> None:
        self._codes = codes
        self.ttl_s = ttl_s

    async def issue(self, principal: Principal) -> str:
        """A new ticket."""
        subject = {
            "session_id": principal.session_id,
            "key_id": principal.key_id,
            "key_hash": principal.key_hash,
            "kiosk_id": principal.kiosk_id,
            "expires_at": principal.expires_at.isoformat() if principal.expires_at else None,
        }
        return await self._codes.issue(PURPOSE, subject, self.ttl_s)

    async def redeem(self, ticket: str) -> Admitted | None:
        """Whom it was issued to; None the second time, or too late."""
        found = await self._codes.redeem(PURPOSE, ticket)
        if found is None:
            return None
        expires_at = found["expires_at"]
        return Admitted(
            session_id=found["session_id"],
            key_id=found["key_id"],
            key_hash=found["key_hash"],
            kiosk_id=found["kiosk_id"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        )
