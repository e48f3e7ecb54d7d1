"""A paired kiosk and somebody who checks in there, for tests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from server.clock import Clock
from server.parts import Parts
from server.store.tables import Kiosk, Person

PIN, BADGE = "482913", "04:A2:2B:9C:51:80"


@dataclass
class Door:
    """The screen's side: what it sends, with its own clock and token."""

    client: httpx.AsyncClient
    clock: Clock
    kiosk_id: str
    token: str
    ahead: timedelta = timedelta()  # how wrong its clock is

    async def send(
        self, *, typed_ago: timedelta = timedelta(), key: str | None = None, says_when: bool = True, **body: object
    ) -> httpx.Response:
        """A check-in that was typed then. `says_when`: with `sentAt`."""
        now = self.clock.now() + self.ahead
        sent = {"sentAt": now.isoformat()} if says_when else {}
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        form = {"deviceTime": (now - typed_ago).isoformat(), **sent, **(body or {"pin": PIN})}
        return await self.client.post(f"/api/v1/kiosks/{self.kiosk_id}/check-ins", json=form, headers=headers)

    async def enters(self, **how: Any) -> dict[str, Any]:
        """The same, where it has to succeed."""
        answer = await self.send(**how)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found


async def door_of(parts: Parts, client: httpx.AsyncClient, name: str = "Hall", **more: Any) -> Door:
    """A new kiosk, paired."""
    kiosk = Kiosk(name=name, **more)
    async with parts.store.transaction() as session:
        session.add(kiosk)
    paired = await parts.access.pair((await parts.access.pairing_code(kiosk.id)).code)
    return Door(client, parts.clock, kiosk.id, paired.token)


async def somebody(parts: Parts, full_name: str = "Ada Lovelace", pin: str | None = PIN, **more: Any) -> Person:
    """A person with a PIN."""
    person = Person(full_name=full_name, **more)
    async with parts.store.transaction() as session:
        session.add(person)
        await session.flush()
        if pin is not None:
            await parts.access.codes.set_pin(session, person, pin, 1)
    return person


def at(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["at"])
