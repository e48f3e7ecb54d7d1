"""Signing in and out: one session a login, whose refresh token is replaced at every use."""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.passwords import Passwords
from server.access.throttle import Throttle
from server.access.tokens import Claims, Tokens, Use, fingerprint
from server.access.views import SessionView, SignedIn, UserView
from server.clock import Clock
from server.errors import NotAuthenticated, NotFound
from server.ids import new_id
from server.store import sessions, users
from server.store.engine import Store
from server.store.sessions import Standing
from server.store.tables import Session
from server.store.users import Account

GRACE_S = 10
WINDOW_S = 300
PER_ACCOUNT = 10
PER_ADDRESS = 50
KEEP_ENDED = timedelta(days=30)
SESSION_ENDED = "session_ended"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is handed out is good for."""

    access_s: int = 15 * 60
    refresh_s: int = 14 * 24 * 3600
    kiosk_s: int = 365 * 24 * 3600


class Sessions:
    """Logs in, refreshes and logs out. What ends a session says so in its row, with the reason."""

    def __init__(
        self, store: Store, tokens: Tokens, passwords: Passwords, clock: Clock, lifetimes: Lifetimes | None = None
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._passwords = passwords
        self._clock = clock
        self._lifetimes = lifetimes or Lifetimes()
        self._by_account = Throttle(clock, limit=PER_ACCOUNT, window_s=WINDOW_S)
        self._by_address = Throttle(clock, limit=PER_ADDRESS, window_s=WINDOW_S)

    async def login(self, username: str, password: str, user_agent: str = "", address: str = "") -> SignedIn:
        """A new session. Raises NotAuthenticated, in words that do not tell whether the user exists, or TooMany."""
        account_key, address_key = username.strip().lower()[:254], network_of(address)
        self._by_address.take(address_key)
        self._by_account.take(account_key)
        async with self._store.read() as session:
            account = await users.find_by_email(session, username)
        fits, fresh_hash = await self._passwords.verify(password, account.user.password_hash if account else None)
        if account is None or not fits or not account.user.active:
            raise _wrong()
        self._by_account.forget(account_key)
        self._by_address.give_back(address_key)
        return await self._open(account, fresh_hash, user_agent, address)

    async def refresh(self, token: str) -> SignedIn:
        """New tokens for a refresh token, which then is used up.

        A used one ends the session: somebody has a copy. Only within seconds of its use it gives the same tokens
        again, because two tabs ask at once and answers get lost. Raises NotAuthenticated.
        """
        claims = self._tokens.read(token, Use.REFRESH)
        async with self._store.transaction() as session:
            standing = await sessions.standing(session, claims.session_id or "", lock=True)
            answer = await self._rotate(session, standing, claims, fingerprint(token)) if standing else None
        # Raised after the transaction, which may have ended the session.
        if answer is None:
            raise NotAuthenticated("The session has ended. Sign in again.", code=SESSION_ENDED)
        return answer

    async def end(self, session_id: str, reason: str = "logout") -> None:
        """Ends one; one that is not there or has ended is left as it is."""
        async with self._store.transaction() as session:
            standing = await sessions.standing(session, session_id, lock=True)
            if standing is not None:
                await sessions.end(session, standing.session, self._clock.now(), reason)

    async def end_by_token(self, user_id: str, token: str) -> None:
        """Ends the session of a refresh token if it is this user's. A token that is not good is as good as ended."""
        try:
            claims = self._tokens.read(token, Use.REFRESH)
        except NotAuthenticated:
            return
        if claims.subject == user_id and claims.session_id is not None:
            await self.end(claims.session_id)

    async def end_all(self, user_id: str, reason: str, *, besides: str | None = None) -> int:
        """Ends all of a user's, but one; how many."""
        async with self._store.transaction() as session:
            return len(await sessions.end_all_of(session, user_id, self._clock.now(), reason, besides=besides))

    async def end_own(self, user_id: str, session_id: str) -> None:
        """Ends one of a user's own; raises NotFound for one of somebody else."""
        async with self._store.transaction() as session:
            standing = await sessions.standing(session, session_id, lock=True)
            if standing is None or standing.user.id != user_id:
                raise NotFound.of("session")
            await sessions.end(session, standing.session, self._clock.now(), "ended_by_user")

    async def of_user(self, user_id: str, current_id: str | None) -> list[SessionView]:
        """Those that still hold, newest first."""
        async with self._store.read() as session:
            rows = await sessions.open_of_user(session, user_id, self._clock.now())
        return [SessionView.of(row, current_id) for row in rows]

    async def forget_old(self) -> int:
        """Deletes what ended long ago; how many. For a job that runs now and then."""
        async with self._store.transaction() as session:
            return await sessions.forget_old(session, self._clock.now() - KEEP_ENDED)

    async def _open(self, account: Account, fresh_hash: str | None, user_agent: str, address: str) -> SignedIn:
        now = self._now()
        session_id, cookie = new_id(), secrets.token_urlsafe(32)
        expires_at = now + timedelta(seconds=self._lifetimes.refresh_s)
        refresh_token = self._tokens.make(
            Use.REFRESH, account.user.id, session_id, expires_at=expires_at, issued_at=now, token_id=new_id()
        )
        row = Session(
            id=session_id, user_id=account.user.id, refresh_hash=fingerprint(refresh_token),
            cookie_hash=fingerprint(cookie), expires_at=expires_at, user_agent=user_agent[:400], address=address[:64],
            last_used_at=now, created_at=now, updated_at=now,
        )  # fmt: skip
        async with self._store.transaction() as session:
            current = await users.find(session, account.user.id)
            if current is None or not current.user.active:
                raise _wrong()
            if current.user.password_hash != account.user.password_hash:  # changed while it was being checked
                raise _wrong()
            await users.note_login(session, current.user.id, now, fresh_hash)
            await sessions.add(session, row)
        return self._answer(current, row, refresh_token, cookie)

    async def _rotate(
        self, session: AsyncSession, standing: Standing, claims: Claims, token_hash: str
    ) -> SignedIn | None:
        """Inside the transaction that holds the session's row."""
        row, now = standing.session, self._now()
        if not standing.holds(now) or standing.user.id != claims.subject:
            return None
        account = Account(standing.user, standing.role)
        if token_hash == row.refresh_hash:
            row.previous_refresh_hash, row.rotated_at, row.last_used_at = token_hash, now, now
            row.expires_at = now + timedelta(seconds=self._lifetimes.refresh_s)
            successor = self._successor(row, claims)
            row.refresh_hash = fingerprint(successor)
            session.add(row)
            return self._answer(account, row, successor)
        recent = row.rotated_at is not None and now - row.rotated_at <= timedelta(seconds=GRACE_S)
        if token_hash == row.previous_refresh_hash and recent:
            return self._answer(account, row, self._successor(row, claims))
        await sessions.end(session, row, now, "refresh_reused")
        return None

    def _successor(self, row: Session, claims: Claims) -> str:
        """Made from the row and the token before it alone, so that it can be given out again within the grace."""
        return self._tokens.make(
            Use.REFRESH, row.user_id, row.id, expires_at=row.expires_at, issued_at=row.rotated_at,
            token_id=self._tokens.successor_id(claims.token_id),
        )  # fmt: skip

    def _answer(self, account: Account, row: Session, refresh_token: str, cookie: str | None = None) -> SignedIn:
        lifetime_s = self._lifetimes.access_s
        access_token = self._tokens.make(
            Use.ACCESS, account.user.id, row.id, expires_at=self._clock.now() + timedelta(seconds=lifetime_s)
        )
        return SignedIn(
            access_token=access_token, refresh_token=refresh_token, expires_in=lifetime_s, user=UserView.of(account),
            session_id=row.id, cookie=cookie, cookie_max_age_s=self._lifetimes.refresh_s if cookie else 0,
        )  # fmt: skip

    def _now(self) -> datetime:
        """In whole seconds, as tokens count."""
        return datetime.fromtimestamp(int(self._clock.now().timestamp()), UTC)


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
