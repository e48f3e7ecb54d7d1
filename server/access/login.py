"""Signing in: a password, a second factor where there is one, and the same answer for all who do not get in."""

import ipaddress
from dataclasses import replace

from server.access.attempts import Attempts
from server.access.audit import Audit
from server.access.passwords import Passwords
from server.access.sessions import NOBODY, Sessions
from server.access.throttle import Throttle
from server.access.totp import SecondFactor
from server.access.views import SignedIn
from server.errors import NotAuthenticated
from server.store import users
from server.store.audit import Actor
from server.store.engine import Store
from server.store.users import Account

WINDOW_S = 300
PER_ACCOUNT = 10
PER_ADDRESS = 50
CODE_WINDOW_S = 900
CODES_PER_ACCOUNT = 5


class Login:
    """Attempts are counted by account and by address before anything is checked."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        factor: SecondFactor,
        sessions: Sessions,
        audit: Audit,
        attempts: Attempts,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._factor = factor
        self._sessions = sessions
        self._audit = audit
        self._by_account = Throttle(attempts, limit=PER_ACCOUNT, window_s=WINDOW_S, name="login_account")
        self._by_address = Throttle(attempts, limit=PER_ADDRESS, window_s=WINDOW_S, name="login_address")
        self._by_code = Throttle(attempts, limit=CODES_PER_ACCOUNT, window_s=CODE_WINDOW_S, name="login_code")

    async def login(self, username: str, password: str, origin: Actor = NOBODY, *, otp: str | None = None) -> SignedIn:
        """A new session. Raises NotAuthenticated, in words that do not tell whether the user exists, or TooMany."""
        account_key, address_key = username.strip().lower()[:254], network_of(origin.address)
        await self._by_address.take(address_key)
        await self._by_account.take(account_key)
        async with self._store.read() as session:
            account = await users.find_by_email(session, username)
        fits, fresh_hash = await self._passwords.verify(password, account.user.password_hash if account else None)
        if account is None or not fits or not account.user.active:
            await self._refused(account, origin, "wrong_credentials")
            raise _wrong()
        if account.user.totp_confirmed_at is not None:
            if not otp:
                # Nothing was guessed wrong: asking for the code is a step of every such login.
                await self._by_account.give_back(account_key)
                await self._by_address.give_back(address_key)
                raise NotAuthenticated("Type in the code of your second factor.", code="otp_required")
            await self._by_code.take(account.user.id)
        answer = await self._open(account, fresh_hash, origin, otp or "")
        if answer is None:
            await self._refused(account, origin, "otp_wrong")
            raise NotAuthenticated("The code is wrong, or was used before.", code="otp_wrong")
        await self._by_account.forget(account_key)
        await self._by_address.give_back(address_key)
        if account.user.totp_confirmed_at is not None:
            await self._by_code.forget(account.user.id)
        return answer

    async def _open(self, account: Account, fresh_hash: str | None, origin: Actor, otp: str) -> SignedIn | None:
        """None for a wrong code."""
        async with self._store.transaction() as session:
            current = await users.find(session, account.user.id, lock=True)
            if current is None or not current.user.active:
                raise _wrong()
            if current.user.password_hash != account.user.password_hash:  # changed while it was being checked
                raise _wrong()
            user = current.user
            if user.totp_confirmed_at is not None and not await self._factor.take(session, user, otp):
                return None
            await users.note_login(session, user.id, self._sessions.now(), fresh_hash)
            answer = await self._sessions.open(session, current, origin)
            who = replace(origin, kind="user", id=user.id, name=user.email)
            await self._audit.record(session, who, "session.login", "sessions", answer.session_id)
        return answer

    async def _refused(self, account: Account | None, origin: Actor, reason: str) -> None:
        """Under the address only where it is somebody's: people type their password into the wrong field."""
        name, user_id = (account.user.email, account.user.id) if account else ("", None)
        who = replace(origin, kind="nobody", id=None, name=name)
        async with self._store.transaction() as session:
            await self._audit.record(session, who, "session.login_failed", "users", user_id, after={"reason": reason})


def _wrong() -> NotAuthenticated:
    return NotAuthenticated("The email address or the password is wrong.", code="wrong_credentials")


def network_of(address: str) -> str:
    """Who to throttle: the address, of IPv6 the network of 64 bits that one site has to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
    return str(parsed)
