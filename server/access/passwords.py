"""Passwords: hashed and checked with bcrypt, on a thread, in the same time whether the user exists or not."""

import asyncio
import re
from collections.abc import Iterable, Sequence

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.bcrypt import BcryptHasher

from server.errors import Invalid

MIN_LENGTH = 12
MAX_BYTES = 72  # bcrypt reads no further
MIN_WORD = 4
PRODUCT = "rollcall"
DECORATION = re.compile(r"^[\W\d_]+|[\W\d_]+$")
COST = re.compile(r"\$2[abxy]\$(\d\d)\$")
NO_WORD = re.compile(r"[\W_]+")
ESTIMATED = 24  # characters: the estimate takes a second of what is made to take long
LEAST_SCORE = 2  # of zxcvbn's 0 to 4
DEMO_PASSWORDS = frozenset({"admin123", "password", "12345678", "rollcall", "changeme"})


class Passwords:
    """Hashes new passwords and checks given ones, a few at a time so that a flood of logins leaves threads free."""

    def __init__(self, *, rounds: int = 12, production: bool = False, at_once: int = 4) -> None:
        self._hash = PasswordHash((BcryptHasher(rounds=rounds),))
        self._rounds = rounds
        self._production = production
        self._places = asyncio.Semaphore(at_once)
        # Costs what checking a real one costs; no password fits it.
        self._nobody = BcryptHasher(rounds=rounds).hash("nobody")

    async def check(self, password: str, field: str = "password", known: Sequence[str] = ()) -> None:
        """Raises Invalid where a password may not be chosen. `known`: the user's e-mail address and name."""
        async with self._places:
            await asyncio.to_thread(self._check_new, password, field, known)

    def _check_new(self, password: str, field: str, known: Sequence[str]) -> None:
        if len(password) < MIN_LENGTH:
            raise Invalid.field(field, "too_short", f"A password has at least {MIN_LENGTH} characters.")
        self._check_storable(password, field)
        if word := personal_word(password, known):
            raise Invalid.field(field, "too_personal", f'A password does not contain "{word}".')
        if is_common(password):
            raise Invalid.field(field, "too_common", "This password is among the first that are guessed.")

    async def hash(
        self, password: str, field: str = "password", known: Sequence[str] = (), *, unchecked: bool = False
    ) -> str:
        """What to store of a new password; raises Invalid as `check` does.

        `unchecked` is for the demo's login, which everybody is to know; it lets nobody in where it is production.
        """
        if unchecked:
            self._check_storable(password, field)
        else:
            await self.check(password, field, known)
        async with self._places:
            return await asyncio.to_thread(self._hash.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Whether it fits, and a fresh hash where the stored one is of an older strength. None: nobody, never fits."""
        fits_in = _bytes(password) <= MAX_BYTES
        async with self._places:
            fits, fresh = await asyncio.to_thread(
                self._check, password if fits_in else "", password_hash or self._nobody
            )
        allowed = fits_in and password_hash is not None and not self._known_to_everybody(password)
        return fits and allowed, fresh if allowed else None

    def _check_storable(self, password: str, field: str) -> None:
        if _bytes(password) > MAX_BYTES:
            raise Invalid.field(field, "too_long", f"A password has at most {MAX_BYTES} bytes.")
        if "\0" in password:
            raise Invalid.field(field, "not_allowed", "A password cannot contain a NUL character.")
        if self._known_to_everybody(password):
            raise Invalid.field(field, "too_common", "This password is known to everybody.")

    def _known_to_everybody(self, password: str) -> bool:
        """A database from a demo does not open a production server."""
        return self._production and password.lower() in DEMO_PASSWORDS

    def _check(self, password: str, password_hash: str) -> tuple[bool, str | None]:
        self._make_up_for(password_hash)
        try:
            return self._hash.verify_and_update(password, password_hash)
        except UnknownHashError:
            self._hash.verify(password, self._nobody)
            return False, None

    def _make_up_for(self, password_hash: str) -> None:
        """A hash from before the cost was raised is cheaper, which would tell who exists: the rest is spent here."""
        found = COST.match(password_hash)
        # Each round doubles: those from the old cost up to the new one add up to the difference.
        for rounds in range(int(found[1]), self._rounds) if found else ():
            BcryptHasher(rounds=rounds).hash("nobody")


def is_common(password: str) -> bool:
    """Whether it is among the first that somebody would try: one of the thirty thousand commonest, also with digits and
    signs around it, or what runs along an alphabet or a keyboard (zxcvbn's estimate).

    Milliseconds; the first time, the lists are read.
    """
    from zxcvbn import zxcvbn  # some megabytes, and tens of milliseconds
    from zxcvbn.matching import RANKED_DICTIONARIES

    word = DECORATION.sub("", password.lower())
    if password.lower() in DEMO_PASSWORDS or (len(word) >= MIN_WORD and word in RANKED_DICTIONARIES["passwords"]):
        return True
    return int(zxcvbn(password[:ESTIMATED])["score"]) < LEAST_SCORE


def personal_word(password: str, known: Iterable[str]) -> str | None:
    """What of the user's own address and name, or of the product's name, is in it."""
    lowered = password.lower()
    words = [PRODUCT]
    for text in known:
        local_part = text.lower().partition("@")[0]
        words += [local_part, *NO_WORD.split(local_part)]
    return next((word for word in words if len(word) >= MIN_WORD and word in lowered), None)


def _bytes(password: str) -> int:
    """As many as bcrypt is given; too many of what is no text at all."""
    try:
        return len(password.encode())
    except UnicodeEncodeError:
        return MAX_BYTES + 1
