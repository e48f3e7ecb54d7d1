"""Sessions: one for each signing in, whose refresh token is replaced at every use, until its time is over."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.accounts import Unchanged, whatever
from server.access.audit import Audit
from server.access.tokens import Claims, Tokens, Use, fingerprint
from server.access.views import SessionView, SignedIn, UserView
from server.clock import Clock
from server.errors import NotAuthenticated, NotFound
from server.events.schema import StoredEvent
from server.ids import new_id
from server.store import sessions
from server.store.alerts import Log, raise_alert
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.paging import Page, Paged
from server.store.sessions import Standing
from server.store.tables import Session
from server.store.users import Account

GRACE_S = 10
KEEP_ENDED = timedelta(days=30)
SESSION_ENDED = "session_ended"
NOBODY = Actor("nobody", None, "")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is handed out is good for. `session_s` is the end of all: coming back does not move it."""

    access_s: int = 15 * 60
    refresh_s: int = 14 * 24 * 3600
    session_s: int = 90 * 24 * 3600
    kiosk_s: int = 365 * 24 * 3600

    def hold(self, standing: Standing, now: datetime) -> bool:
        """Whether a session goes on: not ended, not run out, not too old, and its user may still sign in."""
        return standing.holds(now) and now < self.end_of(standing.session)

    def end_of(self, row: Session) -> datetime:
        return row.created_at + timedelta(seconds=self.session_s)


class TokenReused(NotAuthenticated):
    """A refresh token came a second time, and has just ended its session."""

    code = SESSION_ENDED


