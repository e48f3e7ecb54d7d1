"""Users as an administrator keeps them, and what users change about themselves."""

import re
from collections.abc import Callable

from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.passwords import Passwords
from server.access.permissions import ADMIN, ROLES
from server.access.principal import Principal
from server.access.views import UserView
from server.clock import Clock
from server.errors import Conflict, Forbidden, Invalid
from server.store import seed, sessions, users
from server.store.engine import Store
from server.store.paging import Page, Paged
from server.store.tables import User
from server.store.users import Account

MAX_EMAIL = 254
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[\w-]+(\.[\w-]+)*")


class Accounts:
    """Makes, changes and removes users. There is always somebody left who may do so."""

    def __init__(self, store: Store, passwords: Passwords, clock: Clock, on_change: Callable[[], None]) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._on_change = on_change

    async def seed(self) -> None:
        """The built-in roles; no harm where they are."""
        async with self._store.transaction() as session:
            changed = await seed.seed_roles(session, ROLES)
        if changed:
            self._on_change()

    async def first_admin(self, email: str, full_name: str, password: str) -> UserView | None:
        """Somebody to begin with; None where there is an administrator already."""
        address, password_hash = check_email(email), await self._passwords.hash(password)
        async with self._store.transaction() as session:
            user = await seed.seed_admin(
                session, email=address, full_name=full_name, password_hash=password_hash, role_name=ADMIN
            )
            return UserView.of(await users.get(session, user.id)) if user else None

    async def get(self, user_id: str) -> UserView:
        """Raises NotFound."""
        async with self._store.read() as session:
            return UserView.of(await users.get(session, user_id))

    async def page(self, wanted: Page, *, role: str | None = None, active: bool | None = None) -> Paged[UserView]:
        async with self._store.read() as session:
            found = await users.page(session, wanted, role=role, active=active)
        return found.map(UserView.of)

    async def create(self, *, email: str, full_name: str, role: str, password: str, active: bool = True) -> UserView:
        """Raises Invalid for what cannot be, Conflict where the address is taken."""
        address, password_hash = check_email(email), await self._passwords.hash(password)
        async with self._store.transaction() as session:
            found = await users.get_role(session, role)
            user = User(
                email=address, full_name=full_name, role_id=found.id, password_hash=password_hash, active=active
            )
            return UserView.of(Account(await users.save_user(session, user), found))

    async def update(self, user_id: str, *, email: str, full_name: str, role: str, active: bool) -> UserView:
        """All of it at once. Whoever may no longer sign in is signed out."""
        address = check_email(email)
        async with self._store.transaction() as session:
            account = await users.get(session, user_id)
            found = await users.get_role(session, role)
            if account.role.name == ADMIN and account.user.active and not (active and role == ADMIN):
                await self._keep_an_admin(session, user_id)
            user = account.user
            user.email, user.full_name, user.role_id, user.active = address, full_name, found.id, active
            await users.save_user(session, user)
            if not active:
                await sessions.end_all_of(session, user_id, self._clock.now(), "user_disabled")
        self._on_change()
        return UserView.of(Account(user, found))

    async def rename(self, principal: Principal, full_name: str) -> UserView:
        """What users may change of themselves without an administrator."""
        async with self._store.transaction() as session:
            account = await self._own(session, principal)
            account.user.full_name = full_name
            await users.save_user(session, account.user)
        self._on_change()
        return UserView.of(account)

    async def remove(self, user_id: str, principal: Principal) -> None:
        """With all sessions of theirs. Nobody removes themselves, nor the last administrator."""
        if principal.user_id == user_id:
            raise Conflict("You cannot remove yourself.", code="own_account")
        async with self._store.transaction() as session:
            account = await users.get(session, user_id)
            if account.role.name == ADMIN and account.user.active:
                await self._keep_an_admin(session, user_id)
            await users.remove(session, account.user)
        self._on_change()

    async def set_password(self, user_id: str, new: str) -> None:
        """By an administrator: ends every session of the user."""
        password_hash = await self._passwords.hash(new, "newPassword")
        async with self._store.transaction() as session:
            account = await users.get(session, user_id)
            account.user.password_hash = password_hash
            await users.save_user(session, account.user)
            await sessions.end_all_of(session, user_id, self._clock.now(), "password_changed")
        self._on_change()

    async def change_password(self, principal: Principal, current: str, new: str) -> None:
        """By the user: ends every session but the one that asks. Raises Invalid where the current one is wrong."""
        self._passwords.check_new(new, "newPassword")
        async with self._store.read() as session:
            account = await self._own(session, principal)
        fits, _ = await self._passwords.verify(current, account.user.password_hash)
        if not fits:
            raise Invalid.field("currentPassword", "wrong_password", "The current password is wrong.")
        password_hash = await self._passwords.hash(new, "newPassword")
        async with self._store.transaction() as session:
            account = await self._own(session, principal)
            account.user.password_hash = password_hash
            await users.save_user(session, account.user)
            await sessions.end_all_of(
                session, principal.user_id, self._clock.now(), "password_changed", besides=principal.session_id
            )
        self._on_change()

    async def _own(self, session: AsyncSession, principal: Principal) -> Account:
        if principal.kiosk_id is not None:
            raise Forbidden("A kiosk has no account.")
        return await users.get(session, principal.user_id)

    async def _keep_an_admin(self, session: AsyncSession, user_id: str) -> None:
        if not await users.count_active(session, ADMIN, besides=user_id):
            raise Conflict("This is the last administrator who can sign in.", code="last_admin")


def check_email(email: str) -> str:
    """In lower case; raises Invalid. Only the form counts: a site's own network has names that no registry knows."""
    address = email.strip().lower()
    if len(address) > MAX_EMAIL or not EMAIL.fullmatch(address):
        raise Invalid.field("email", "invalid_email", "This is not an email address.")
    return address
