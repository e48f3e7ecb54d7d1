"""API keys: shown once, stored as a hash, and never good for more than their owner is."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from server.access.accounts import Unchanged, whatever
from server.access.audit import Audit
from server.access.permissions import ALL
from server.access.principal import Principal
from server.access.tokens import fingerprint
from server.clock import Clock
from server.errors import Conflict, Detail, Forbidden, Invalid
from server.store import api_keys, users
from server.store.api_keys import KeyStanding
from server.store.audit import SYSTEM, Actor
from server.store.engine import Store
from server.store.paging import Page, Paged
from server.store.tables import ApiKey

BEGINNING = "rck_"
PREFIX_LENGTH = 12
MOST_KEYS = 100
MANAGE = "keys:manage"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key, without what lets in. `permissions` are what it was made for."""

    id: str
    name: str
    prefix: str
    user_id: str
    owner: str
    permissions: tuple[str, ...]
    effective_permissions: tuple[str, ...]  # what it may do now
    expires_at: datetime | None
    last_used_at: datetime | None
    last_address: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, standing: KeyStanding) -> "KeyView":
        key = standing.key
        return cls(
            id=key.id, name=key.name, prefix=key.prefix, user_id=key.user_id, owner=standing.user.email,
            permissions=tuple(sorted(key.permissions)), effective_permissions=tuple(sorted(standing.permissions)),
            expires_at=key.expires_at, last_used_at=key.last_used_at, last_address=key.last_address,
            created_at=key.created_at, updated_at=key.updated_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewKey:
    """The only time that the key itself is told."""

    key: str
    view: KeyView


class ApiKeys:
    """Makes, replaces and removes keys. Everybody looks after their own; `keys:manage` is for those of others."""

    def __init__(self, store: Store, clock: Clock, audit: Audit, on_change: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit
        self._on_change = on_change

    async def page(self, principal: Principal, wanted: Page) -> Paged[KeyView]:
        """One's own; with `keys:manage` everybody's."""
        async with self._store.read() as session:
            found = await api_keys.page(session, wanted, owner_id=_limited_to(principal))
        return found.map(KeyView.of)

    async def create(
        self,
        principal: Principal,
        *,
        name: str,
        permissions: Collection[str],
        expires_at: datetime | None = None,
        actor: Actor = SYSTEM,
    ) -> NewKey:
        """For whoever asks, and for no more than they may. Raises Invalid, or Conflict where there are too many."""
        _check_permissions(permissions, principal.permissions)
        if expires_at is not None and expires_at <= self._clock.now():
            raise Invalid.field("expiresAt", "in_the_past", "A key cannot end before it begins.")
        own_end = principal.key_expires_at
        if own_end is not None and (expires_at is None or expires_at > own_end):
            raise Invalid.field("expiresAt", "outlives_its_maker", "A key makes none that outlives it.")
        shown, now = _make(), self._clock.now()
        async with self._store.transaction() as session:
            account = await users.get(session, principal.user_id)
            if await api_keys.count_of(session, account.user.id) >= MOST_KEYS:
                raise Conflict(f"Nobody has more than {MOST_KEYS} keys.", code="too_many_keys")
            key = ApiKey(
                name=name, user_id=account.user.id, prefix=shown[:PREFIX_LENGTH], key_hash=fingerprint(shown),
                permissions=sorted(set(permissions)), expires_at=expires_at, created_at=now, updated_at=now,
            )  # fmt: skip
            await api_keys.save_key(session, key)
            view = KeyView.of(KeyStanding(key, account.user, account.role))
            await self._audit.record(session, actor, "api_key.created", "api-keys", key.id, after=_told(view))
        return NewKey(shown, view)

    async def rotate(
        self,
        principal: Principal,
        key_id: str,
        *,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> NewKey:
        """Another key in its place; the old one is good for nothing from then on.

        Of one's own only: whoever replaced a stranger's key would act in that stranger's name. Raises NotFound, or
        Forbidden for a key that may do more than whoever asks.
        """
        shown = _make()
        async with self._store.transaction() as session:
            found = await api_keys.get(session, key_id, owner_id=principal.user_id, lock=True)
            if not found.permissions <= principal.permissions:
                raise Forbidden("This key may do more than you may.", code="key_may_more")
            unchanged(found.key.updated_at)
            key = found.key
            key.prefix, key.key_hash = shown[:PREFIX_LENGTH], fingerprint(shown)
            await api_keys.save_key(session, key)
            view = KeyView.of(found)
            await self._audit.record(session, actor, "api_key.rotated", "api-keys", key.id, after=_told(view))
        self._on_change()
        return NewKey(shown, view)

    async def remove(
        self,
        principal: Principal,
        key_id: str,
        *,
        actor: Actor = SYSTEM,
        unchanged: Unchanged = whatever,
    ) -> None:
        """One's own, or with `keys:manage` anybody's. Raises NotFound."""
        async with self._store.transaction() as session:
            found = await api_keys.get(session, key_id, owner_id=_limited_to(principal), lock=True)
            unchanged(found.key.updated_at)
            before = _told(KeyView.of(found))
            await api_keys.remove(session, found.key)
            await self._audit.record(session, actor, "api_key.removed", "api-keys", key_id, before=before)
        self._on_change()


def _limited_to(principal: Principal) -> str | None:
    return None if principal.may(MANAGE) else principal.user_id


def _make() -> str:
    return BEGINNING + secrets.token_urlsafe(32)


def _check_permissions(wanted: Collection[str], held: frozenset[str]) -> None:
    """Raises Invalid, naming each that does not exist or that whoever asks does not have."""
    details = [
        Detail("permissions", "unknown_permission", f"There is no permission {name}.")
        if name not in ALL
        else Detail("permissions", "not_held", f"You do not have the permission {name} yourself.")
        for name in dict.fromkeys(wanted)
        if name not in held
    ]
    if details:
        raise Invalid(" ".join(detail.message for detail in details)[:500], details=tuple(details))


def _told(view: KeyView) -> dict[str, object]:
    """What the audit says of a key."""
    return {
        "name": view.name, "prefix": view.prefix, "owner": view.owner, "permissions": list(view.permissions),
        "expires_at": view.expires_at,
    }  # fmt: skip
