"""The first administrator, made in the browser: works exactly once, for whoever reads the server's own screen."""

import base64
import hmac

from server.access.accounts import check_email
from server.access.attempts import Attempts
from server.access.audit import Audit
from server.access.keyring import Keyring
from server.access.login import network_of
from server.access.passwords import Passwords
from server.access.permissions import ADMIN
from server.access.sessions import NOBODY
from server.access.throttle import Throttle
from server.access.views import UserView
from server.errors import Conflict, Forbidden
from server.store import first_user, users
from server.store.audit import Actor
from server.store.engine import Store
from server.store.tables import User
from server.store.users import Account

CODE_LENGTH = 10
PER_ADDRESS = 10
PER_SITE = 100
WINDOW_S = 600


class FirstAdmin:
    """Open while there is no user at all."""

    def __init__(self, store: Store, keyring: Keyring, passwords: Passwords, audit: Audit, attempts: Attempts) -> None:
        self._store = store
        self._keyring = keyring
        self._passwords = passwords
        self._audit = audit
        self._by_address = Throttle(attempts, limit=PER_ADDRESS, window_s=WINDOW_S, name="setup_address")
        self._by_all = Throttle(attempts, limit=PER_SITE, window_s=WINDOW_S, name="setup")

    def code(self) -> str:
        """Known to whoever sees what the server prints at its start: the same in all processes, and after a restart."""
        _, mac = self._keyring.mac("setup", b"first administrator")
        return base64.b32encode(bytes.fromhex(mac)).decode()[:CODE_LENGTH]

    async def needed(self) -> bool:
        async with self._store.read() as session:
            return await first_user.nobody_yet(session)

    async def make(self, code: str, *, email: str, full_name: str, password: str, origin: Actor = NOBODY) -> UserView:
        """Raises Conflict once there is a user, Forbidden for a wrong code, Invalid, or TooMany."""
        if not await self.needed():
            raise _too_late()
        address_key = network_of(origin.address)
        await self._by_address.take(address_key)
        await self._by_all.take("")
        given = "".join(code.split()).replace("-", "").upper()
        if not hmac.compare_digest(self.code().encode(), given.encode(errors="surrogatepass")):
            raise Forbidden("This is not the code that the server has printed.", code="wrong_code")
        await self._by_address.give_back(address_key)
        await self._by_all.give_back("")
        address = check_email(email)
        password_hash = await self._passwords.hash(password, known=(address, full_name))
        async with self._store.transaction() as session:
            role = await first_user.lock_role(session, ADMIN)
            # Asked again under the lock: another request may have been quicker.
            if not await first_user.nobody_yet(session):
                raise _too_late()
            user = User(email=address, full_name=full_name, password_hash=password_hash, role_id=role.id)
            view = UserView.of(Account(await users.save_user(session, user), role))
            await self._audit.record(
                session, origin, "user.first_admin", "users", view.id, after={"email": address, "role": ADMIN}
            )
        return view


def _too_late() -> Conflict:
    return Conflict("Rollcall is set up already. Sign in.", code="already_set_up")