class Sessions:
    """Opens, refreshes and ends. What ends a session says so in its row, with the reason, and in the audit."""

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        clock: Clock,
        audit: Audit,
        lifetimes: Lifetimes,
        *,
        log: Log | None = None,
        wake: Callable[[Iterable[str]], None] | None = None,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._audit = audit
        self._lifetimes = lifetimes
        self._log = log
        self._wake = wake

    async def open(self, session: AsyncSession, account: Account, origin: Actor) -> SignedIn:
        """A new one, within the transaction of the login."""
        now = self.now()
        session_id, cookie = new_id(), secrets.token_urlsafe(32)
        lasts_s = min(self._lifetimes.refresh_s, self._lifetimes.session_s)
        expires_at = now + timedelta(seconds=lasts_s)
        refresh_token = self._tokens.make(
            Use.REFRESH, account.user.id, session_id, expires_at=expires_at, issued_at=now, token_id=new_id()
        )
        row = Session(
            id=session_id, user_id=account.user.id, refresh_hash=fingerprint(refresh_token),
            cookie_hash=fingerprint(cookie), expires_at=expires_at, user_agent=origin.user_agent[:400],
            address=origin.address[:64], last_used_at=now, created_at=now, updated_at=now,
        )  # fmt: skip
        await sessions.add(session, row)
        return replace(self._answer(account, row, refresh_token), cookie=cookie, cookie_max_age_s=lasts_s)

    async def refresh(self, token: str, origin: Actor = NOBODY) -> SignedIn:
        """New tokens for a refresh token, which then is used up.

        A used one ends the session: somebody has a copy. Only within seconds of its use it gives the same tokens
        again, because two tabs ask at once and answers get lost. Raises NotAuthenticated.
        """
        claims = self._tokens.read(token, Use.REFRESH)
        reported: list[StoredEvent] | None = None
        answer = None
        async with self._store.transaction() as session:
            standing = await sessions.standing(session, claims.session_id or "", lock=True)
            if standing is not None and self._goes_on(standing, claims):
                answer = await self._rotate(session, standing, claims, fingerprint(token), origin)
                if answer is None:
                    reported = await self._end_reused(session, standing, origin)
        # Raised after the transaction, which has ended the session.
        if reported is not None:
            if reported and self._wake is not None:
                self._wake({event.topic for event in reported})
            raise TokenReused("The session has ended. Sign in again.")
        if answer is None:
            raise NotAuthenticated("The session has ended. Sign in again.", code=SESSION_ENDED)
        return answer

    async def end(self, session_id: str, actor: Actor = SYSTEM, reason: str = "logout") -> None:
        """Ends one; one that is not there or has ended is left as it is."""
        async with self._store.transaction() as session:
            standing = await sessions.standing(session, session_id, lock=True)
            if standing is not None:
                await self._end(session, standing, actor, reason)

    async def end_by_token(self, user_id: str, token: str, actor: Actor = SYSTEM) -> None:
        """Ends the session of a refresh token if it is this user's. A token that is not good is as good as ended."""
        try:
            claims = self._tokens.read(token, Use.REFRESH)
        except NotAuthenticated:
            return
        if claims.subject == user_id and claims.session_id is not None:
            await self.end(claims.session_id, actor)

    async def end_all(self, user_id: str, actor: Actor = SYSTEM, *, besides: str | None = None) -> int:
        """Ends all of a user's, but one; how many."""
        async with self._store.transaction() as session:
            ended = await sessions.end_all_of(session, user_id, self._clock.now(), "logout_all", besides=besides)
            await self._audit.record(session, actor, "session.logout_all", "users", user_id, after={"ended": ended})
        return len(ended)

    async def end_own(
        self, user_id: str, session_id: str, actor: Actor = SYSTEM, *, unchanged: Unchanged = whatever
    ) -> None:
        """Ends one of a user's own; raises NotFound for one of somebody else."""
        async with self._store.transaction() as session:
            standing = await sessions.standing(session, session_id, lock=True)
            if standing is None or standing.user.id != user_id:
                raise NotFound.of("session")
            unchanged(standing.session.updated_at)
            await self._end(session, standing, actor, "ended_by_user")

    async def page(self, user_id: str, current_id: str | None, wanted: Page) -> Paged[SessionView]:
        """Those that still hold, newest first unless asked otherwise."""
        now = self._clock.now()
        oldest = now - timedelta(seconds=self._lifetimes.session_s)
        async with self._store.read() as session:
            found = await sessions.page(session, wanted, user_id, now, oldest)
        return found.map(lambda row: SessionView.of(row, current_id))

    async def forget_old(self) -> int:
        """Deletes what ended long ago; how many. For a job that runs now and then."""
        async with self._store.transaction() as session:
            return await sessions.forget_old(session, self._clock.now() - KEEP_ENDED)

    def now(self) -> datetime:
        """In whole seconds, as tokens count."""
        return datetime.fromtimestamp(int(self._clock.now().timestamp()), UTC)

    def _goes_on(self, standing: Standing, claims: Claims) -> bool:
        return self._lifetimes.hold(standing, self.now()) and standing.user.id == claims.subject

    async def _rotate(
        self, session: AsyncSession, standing: Standing, claims: Claims, token_hash: str, origin: Actor
    ) -> SignedIn | None:
        """Inside the transaction that holds the session's row; None for a token that was used before."""
        row, now = standing.session, self.now()
        account = Account(standing.user, standing.role)
        if token_hash == row.refresh_hash:
            row.previous_refresh_hash, row.rotated_at, row.last_used_at = token_hash, now, now
            row.expires_at = min(now + timedelta(seconds=self._lifetimes.refresh_s), self._lifetimes.end_of(row))
            row.address, row.user_agent = origin.address[:64] or row.address, origin.user_agent[:400] or row.user_agent
            successor = self._successor(row, claims, self._tokens.kids[0])
            row.refresh_hash = fingerprint(successor)
            session.add(row)
            return self._answer(account, row, successor)
        recent = row.rotated_at is not None and now - row.rotated_at <= timedelta(seconds=GRACE_S)
        if token_hash == row.previous_refresh_hash and recent:
            # The key may have been changed since: which one made it is told by what is stored of it.
            made = (self._successor(row, claims, kid) for kid in self._tokens.kids)
            again = next((token for token in made if fingerprint(token) == row.refresh_hash), None)
            return self._answer(account, row, again) if again is not None else None
        return None

    async def _end_reused(self, session: AsyncSession, standing: Standing, origin: Actor) -> list[StoredEvent]:
        """Ends the family, and tells those who look after the site."""
        row, user, now = standing.session, standing.user, self._clock.now()
        await sessions.end(session, row, now, "refresh_reused")
        who = replace(origin, kind="nobody", id=None, name=user.email)
        await self._audit.record(
            session, who, "session.refresh_reused", "sessions", row.id,
            after={"user_id": user.id, "signed_in_from": row.address},
        )  # fmt: skip
        if self._log is None:
            return []
        message = f"A refresh token of {user.email} was used twice: somebody may have a copy. The session has ended."
        return await raise_alert(
            session, self._log, kind="refresh_token_reused", severity="critical", subject=f"users/{user.id}",
            message=message, at=now,
        )  # fmt: skip

    async def _end(self, session: AsyncSession, standing: Standing, actor: Actor, reason: str) -> None:
        row = standing.session
        if row.ended_at is None:
            await sessions.end(session, row, self._clock.now(), reason)
            action = "session.logout" if reason == "logout" else "session.ended"
            after = {"user_id": standing.user.id, "reason": reason}
            await self._audit.record(session, actor, action, "sessions", row.id, after=after)

    def _successor(self, row: Session, claims: Claims, kid: str) -> str:
        """Made from the row and the token before it alone, so that it can be given out again within the grace."""
        return self._tokens.make(
            Use.REFRESH, row.user_id, row.id, expires_at=row.expires_at, issued_at=row.rotated_at,
            token_id=self._tokens.successor_id(claims.token_id, kid), kid=kid,
        )  # fmt: skip

    def _answer(self, account: Account, row: Session, refresh_token: str) -> SignedIn:
        """No access token outlives its session."""
        now = self._clock.now()
        expires_at = min(now + timedelta(seconds=self._lifetimes.access_s), row.expires_at)
        access_token = self._tokens.make(Use.ACCESS, account.user.id, row.id, expires_at=expires_at)
        return SignedIn(
            access_token=access_token, refresh_token=refresh_token, user=UserView.of(account), session_id=row.id,
            expires_in=int((expires_at - now).total_seconds()),
        )  # fmt: skip
