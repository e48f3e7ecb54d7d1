"""The one door: who is asking, by token, cookie or ticket, and whether they still may."""

from datetime import datetime, timedelta

from server.access.accounts import Accounts
from server.access.memory import ShortMemory
from server.access.pairing import PairingCode, Pairings
from server.access.passwords import Passwords
from server.access.permissions import KIOSK_MAY
from server.access.principal import Principal
from server.access.sessions import SESSION_ENDED, Lifetimes, Sessions, network_of
from server.access.tickets import Tickets
from server.access.tokens import Claims, Tokens, Use, fingerprint
from server.access.views import PairedKiosk, SessionView, SignedIn
from server.clock import Clock
from server.errors import NotAuthenticated
from server.store import kiosks, sessions
from server.store.engine import Store
from server.store.sessions import Standing
from server.store.tables import Kiosk

TOUCH_EVERY = timedelta(minutes=5)


class Access:
    """Lets in, tells who it is, and shows out. `accounts` keeps the users."""

    def __init__(
        self,
        store: Store,
        secret: str,
        clock: Clock,
        *,
        lifetimes: Lifetimes | None = None,
        production: bool = False,
        bcrypt_rounds: int = 12,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lifetimes = lifetimes or Lifetimes()
        self._tokens = Tokens(secret, clock)
        self.passwords = Passwords(rounds=bcrypt_rounds, production=production)
        self._sessions = Sessions(store, self._tokens, self.passwords, clock, self._lifetimes)
        self._standings: ShortMemory[Standing] = ShortMemory(clock)
        self._kiosks: ShortMemory[Kiosk] = ShortMemory(clock)
        self._tickets = Tickets(clock)
        self._pairings = Pairings(clock)
        self.accounts = Accounts(store, self.passwords, clock, self.forget)

    # Signing in and out

    async def login(self, username: str, password: str, user_agent: str = "", address: str = "") -> SignedIn:
        """Raises NotAuthenticated or TooMany."""
        return await self._sessions.login(username, password, user_agent, address)

    async def refresh(self, token: str) -> SignedIn:
        """New tokens for old; raises NotAuthenticated."""
        try:
            return await self._sessions.refresh(token)
        except NotAuthenticated as error:
            if error.code == SESSION_ENDED:  # perhaps just now, by a token used twice
                self.forget()
            raise

    async def logout(self, principal: Principal, refresh_token: str | None = None) -> None:
        """Ends the session that asks, and the one of the refresh token if that is another one of theirs."""
        if principal.session_id is not None:
            await self._sessions.end(principal.session_id)
        if refresh_token:
            await self._sessions.end_by_token(principal.user_id, refresh_token)
        self.forget()

    async def logout_all(self, principal: Principal) -> int:
        """Ends every session of theirs; how many."""
        ended = await self._sessions.end_all(principal.user_id, "logout_all")
        self.forget()
        return ended

    async def sessions(self, principal: Principal) -> list[SessionView]:
        """Where they are signed in, newest first."""
        return await self._sessions.of_user(principal.user_id, principal.session_id)

    async def end_session(self, principal: Principal, session_id: str) -> None:
        """One of their own; raises NotFound."""
        await self._sessions.end_own(principal.user_id, session_id)
        self.forget()

    async def forget_old_sessions(self) -> int:
        """For a job that runs now and then."""
        return await self._sessions.forget_old()

    # Who is asking

    async def by_token(self, token: str) -> Principal:
        """An access token or a kiosk's token; raises NotAuthenticated."""
        claims = self._tokens.read(token, Use.ACCESS, Use.KIOSK)
        principal = await (self._of_kiosk(claims) if claims.use is Use.KIOSK else self._of_session(claims))
        if principal is None:
            raise NotAuthenticated("The session has ended. Sign in again.", code=SESSION_ENDED)
        return principal

    async def by_cookie(self, value: str) -> Principal | None:
        """The browser's session; None where there is none (any more)."""
        cookie_hash = fingerprint(value)
        standing = await self._standings.get(f"cookie:{cookie_hash}", lambda: self._read_by_cookie(cookie_hash))
        if standing is None or not standing.holds(self._clock.now()):
            return None
        return _principal(standing, standing.session.expires_at)

    def ticket(self, principal: Principal) -> tuple[str, int]:
        """For one WebSocket: the ticket, and for how many seconds it is good."""
        return self._tickets.issue(principal), self._tickets.ttl_s

    async def by_ticket(self, ticket: str) -> Principal | None:
        """Once; None where it is not known (any more), or the session has ended since."""
        principal = self._tickets.redeem(ticket)
        return principal if principal is not None and await self.still_valid(principal) else None

    async def still_valid(self, principal: Principal) -> bool:
        """Whether they are still let in as who they were: not ended, not disabled, the same role and permissions.

        At most seconds late: the answer may be from memory.
        """
        if principal.expires_at is not None and principal.expires_at <= self._clock.now():
            return False
        if principal.kiosk_id is not None:
            return await self._kiosk(principal.kiosk_id) is not None
        if principal.session_id is None:
            return False
        standing = await self._standing(principal.session_id)
        if standing is None or not standing.holds(self._clock.now()):
            return False
        now = _principal(standing, principal.expires_at)
        return (now.user_id, now.role, now.permissions) == (principal.user_id, principal.role, principal.permissions)

    async def still_sees(self, principal: Principal, camera_id: str) -> bool:
        """Whether they are still let in, and a kiosk still has this camera. At most seconds late, too."""
        if not await self.still_valid(principal):
            return False
        if principal.kiosk_id is None:
            return True
        kiosk = await self._kiosk(principal.kiosk_id)
        return kiosk is not None and camera_id in kiosk.camera_ids

    def csrf_token(self, principal: Principal) -> str:
        """For the pages of a session; empty for a kiosk, which has no cookie."""
        return self._tokens.csrf(principal.session_id) if principal.session_id else ""

    def csrf_valid(self, principal: Principal, value: str) -> bool:
        return principal.session_id is not None and self._tokens.csrf_fits(principal.session_id, value)

    # Kiosks

    async def pairing_code(self, kiosk_id: str) -> PairingCode:
        """Six digits to type on the screen; raises NotFound."""
        async with self._store.read() as session:
            await kiosks.get(session, kiosk_id)
        return self._pairings.issue(kiosk_id)

    async def pair(self, code: str, address: str = "") -> PairedKiosk:
        """The screen's own token, good until the kiosk is deleted; raises Invalid or TooMany."""
        kiosk_id = self._pairings.redeem(code, network_of(address))
        async with self._store.read() as session:
            kiosk = await kiosks.get(session, kiosk_id)
        expires_at = self._clock.now() + timedelta(seconds=self._lifetimes.kiosk_s)
        return PairedKiosk(
            token=self._tokens.make(Use.KIOSK, kiosk.id, None, expires_at=expires_at),
            kiosk_id=kiosk.id,
            name=kiosk.name,
            camera_ids=tuple(kiosk.camera_ids),
            created_at=kiosk.created_at,
            updated_at=kiosk.updated_at,
        )

    def forget(self) -> None:
        """Call after a change of users, roles or kiosks made elsewhere, so that it counts at once in this process."""
        self._standings.forget()
        self._kiosks.forget()

    # Reading, through the short memory

    async def _of_session(self, claims: Claims) -> Principal | None:
        standing = await self._standing(claims.session_id or "")
        if standing is None or not standing.holds(self._clock.now()) or standing.user.id != claims.subject:
            return None
        return _principal(standing, claims.expires_at)

    async def _of_kiosk(self, claims: Claims) -> Principal | None:
        kiosk = await self._kiosk(claims.subject)
        if kiosk is None:
            return None
        return Principal(
            user_id=kiosk.id, email="", full_name=kiosk.name, role="Kiosk", permissions=KIOSK_MAY, session_id=None,
            expires_at=claims.expires_at, kiosk_id=kiosk.id, camera_ids=frozenset(kiosk.camera_ids),
        )  # fmt: skip

    async def _standing(self, session_id: str) -> Standing | None:
        async def load() -> Standing | None:
            async with self._store.read() as session:
                return await sessions.standing(session, session_id)

        return await self._standings.get(f"session:{session_id}", load)

    async def _read_by_cookie(self, cookie_hash: str) -> Standing | None:
        async with self._store.read() as session:
            standing = await sessions.standing_by_cookie(session, cookie_hash)
        if standing is not None and standing.holds(self._clock.now()):
            await self._touch(standing)
        return standing

    async def _touch(self, standing: Standing) -> None:
        """Keeps "last used" true to some minutes, which is all a list of sessions needs."""
        now, used_at = self._clock.now(), standing.session.last_used_at
        if used_at is None or now - used_at >= TOUCH_EVERY:
            async with self._store.transaction() as session:
                await sessions.note_use(session, standing.session.id, now)

    async def _kiosk(self, kiosk_id: str) -> Kiosk | None:
        async def load() -> Kiosk | None:
            async with self._store.read() as session:
                return await kiosks.find(session, kiosk_id)

        return await self._kiosks.get(kiosk_id, load)


def _principal(standing: Standing, expires_at: datetime | None) -> Principal:
    user, role = standing.user, standing.role
    return Principal(
        user_id=user.id, email=user.email, full_name=user.full_name, role=role.name,
        permissions=frozenset(role.permissions), session_id=standing.session.id, expires_at=expires_at,
    )  # fmt: skip
