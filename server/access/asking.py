"""Who is asking, by token, cookie, key or ticket, and whether they are still let in: through a short memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from server.access.memory import ShortMemory
from server.access.permissions import KIOSK_MAY
from server.access.principal import Principal
from server.access.sessions import SESSION_ENDED, Lifetimes
from server.access.tickets import Admitted
from server.access.tokens import Claims, Tokens, Use, fingerprint
from server.clock import Clock
from server.errors import NotAuthenticated
from server.store import api_keys, kiosks, sessions
from server.store.api_keys import KeyStanding
from server.store.engine import Store
from server.store.sessions import Standing
from server.store.tables import Kiosk

SESSION_KEY = "session:"
TOUCH_SESSION_EVERY = timedelta(minutes=5)
TOUCH_KEY_EVERY = timedelta(minutes=1)


class Asking:
    """Answers are at most seconds old; `forget` makes them as new as the database."""

    def __init__(self, store: Store, tokens: Tokens, clock: Clock, lifetimes: Lifetimes) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._lifetimes = lifetimes
        # More than are ever connected at once: going round among them is not to push out what comes next.
        self._standings: ShortMemory[Standing] = ShortMemory(clock, max_items=32_768)
        self._keys: ShortMemory[KeyStanding] = ShortMemory(clock)
        self._kiosks: ShortMemory[Kiosk] = ShortMemory(clock)

    def forget(self) -> None:
        self._standings.forget()
        self._keys.forget()
        self._kiosks.forget()

    async def by_token(self, token: str) -> Principal:
        """An access token or a kiosk's token; raises NotAuthenticated."""
        claims = self._tokens.read(token, Use.ACCESS, Use.KIOSK)
        principal = await (
            self._of_kiosk(claims.subject, claims.expires_at) if claims.use is Use.KIOSK else self._of_session(claims)
        )
        if principal is None:
            raise NotAuthenticated("The session has ended. Sign in again.", code=SESSION_ENDED)
        return principal

    async def by_key(self, key: str, address: str = "") -> Principal:
        """An API key; raises NotAuthenticated. `address` is kept as the one that used it last."""
        key_hash = fingerprint(key)

        async def load() -> KeyStanding | None:
            async with self._store.read() as session:
                found = await api_keys.find_by_hash(session, key_hash)
            if found is not None and found.holds(self._clock.now()):
                await self._touch_key(found, address)
            return found

        standing = await self._keys.get(f"hash:{key_hash}", load)
        if standing is None or not standing.holds(self._clock.now()):
            raise NotAuthenticated("This key is not valid, or not any more.", code="key_invalid")
        return _of_key(standing)

    async def by_cookie(self, value: str) -> Principal | None:
        """The browser's session; None where there is none (any more)."""
        cookie_hash = fingerprint(value)
        standing = await self._standings.get(f"cookie:{cookie_hash}", lambda: self._read_by_cookie(cookie_hash))
        if standing is None or not self._holds(standing):
            return None
        return _of_standing(standing, min(standing.session.expires_at, self._lifetimes.end_of(standing.session)))

    async def by_ticket(self, admitted: Admitted) -> Principal | None:
        """Who came with a ticket, as they are by now."""
        expires_at = admitted["expires_at"]
        if expires_at is not None and expires_at <= self._clock.now():
            return None
        if admitted["kiosk_id"] is not None:
            return await self._of_kiosk(admitted["kiosk_id"], expires_at)
        if admitted["key_id"] is not None:
            key = await self._key(admitted["key_id"])
            if key is None or not key.holds(self._clock.now()) or key.key.key_hash != admitted["key_hash"]:
                return None
            return _of_key(key)
        standing = await self._standing(admitted["session_id"] or "")
        return _of_standing(standing, expires_at) if standing is not None and self._holds(standing) else None

    async def still_valid(self, principal: Principal) -> bool:
        """Whether they are still let in as who they were: not ended, not disabled, the same rights and limits."""
        if principal.expires_at is not None and principal.expires_at <= self._clock.now():
            return False
        if principal.kiosk_id is not None:
            return await self._kiosk(principal.kiosk_id) is not None
        now = await self._as_of_now(principal)
        return now is not None and now.standing == principal.standing

    async def all_still_valid(self, principals: Sequence[Principal]) -> Sequence[bool]:
        """The same of many: the database is asked once for all sessions that are not remembered."""

        async def load(keys: Sequence[str]) -> Mapping[str, Standing]:
            ids = [key.removeprefix(SESSION_KEY) for key in keys]
            async with self._store.read() as session:
                found = await sessions.standings(session, ids)
            return {SESSION_KEY + session_id: standing for session_id, standing in found.items()}

        await self._standings.learn([SESSION_KEY + one.session_id for one in principals if one.session_id], load)
        return [await self.still_valid(one) for one in principals]

    async def still_sees(self, principal: Principal, camera_id: str) -> bool:
        """Whether they are still let in, and a kiosk still has this camera."""
        if not await self.still_valid(principal):
            return False
        if principal.kiosk_id is None:
            return principal.sees_camera(camera_id)
        kiosk = await self._kiosk(principal.kiosk_id)
        return kiosk is not None and camera_id in kiosk.camera_ids

    async def sees_kiosk(self, principal: Principal, kiosk_id: str) -> bool:
        """Whether all cameras of a kiosk are within their limits."""
        kiosk = await self._kiosk(kiosk_id)
        return kiosk is not None and all(principal.sees_camera(camera_id) for camera_id in kiosk.camera_ids)

    async def key_name(self, key_id: str) -> str:
        """What a key is called; empty where it is gone."""
        standing = await self._key(key_id)
        return standing.key.name if standing is not None else ""

    def _holds(self, standing: Standing) -> bool:
        return self._lifetimes.hold(standing, self._clock.now())

    async def _as_of_now(self, principal: Principal) -> Principal | None:
        if principal.key_id is not None:
            key = await self._key(principal.key_id)
            return _of_key(key) if key is not None and key.holds(self._clock.now()) else None
        standing = await self._standing(principal.session_id or "")
        if standing is None or not self._holds(standing):
            return None
        return _of_standing(standing, principal.expires_at)

    async def _of_session(self, claims: Claims) -> Principal | None:
        standing = await self._standing(claims.session_id or "")
        if standing is None or not self._holds(standing) or standing.user.id != claims.subject:
            return None
        return _of_standing(standing, claims.expires_at)

    async def _of_kiosk(self, kiosk_id: str, expires_at: datetime | None) -> Principal | None:
        kiosk = await self._kiosk(kiosk_id)
        if kiosk is None:
            return None
        return Principal(
            user_id=kiosk.id, email="", full_name=kiosk.name, role="Kiosk", permissions=KIOSK_MAY, session_id=None,
            expires_at=expires_at, kiosk_id=kiosk.id, camera_ids=frozenset(kiosk.camera_ids),
        )  # fmt: skip

    async def _standing(self, session_id: str) -> Standing | None:
        async def load() -> Standing | None:
            async with self._store.read() as session:
                return await sessions.standing(session, session_id)

        return await self._standings.get(SESSION_KEY + session_id, load)

    async def _key(self, key_id: str) -> KeyStanding | None:
        async def load() -> KeyStanding | None:
            async with self._store.read() as session:
                return await api_keys.find(session, key_id)

        return await self._keys.get(f"id:{key_id}", load)

    async def _kiosk(self, kiosk_id: str) -> Kiosk | None:
        async def load() -> Kiosk | None:
            async with self._store.read() as session:
                return await kiosks.find(session, kiosk_id)

        return await self._kiosks.get(kiosk_id, load)

    async def _read_by_cookie(self, cookie_hash: str) -> Standing | None:
        async with self._store.read() as session:
            standing = await sessions.standing_by_cookie(session, cookie_hash)
        if standing is not None and self._holds(standing):
            await self._touch_session(standing)
        return standing

    async def _touch_session(self, standing: Standing) -> None:
        """Keeps "last used" true to some minutes, which is all a list of sessions needs."""
        now, used_at = self._clock.now(), standing.session.last_used_at
        if used_at is None or now - used_at >= TOUCH_SESSION_EVERY:
            async with self._store.transaction() as session:
                await sessions.note_use(session, standing.session.id, now)

    async def _touch_key(self, standing: KeyStanding, address: str) -> None:
        now, used_at = self._clock.now(), standing.key.last_used_at
        if used_at is None or now - used_at >= TOUCH_KEY_EVERY:
            async with self._store.transaction() as session:
                await api_keys.note_use(session, standing.key.id, now, address)


def _of_standing(standing: Standing, expires_at: datetime | None) -> Principal:
    user, role = standing.user, standing.role
    return Principal(
        user_id=user.id, email=user.email, full_name=user.full_name, role=role.name,
        permissions=frozenset(role.permissions), session_id=standing.session.id, expires_at=expires_at,
        only_cameras=_only(user.camera_ids), only_departments=_only(user.department_ids),
        must_change_password=user.must_change_password,
    )  # fmt: skip


def _of_key(standing: KeyStanding) -> Principal:
    """Without `expires_at`: an access token that ran out is renewed, a key is not, and its end is an end."""
    key, user, role = standing.key, standing.user, standing.role
    return Principal(
        user_id=user.id, email=user.email, full_name=user.full_name, role=role.name, permissions=standing.permissions,
        session_id=None, expires_at=None, key_id=key.id, key_hash=key.key_hash,
        only_cameras=_only(user.camera_ids), only_departments=_only(user.department_ids),
        must_change_password=user.must_change_password, key_expires_at=key.expires_at,
    )  # fmt: skip


def _only(ids: list[str] | None) -> frozenset[str] | None:
    return None if ids is None else frozenset(ids)
