"""Users as an administrator keeps them, and what users change about themselves."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum

from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.audit import Audit
from server.access.passwords import Passwords
from server.access.permissions import ADMIN, ROLES
from server.access.principal import Principal
from server.access.reach import check_gives, check_limits, check_over
from server.access.views import UserView
from server.clock import Clock
from server.errors import Conflict, Forbidden, Invalid, NotAuthenticated
from server.store import seed, sessions, users
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.paging import Page, Paged
from server.store.tables import User
from server.store.users import Account

MAX_EMAIL = 254
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[\w-]+(\.[\w-]+)*")
RESOURCE = "users"

Unchanged = Callable[[datetime], None]  # raises where a row is no longer the one that was read


class Keep(Enum):
    """Stands for a value that was left out, where None is a value."""

    as_it_is = "as it is"


AS_IT_IS = Keep.as_it_is
Limit = Sequence[str] | Keep | None


def whatever(_updated_at: datetime) -> None:
    """For who does not mind what changed meanwhile."""


class Accounts:
    """Makes, changes and removes users, and notes each change in the audit.

    There is always somebody left who may do so. `by` is who asks: nobody gives more than they have; None is the
    machine's own keeper, who has all.
    """

    def __init__(
        self, store: Store, passwords: Passwords, clock: Clock, on_change: Callable[[], None], audit: Audit
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._on_change = on_change
        self._audit = audit

    async def seed(self, actor: Actor = SYSTEM) -> list[str]:
        """The built-in roles as this version has them; the names of those that changed."""
        try:
            changed = await self._seed(actor)
        except Conflict:  # another process starts at this moment, and was first
            changed = await self._seed(actor)
        if changed:
            self._on_change()
        return changed

    async def _seed(self, actor: Actor) -> list[str]:
        async with self._store.transaction() as session:
            changed = await seed.seed_roles(session, ROLES)
            for name in changed:
                await self._audit.record(
                    session, actor, "role.seeded", "roles", None, after={"name": name, "permissions": ROLES[name]}
                )
        return changed

    async def first_admin(
        self, email: str, full_name: str, password: str, *, unchecked: bool = False, actor: Actor = SYSTEM
    ) -> UserView | None:
        """Somebody to begin with; None where there is an administrator already.

        `unchecked` is for the demo's login, which everybody is to know.
        """
        address = check_email(email)
        password_hash = await self._passwords.hash(password, known=(address, full_name), unchecked=unchecked)
        async with self._store.transaction() as session:
            await users.lock_role(session, ADMIN)
            user = await seed.seed_admin(
                session, email=address, full_name=full_name, password_hash=password_hash, role_name=ADMIN
            )
            if user is None:
                return None
            account = await users.get(session, user.id)
            await self._note(session, actor, "user.created", account)
            return UserView.of(account)

    async def get(self, user_id: str) -> UserView:
        """Raises NotFound."""
        async with self._store.read() as session:
            return UserView.of(await users.get(session, user_id))

    async def page(self, wanted: Page, *, role: str | None = None, active: bool | None = None) -> Paged[UserView]:
        async with self._store.read() as session:
            found = await users.page(session, wanted, role=role, active=active)
        return found.map(UserView.of)

    async def create(
        self,
        *,
        email: str,
        full_name: str,
        role: str,
        password: str,
        active: bool = True,
        camera_ids: Sequence[str] | None = None,
        department_ids: Sequence[str] | None = None,
        by: Principal | None = None,
        actor: Actor = SYSTEM,
    ) -> UserView:
        """Raises Invalid for what cannot be, Conflict where the address is taken."""
        address = check_email(email)
        password_hash = await self._passwords.hash(password, known=(address, full_name))
        async with self._store.transaction() as session:
            found = await users.get_role(session, role)
            await self._check_given(session, by, found.permissions, camera_ids, department_ids)
            user = User(
                email=address, full_name=full_name, role_id=found.id, password_hash=password_hash, active=active,
                camera_ids=_once(camera_ids), department_ids=_once(department_ids),
            )  # fmt: skip
            account = Account(await users.save_user(session, user), found)
            await self._note(session, actor, "user.created", account)
            return UserView.of(account)

    async def update(
        self,
        user_id: str,
        *,
        email: str,
        full_name: str,
        role: str,
        active: bool | None = None,
        camera_ids: Limit = AS_IT_IS,
        department_ids: Limit = AS_IT_IS,
        by: Principal | None = None,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> UserView:
        """What is left out stays. Whoever may no longer sign in is signed out."""
        address = check_email(email)
        async with self._store.transaction() as session:
            account = await self._theirs(session, user_id, by, unchanged)
            before, kept = told(account), _keeps_all(account)
            user, found = account.user, await users.get_role(session, role)
            held = (*(user.camera_ids or ()), *(user.department_ids or ()))
            cameras = user.camera_ids if camera_ids is AS_IT_IS else camera_ids
            departments = user.department_ids if department_ids is AS_IT_IS else department_ids
            await self._check_given(session, by, found.permissions, cameras, departments, held)
            user.email, user.full_name, user.role_id = address, full_name, found.id
            user.active = user.active if active is None else active
            user.camera_ids, user.department_ids = _once(cameras), _once(departments)
            if kept and not _keeps_all(Account(user, found)):
                await self._keep_an_admin(session, user_id)
            await users.save_user(session, user)
            if not user.active:
                await sessions.end_all_of(session, user_id, self._clock.now(), "user_disabled")
            changed = Account(user, found)
            await self._note(session, actor, "user.changed", changed, before)
        self._on_change()
        return UserView.of(changed)

    async def rename(
        self, principal: Principal, full_name: str, *, actor: Actor = SYSTEM, unchanged: Unchanged = whatever
    ) -> UserView:
        """What users may change of themselves without an administrator."""
        async with self._store.transaction() as session:
            account = await self._own(session, principal, lock=True)
            unchanged(account.user.updated_at)
            before = told(account)
            account.user.full_name = full_name
            await users.save_user(session, account.user)
            await self._note(session, actor, "user.changed", account, before)
        self._on_change()
        return UserView.of(account)

    async def remove(
        self,
        user_id: str,
        *,
        by: Principal | None = None,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> None:
        """With all sessions and keys of theirs; what the audit tells of them stays.

        Nobody removes themselves, nor the last administrator.
        """
        if by is not None and by.user_id == user_id:
            raise Conflict("You cannot remove yourself.", code="own_account")
        async with self._store.transaction() as session:
            account = await self._theirs(session, user_id, by, unchanged)
            if _keeps_all(account):
                await self._keep_an_admin(session, user_id)
            await users.remove(session, account.user)
            await self._audit.record(session, actor, "user.removed", RESOURCE, user_id, before=told(account))
        self._on_change()

    async def set_password(
        self,
        user_id: str,
        new: str,
        *,
        by: Principal | None = None,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> None:
        """By an administrator: ends every session of the user, who chooses a new one at the next login."""
        if by is not None and by.user_id == user_id:
            raise Conflict("Use change-password for your own password.", code="own_account")
        async with self._store.read() as session:
            user = (await users.get(session, user_id)).user
        password_hash = await self._passwords.hash(new, "newPassword", (user.email, user.full_name))
        async with self._store.transaction() as session:
            account = await self._theirs(session, user_id, by, unchanged)
            account.user.password_hash, account.user.must_change_password = password_hash, True
            await users.save_user(session, account.user)
            await sessions.end_all_of(session, user_id, self._clock.now(), "password_changed")
            await self._note(session, actor, "user.password_set", account)
        self._on_change()

    async def change_password(self, principal: Principal, current: str, new: str, *, actor: Actor = SYSTEM) -> None:
        """By the user: ends every session but the one that asks. Raises Invalid where the current one is wrong."""
        async with self._store.read() as session:
            account = await self._own(session, principal)
        known, checked = (account.user.email, account.user.full_name), account.user.password_hash
        fits, _ = await self._passwords.verify(current, checked)
        if not fits:
            raise _wrong_password()
        if new == current:
            raise Invalid.field("newPassword", "same_password", "Choose another password than the one you have.")
        password_hash = await self._passwords.hash(new, "newPassword", known)
        async with self._store.transaction() as session:
            account = await self._own(session, principal, lock=True)
            # Somebody may have set another one, or ended the session, while this one was checked.
            if account.user.password_hash != checked:
                raise _wrong_password()
            standing = await sessions.standing(session, principal.session_id or "")
            if standing is None or not standing.holds(self._clock.now()):
                raise NotAuthenticated("The session has ended. Sign in again.", code="session_ended")
            account.user.password_hash, account.user.must_change_password = password_hash, False
            await users.save_user(session, account.user)
            await sessions.end_all_of(
                session, principal.user_id, self._clock.now(), "password_changed", besides=principal.session_id
            )
            await self._note(session, actor, "user.password_changed", account)
        self._on_change()

    async def _own(self, session: AsyncSession, principal: Principal, *, lock: bool = False) -> Account:
        if principal.kiosk_id is not None:
            raise Forbidden("A kiosk has no account.")
        return await users.get(session, principal.user_id, lock=lock)

    async def _theirs(self, session: AsyncSession, user_id: str, by: Principal | None, unchanged: Unchanged) -> Account:
        """Somebody else's account, theirs alone until the transaction ends, as who asks has read it."""
        account = await users.get(session, user_id, lock=True)
        check_over(by, account)
        unchanged(account.user.updated_at)
        return account

    async def _check_given(
        self,
        session: AsyncSession,
        by: Principal | None,
        permissions: Sequence[str],
        camera_ids: Sequence[str] | None,
        department_ids: Sequence[str] | None,
        held: Sequence[str] = (),
    ) -> None:
        check_gives(by, permissions)
        check_limits(by, camera_ids, department_ids)
        await users.check_limits(session, camera_ids, department_ids, held=held)

    async def _keep_an_admin(self, session: AsyncSession, user_id: str) -> None:
        await users.lock_role(session, ADMIN)
        if not await users.count_active(session, ADMIN, besides=user_id):
            raise Conflict("This is the last administrator who can sign in and is not limited.", code="last_admin")

    async def _note(
        self,
        session: AsyncSession,
        actor: Actor,
        action: str,
        account: Account,
        before: dict[str, object] | None = None,
    ) -> None:
        await self._audit.record(session, actor, action, RESOURCE, account.user.id, before=before, after=told(account))


def _wrong_password() -> Invalid:
    return Invalid.field("currentPassword", "wrong_password", "The current password is wrong.")


def _keeps_all(account: Account) -> bool:
    """Whether they can do everything for everybody: one such must be left."""
    user = account.user
    return account.role.name == ADMIN and user.active and user.camera_ids is None and user.department_ids is None


def told(account: Account) -> dict[str, object]:
    """What the audit keeps of a user."""
    user = account.user
    return {
        "email": user.email,
        "full_name": user.full_name,
        "role": account.role.name,
        "active": user.active,
        "must_change_password": user.must_change_password,
        "camera_ids": user.camera_ids,
        "department_ids": user.department_ids,
    }


def check_email(email: str) -> str:
    """In lower case; raises Invalid. Only the form counts: a site's own network has names that no registry knows."""
    address = email.strip().lower()
    if len(address) > MAX_EMAIL or not EMAIL.fullmatch(address):
        raise Invalid.field("email", "invalid_email", "This is not an email address.")
    return address


def _once(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else list(dict.fromkeys(ids))
