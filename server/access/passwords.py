"""Passwords: hashed and checked with bcrypt, on a thread, in the same time whether the user exists or not."""

import asyncio

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.bcrypt import BcryptHasher

from server.errors import Invalid

MIN_LENGTH = 8
MAX_BYTES = 72  # bcrypt reads no further
DEMO_PASSWORDS = frozenset({"admin123", "password", "12345678", "rollcall", "changeme"})


class Passwords:
    """Hashes new passwords and checks given ones, a few at a time so that a flood of logins leaves threads free."""

    def __init__(self, *, rounds: int = 12, production: bool = False, at_once: int = 4) -> None:
        self._hash = PasswordHash((BcryptHasher(rounds=rounds),))
        self._production = production
        self._places = asyncio.Semaphore(at_once)
        # Costs what checking a real one costs; no password fits it.
        self._nobody = BcryptHasher(rounds=rounds).hash("nobody")

    def check_new(self, password: str, field: str = "password") -> None:
        """Raises Invalid where a password may not be chosen."""
        if len(password) < MIN_LENGTH:
            raise Invalid.field(field, "too_short", f"A password has at least {MIN_LENGTH} characters.")
        if len(password.encode()) > MAX_BYTES:
            raise Invalid.field(field, "too_long", f"A password has at most {MAX_BYTES} bytes.")
        if "\0" in password:
            raise Invalid.field(field, "not_allowed", "A password cannot contain a NUL character.")
        if self._known_to_everybody(password):
            raise Invalid.field(field, "too_common", "This password is known to everybody.")

    async def hash(self, password: str, field: str = "password") -> str:
        """What to store of a new password; raises Invalid as `check_new` does."""
        self.check_new(password, field)
        async with self._places:
            return await asyncio.to_thread(self._hash.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Whether it fits, and a fresh hash where the stored one is of an older strength. None: nobody, never fits."""
        fits_in = len(password.encode()) <= MAX_BYTES
        async with self._places:
            fits, fresh = await asyncio.to_thread(
                self._check, password if fits_in else "", password_hash or self._nobody
            )
        allowed = fits_in and password_hash is not None and not self._known_to_everybody(password)
        return fits and allowed, fresh if allowed else None

    def _known_to_everybody(self, password: str) -> bool:
        """A database from a demo does not open a production server."""
        return self._production and password.lower() in DEMO_PASSWORDS

    def _check(self, password: str, password_hash: str) -> tuple[bool, str | None]:
        try:
            return self._hash.verify_and_update(password, password_hash)
        except UnknownHashError:
            self._hash.verify(password, self._nobody)
            return False, None
