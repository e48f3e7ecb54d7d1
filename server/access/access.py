"""The one door: lets in, tells who is asking, and shows out. Its parts are opened here, and stand beside it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from server.access.accounts import Accounts, Unchanged, whatever
from server.access.answers import KeptAnswers
from server.access.api_keys import BEGINNING, ApiKeys
from server.access.asking import Asking
from server.access.attempts import Attempts, TableAttempts
from server.access.audit import Audit
from server.access.camera_addresses import CameraAddresses
from server.access.codes import CodeGuard, Codes
from server.access.first_admin import FirstAdmin
from server.access.keyring import Keyring
from server.access.login import Login, network_of
from server.access.one_time import OneTimeCodes
from server.access.own_password import OwnPassword
from server.access.pairing import PairingCode, Pairings
from server.access.passwords import Passwords
from server.access.principal import Principal
from server.access.roles import Roles
from server.access.sessions import NOBODY, Lifetimes, Sessions, TokenReused
from server.access.template_seals import TemplateSeals
from server.access.tickets import Tickets
from server.access.tokens import Tokens, Use
from server.access.totp import SecondFactor
from server.access.views import PairedKiosk, SessionView, SignedIn
from server.access.webhook_seals import WebhookSeals
from server.clock import Clock
from server.store import kiosks
from server.store.alerts import Log
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.paging import Page, Paged


class Access:
    """`accounts` keeps the users, `api_keys` the programs' keys, `totp` second factors, `audit` what was done,
    `answers` what may be asked for again, `addresses` what opens the cameras, `templates` what opens the gallery,
    `codes` the PINs and badges, `code_guard` what slows guessing them, `webhooks` where events are sent and how they
    are signed.

    `log` and `wake` are for the alert about a stolen token; without them it is only in the audit.
    """

    def __init__(
        self,
        store: Store,
        secret: str,
        clock: Clock,
        *,
        lifetimes: Lifetimes | None = None,
        production: bool = False,
        bcrypt_rounds: int = 12,
        previous_secrets: Sequence[str] = (),
        attempts: Attempts | None = None,
        log: Log | None = None,
        wake: Callable[[Iterable[str]], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lifetimes = lifetimes or Lifetimes()
        counted = attempts or TableAttempts(store, clock)
        self.keyring = Keyring((secret, *previous_secrets))
        self.audit = Audit(store, self.keyring, clock)
        self.answers = KeptAnswers(store, self.keyring)
        self.addresses = CameraAddresses(self.keyring)
        self.templates = TemplateSeals(self.keyring)
        self.codes = Codes(self.keyring)
        self.code_guard = CodeGuard(counted)
        self.webhooks = WebhookSeals(self.keyring)
        self.passwords = Passwords(rounds=bcrypt_rounds, production=production)
        self._tokens = Tokens(self.keyring, clock)
        self._asking = Asking(store, self._tokens, clock, self._lifetimes)
        self._own_password = OwnPassword(store, self.passwords, counted)
        self.totp = SecondFactor(store, self.keyring, self._own_password, clock, self.audit, counted)
        self._sessions = Sessions(store, self._tokens, clock, self.audit, self._lifetimes, log=log, wake=wake)
        self._login = Login(store, self.passwords, self.totp, self._sessions, self.audit, counted)
        codes = OneTimeCodes(store, clock, self.keyring)
        self._tickets = Tickets(codes)
        self._pairings = Pairings(codes, counted, clock)
        self.accounts = Accounts(store, self.passwords, clock, self.forget, self.audit)
        self.roles = Roles(store, self.forget, self.audit)
        self.api_keys = ApiKeys(store, clock, self.audit, self.forget)
        self.first_admin = FirstAdmin(store, self.keyring, self.passwords, self.audit, counted)

    # Signing in and out

    async def login(
        self,
        username: str,
        password: str,
        user_agent: str = "",
        address: str = "",
        *,
        otp: str | None = None,
        request_id: str = "",
    ) -> SignedIn:
        """Raises NotAuthenticated or TooMany."""
        origin = Actor("nobody", None, "", address, user_agent, request_id)
        return await self._login.login(username, password, origin, otp=otp)

    async def refresh(self, token: str, origin: Actor = NOBODY) -> SignedIn:
        """New tokens for old; raises NotAuthenticated, and TokenReused where that has ended the session just now."""
        try:
            return await self._sessions.refresh(token, origin)
        except TokenReused:
            self.forget()
            raise

    async def logout(self, principal: Principal, refresh_token: str | None = None, actor: Actor = SYSTEM) -> None:
        """Ends the session that asks, and the one of the refresh token if that is another one of theirs."""
        if principal.session_id is not None:
            await self._sessions.end(principal.session_id, actor)
        if refresh_token:
            await self._sessions.end_by_token(principal.user_id, refresh_token, actor)
        self.forget()

    async def logout_all(self, principal: Principal, actor: Actor = SYSTEM) -> int:
        """Ends every session of theirs; how many."""
        ended = await self._sessions.end_all(principal.user_id, actor)
        self.forget()
        return ended

    async def sessions(self, principal: Principal, wanted: Page | None = None) -> Paged[SessionView]:
        """Where they are signed in, newest first unless asked otherwise."""
        return await self._sessions.page(principal.user_id, principal.session_id, wanted or Page())

    async def end_session(
        self, principal: Principal, session_id: str, actor: Actor = SYSTEM, *, unchanged: Unchanged = whatever
    ) -> None:
        """One of their own; raises NotFound."""
        await self._sessions.end_own(principal.user_id, session_id, actor, unchanged=unchanged)
        self.forget()

    async def change_password(self, principal: Principal, current: str, new: str, actor: Actor = SYSTEM) -> None:
        """Ends every other session of theirs. Raises Invalid, or TooMany for too many wrong ones."""
        async with self._own_password.asking(principal.user_id):
            await self.accounts.change_password(principal, current, new, actor=actor)

    async def forget_old_sessions(self) -> int:
        """For a job that runs now and then."""
        return await self._sessions.forget_old()

    def setup_code(self) -> str:
        """What the first administrator types in, as `rollcall serve` prints it while there is no user."""
        return self.first_admin.code()

    # Who is asking

    async def by_token(self, token: str, address: str = "") -> Principal:
        """An access token, a kiosk's token or an API key; raises NotAuthenticated."""
        if token.startswith(BEGINNING):
            return await self._asking.by_key(token, address)
        return await self._asking.by_token(token)

    async def by_cookie(self, value: str) -> Principal | None:
        """The browser's session; None where there is none (any more)."""
        return await self._asking.by_cookie(value)

    async def ticket(self, principal: Principal) -> tuple[str, int]:
        """For one WebSocket: the ticket, and for how many seconds it is good."""
        return await self._tickets.issue(principal), self._tickets.ttl_s

    async def by_ticket(self, ticket: str) -> Principal | None:
        """Once; None where it is not known (any more), or the session or key has ended since."""
        admitted = await self._tickets.redeem(ticket)
        return await self._asking.by_ticket(admitted) if admitted is not None else None

    async def still_valid(self, principal: Principal) -> bool:
        """Whether they are still let in as who they were: not ended, not disabled, the same rights and limits.

        At most seconds late: the answer may be from memory.
        """
        return await self._asking.still_valid(principal)

    async def all_still_valid(self, principals: Sequence[Principal]) -> Sequence[bool]:
        """The same of many at once."""
        return await self._asking.all_still_valid(principals)

    async def still_sees(self, principal: Principal, camera_id: str) -> bool:
        """Whether they are still let in, and to this camera. At most seconds late, too."""
        return await self._asking.still_sees(principal, camera_id)

    async def sees_kiosk(self, principal: Principal, kiosk_id: str) -> bool:
        """Whether all cameras of a kiosk are within their limits. At most seconds late, too."""
        return await self._asking.sees_kiosk(principal, kiosk_id)

    async def key_name(self, key_id: str) -> str:
        """What the key is called with which a program asks."""
        return await self._asking.key_name(key_id)

    def csrf_token(self, principal: Principal) -> str:
        """For the pages of a session; empty for whoever has no cookie."""
        return self._tokens.csrf(principal.session_id) if principal.session_id else ""

    def csrf_valid(self, principal: Principal, value: str) -> bool:
        return principal.session_id is not None and self._tokens.csrf_fits(principal.session_id, value)

    def forget(self) -> None:
        """Call after a change of users, roles, keys or kiosks made elsewhere, so that it counts at once here."""
        self._asking.forget()

    # Kiosks

    async def pairing_code(self, kiosk_id: str) -> PairingCode:
        """Six digits to type on the screen; raises NotFound."""
        async with self._store.read() as session:
            await kiosks.get(session, kiosk_id)
        return await self._pairings.issue(kiosk_id)

    async def pair(self, code: str, address: str = "") -> PairedKiosk:
        """The screen's own token, good until the kiosk is deleted; raises Invalid or TooMany."""
        kiosk_id = await self._pairings.redeem(code, network_of(address))
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
