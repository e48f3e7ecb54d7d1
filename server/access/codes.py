"""PINs and badges, with which people check in at a kiosk: drawn, refused where they are weak, kept as keyed digests."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.attempts import Attempts
from server.access.keyring import Keyring
from server.access.throttle import Throttle
from server.errors import Conflict, Detail, Invalid, TooMany, Unavailable
from server.store import credentials
from server.store.credentials import BADGE, PIN
from server.store.tables import Credential, Person

PURPOSE = "credentials"
SHORTEST = 6
MOST = 10  # PIN and badges of one person
TRIES = 50
BADGE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that look alike; a QR code of capitals is a small one
BADGE_LENGTH = 16  # 80 bits: nobody guesses one

Kind = Literal["pin", "badge"]


@dataclass(frozen=True, slots=True)
class PinSet:
    """`drawn` is the PIN where the server has drawn it: it is told once and kept nowhere."""

    credential: Credential
    drawn: str | None


class Codes:
    """Stored is an HMAC by a key that is not in the database. An older key's digest is found as well, and becomes the
    newest one's when it is used."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def digests(self, kind: Kind, value: str) -> list[str]:
        """By each key, newest first."""
        return self._keyring.macs(PURPOSE, f"{kind}\0{value}".encode())

    async def find(self, session: AsyncSession, kind: Kind, value: str) -> Credential | None:
        """Whose it is; None where it is nobody's, or where two keys have made it two people's."""
        rows = await credentials.of_digests(session, kind, self.digests(kind, value))
        return rows[0] if len(rows) == 1 else None

    async def note_use(self, session: AsyncSession, row: Credential, kind: Kind, value: str, at: datetime) -> None:
        """It was used, and from now on it is digested with the newest key. Its person is locked: see set_pin()."""
        await credentials.note_use(session, row, at)
        newest = self.digests(kind, value)[0]
        if row.digest != newest:
            await credentials.digest_anew(session, row, newest, self._keyring.kids[0])

    async def set_pin(self, session: AsyncSession, person: Person, pin: str | None, people: int) -> PinSet:
        """The PIN of a person, who is locked; None draws one that is fit for so many people.

        Raises Invalid for a weak one, Conflict (pin_taken) for somebody else's.
        """
        if pin is None:
            drawn = await self._free(session, people)
            return PinSet(await self._keep_pin(session, person, drawn), drawn)
        if is_weak(pin, person.employee_id):
            raise Invalid.field("pin", "weak", "This PIN is easy to guess. Take another, or have one drawn.")
        if any(row.person_id != person.id for row in await self._same(session, PIN, pin)):
            raise _taken(PIN, "pin_taken", "This PIN cannot be used. Take another, or have one drawn.")
        return PinSet(await self._keep_pin(session, person, pin), None)

    async def add_badge(self, session: AsyncSession, person: Person, badge: str, label: str) -> Credential:
        """One more badge of a person, who is locked. Raises Conflict: badge_taken, or too_many_badges."""
        clash = _taken(BADGE, "badge_taken", "This badge is somebody's already. Remove it there first.")
        if await self._same(session, BADGE, badge):
            raise clash
        if await credentials.count(session, person.id) >= MOST:
            raise Conflict("Nobody needs more badges than that. Remove one first.", code="too_many_badges")
        row = Credential(
            person_id=person.id, kind=BADGE, digest=self.digests(BADGE, badge)[0], key_id=self._keyring.kids[0],
            label=label, ending=badge[-4:] if len(badge) >= 2 * SHORTEST else badge[-2:],
        )  # fmt: skip
        return await credentials.keep(session, row, clash)

    async def _same(self, session: AsyncSession, kind: Kind, value: str) -> list[Credential]:
        return list(await credentials.of_digests(session, kind, self.digests(kind, value)))

    async def _free(self, session: AsyncSession, people: int) -> str:
        for _ in range(TRIES):
            pin = drawn_pin(people)
            if not is_weak(pin) and not await self._same(session, PIN, pin):
                return pin
        raise Unavailable("No free PIN was found. Try again.", code="no_free_pin")

    async def _keep_pin(self, session: AsyncSession, person: Person, pin: str) -> Credential:
        digest, key_id = self.digests(PIN, pin)[0], self._keyring.kids[0]
        row = await credentials.pin_of(session, person.id)
        if row is None:
            row = Credential(person_id=person.id, kind=PIN, digest=digest, key_id=key_id)
        row.digest, row.key_id, row.last_used_at = digest, key_id, None
        return await credentials.keep(session, row, _taken(PIN, "pin_taken", "Somebody was faster. Try again."))


class CodeGuard:
    """Slows guessing at a kiosk, and of PINs by whoever sets them. `attempts` are shared by all processes."""

    def __init__(self, attempts: Attempts) -> None:
        self._asked = Throttle(attempts, limit=240, window_s=60, name="kiosk-asked")
        self._wrong = Throttle(attempts, limit=10, window_s=300, name="kiosk-wrong")
        self._wrong_today = Throttle(attempts, limit=100, window_s=86_400, name="kiosk-wrong-day")
        self._told = Throttle(attempts, limit=1, window_s=300, name="kiosk-told")
        self._taken = Throttle(attempts, limit=20, window_s=3600, name="pin-taken")

    async def ask(self, kiosk_id: str) -> None:
        """Raises TooMany for a kiosk that asks too often, whatever it asks for."""
        await self._asked.take(kiosk_id)

    async def take(self, kiosk_id: str) -> None:
        """Counts a code as a wrong one until it turns out to be good; raises TooMany (code_input_locked)."""
        try:
            await self._wrong.take(kiosk_id)
            await self._wrong_today.take(kiosk_id)
        except TooMany as error:
            raise TooMany(
                "Too many codes were wrong here. Wait a little and try again.",
                retry_after_s=error.retry_after_s,
                code="code_input_locked",
            ) from None

    async def good(self, kiosk_id: str) -> None:
        """It was no guess."""
        await self._wrong.give_back(kiosk_id)
        await self._wrong_today.give_back(kiosk_id)

    async def is_news(self, kiosk_id: str) -> bool:
        """Whether that a kiosk is locked has not been told for a while."""
        try:
            await self._told.take(kiosk_id)
        except TooMany:
            return False
        return True

    async def take_setting(self, actor_id: str) -> None:
        """Counts a PIN that somebody sets as one that is taken, which tells that it is somebody's; raises TooMany."""
        await self._taken.take(actor_id)

    async def good_setting(self, actor_id: str) -> None:
        """It was free."""
        await self._taken.give_back(actor_id)


def is_weak(pin: str, employee_id: str | None = None) -> bool:
    """What somebody tries first: few digits, a row, a pattern, or the number on the badge."""
    steps = {(int(two) - int(one)) % 10 for one, two in pairwise(pin)}
    repeats = any(pin == (pin[:n] * len(pin))[: len(pin)] for n in range(1, len(pin) // 2 + 1))
    number = "".join(one for one in employee_id or "" if one in "0123456789")
    return len(set(pin)) < 3 or len(steps) == 1 or repeats or (bool(number) and pin.lstrip("0") == number.lstrip("0"))


def drawn_pin(people: int) -> str:
    """By chance, and so long that a guess hits one of so many people once in ten thousand times at most."""
    digits = max(SHORTEST, len(str(max(people, 1))) + 4)
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def drawn_badge() -> str:
    """By chance, for a badge that is printed."""
    return "".join(secrets.choice(BADGE_LETTERS) for _ in range(BADGE_LENGTH))


def _taken(field: str, code: str, message: str) -> Conflict:
    return Conflict(message, code=code, details=(Detail(field, "taken", message),))
