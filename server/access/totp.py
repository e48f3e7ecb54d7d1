"""The second factor: codes that an app makes of a shared secret and the time, and recovery codes on paper."""

import asyncio
import base64
import hmac
import re
import secrets
from dataclasses import dataclass

import pyotp
from cryptography.fernet import InvalidToken
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.accounts import Unchanged, whatever
from server.access.attempts import Attempts
from server.access.audit import Audit
from server.access.keyring import Keyring
from server.access.own_password import OwnPassword
from server.access.principal import Principal
from server.access.qr import drawn
from server.access.reach import check_over
from server.access.throttle import Throttle
from server.access.tokens import fingerprint
from server.clock import Clock
from server.errors import Conflict, Invalid, NotFound
from server.store import own_account, users
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.tables import User

ISSUER = "Rollcall"
STEP_S = 30
SKEW_STEPS = 1
RECOVERY_CODES = 10
PER_USER = 5
WINDOW_S = 900
_GAPS = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class NewFactor:
    """What an authenticator app takes in: the secret to type, the address it is part of, and that as a picture."""

    secret: str
    uri: str
    svg: str


class SecondFactor:
    """Set up in two steps, so that nobody is locked out by an app that did not take the secret in."""

    def __init__(
        self, store: Store, keyring: Keyring, own_password: OwnPassword, clock: Clock, audit: Audit, attempts: Attempts
    ) -> None:
        self._store = store
        self._box = keyring.box("totp")
        self._own_password = own_password
        self._clock = clock
        self._audit = audit
        self._tries = Throttle(attempts, limit=PER_USER, window_s=WINDOW_S, name="own_code")

    async def begin(self, principal: Principal, current_password: str, actor: Actor = SYSTEM) -> NewFactor:
        """A new secret, not asked for until it is confirmed. Raises Conflict where there is a confirmed one."""
        await self._own_password.check(principal.user_id, current_password)
        secret = pyotp.random_base32()
        async with self._store.transaction() as session:
            user = (await users.get(session, principal.user_id, lock=True)).user
            if user.totp_confirmed_at is not None:
                raise Conflict("There is a second factor already. Remove it first.", code="totp_enabled")
            await own_account.begin_factor(session, user.id, self._box.encrypt(secret.encode()).decode())
            await self._audit.record(session, actor, "user.totp_begun", "users", user.id)
        uri = pyotp.TOTP(secret, name=user.email, issuer=ISSUER).provisioning_uri()
        return NewFactor(secret, uri, await asyncio.to_thread(drawn, uri))

    async def confirm(self, principal: Principal, otp: str, actor: Actor = SYSTEM) -> list[str]:
        """The recovery codes, which are told this once. Raises Conflict, Invalid on `otp`, or TooMany."""
        await self._tries.take(principal.user_id)
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        async with self._store.transaction() as session:
            user = (await users.get(session, principal.user_id, lock=True)).user
            if user.totp_secret is None or user.totp_confirmed_at is not None:
                raise Conflict("There is no second factor to confirm.", code="totp_not_begun")
            step = self._step_of(user, otp)
            if step is None:
                raise _wrong_code()
            hashes = [_hash(user.id, code) for code in codes]
            await own_account.confirm_factor(session, user.id, self._clock.now(), step, hashes)
            await self._audit.record(session, actor, "user.totp_enabled", "users", user.id)
        await self._tries.forget(principal.user_id)
        return codes

    async def remove(self, principal: Principal, current_password: str, otp: str, actor: Actor = SYSTEM) -> None:
        """By the user. Raises NotFound where there is none, Invalid for a wrong password or code, or TooMany."""
        await self._own_password.check(principal.user_id, current_password)
        await self._tries.take(principal.user_id)
        async with self._store.transaction() as session:
            user = (await users.get(session, principal.user_id, lock=True)).user
            if user.totp_confirmed_at is None:
                raise NotFound.of("second factor")
            if not await self.take(session, user, otp):
                raise _wrong_code()
            await self._take_away(session, user, actor)
        await self._tries.forget(principal.user_id)

    async def remove_of(
        self, user_id: str, principal: Principal, actor: Actor = SYSTEM, *, unchanged: Unchanged = whatever
    ) -> None:
        """By an administrator, for somebody who lost it. Raises NotFound, Conflict for one's own, or Forbidden."""
        if user_id == principal.user_id:
            raise Conflict("Remove your own second factor with your password and a code.", code="own_account")
        async with self._store.transaction() as session:
            account = await users.get(session, user_id, lock=True)
            check_over(principal, account)
            unchanged(account.user.updated_at)
            user = account.user
            if user.totp_secret is None:
                raise NotFound.of("second factor")
            await self._take_away(session, user, actor)

    async def take(self, session: AsyncSession, user: User, code: str) -> bool:
        """Uses up a code of the app or a recovery code; whether it was good.

        Within the transaction that holds the user's row, or two could use the same code.
        """
        step = self._step_of(user, code)
        if step is not None:
            await own_account.note_step(session, user.id, step)
            return True
        given = _hash(user.id, code)
        left = [one for one in user.recovery_hashes if not hmac.compare_digest(one, given)]
        if len(left) == len(user.recovery_hashes):
            return False
        await own_account.keep_recovery(session, user.id, left)
        return True

    async def _take_away(self, session: AsyncSession, user: User, actor: Actor) -> None:
        await own_account.remove_factor(session, user.id)
        await self._audit.record(session, actor, "user.totp_removed", "users", user.id)

    def _step_of(self, user: User, code: str) -> int | None:
        """The time step of a code that is good now and was not used; None for any other."""
        if user.totp_secret is None:
            return None
        try:
            secret = self._box.decrypt(user.totp_secret).decode()
        except InvalidToken:  # made with a key that is gone: only a recovery code is left
            return None
        given, totp = _GAPS.sub("", code), pyotp.TOTP(secret, interval=STEP_S)
        now = int(self._clock.now().timestamp()) // STEP_S
        used = -1 if user.totp_last_step is None else user.totp_last_step
        for step in range(max(now - SKEW_STEPS, used + 1), now + SKEW_STEPS + 1):
            if hmac.compare_digest(totp.generate_otp(step).encode(), given.encode(errors="surrogatepass")):
                return step
        return None


def _recovery_code() -> str:
    """80 random bits in four groups: too many to be guessed from a stolen hash."""
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _hash(user_id: str, code: str) -> str:
    return fingerprint(f"{user_id}:{_GAPS.sub('', code).lower()}")


def _wrong_code() -> Invalid:
    return Invalid.field("otp", "otp_wrong", "The code is wrong, or was used before.")
