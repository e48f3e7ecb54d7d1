"""API keys: for no more than their owner may, shown once, and out at once when they end."""

from datetime import timedelta

import pytest

from server.access.access import Access
from server.access.api_keys import MOST_KEYS
from server.access.permissions import VIEWER_MAY
from server.access.principal import Principal
from server.clock import ManualClock
from server.errors import Conflict, EditedMeanwhile, Forbidden, Invalid, NotAuthenticated, NotFound
from server.store import api_keys
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import ApiKey
from tests.access.noted import noted

PASSWORD = "correct horse"


async def _principal(access: Access, email: str = "admin@example.com") -> Principal:
    return await access.by_token((await access.login(email, PASSWORD)).access_token)


@pytest.fixture
async def ada(access: Access) -> Principal:
    return await _principal(access)


@pytest.fixture
async def olga(access: Access) -> Principal:
    """An operator."""
    await access.accounts.create(email="o@example.com", full_name="Olga", role="Operator", password=PASSWORD)
    return await _principal(access, "o@example.com")


async def test_a_key_lets_in(access: Access, store: Store, ada: Principal, clock: ManualClock) -> None:
    """As its owner, for the permissions it names; the row does not hold what lets in."""
    made = await access.api_keys.create(ada, name="Payroll", permissions=["attendance:read", "people:read"])
    assert made.key.startswith("rck_")
    assert len(made.key) == 4 + 43
    assert made.key.startswith(made.view.prefix)
    who = await access.by_token(made.key, "192.0.2.9")
    assert (who.user_id, who.key_id, who.session_id) == (ada.user_id, made.view.id, None)
    assert who.permissions == {"attendance:read", "people:read"}
    assert access.csrf_token(who) == ""
    async with store.read() as session:
        found = await api_keys.get(session, made.view.id)
    assert made.key not in repr(found)
    assert made.view.prefix == made.key[:12]
    assert (found.key.last_used_at, found.key.last_address) == (clock.now(), "192.0.2.9")
    assert await access.key_name(made.view.id) == "Payroll"


@pytest.mark.parametrize("key", ["rck_", "rck_" + "x" * 43, "rck_é\udcff"])
async def test_an_unknown_key(access: Access, key: str) -> None:
    """Is refused, whatever it looks like."""
    with pytest.raises(NotAuthenticated) as caught:
        await access.by_token(key)
    assert caught.value.code == "key_invalid"


async def test_use_is_noted_now_and_then(access: Access, store: Store, ada: Principal, clock: ManualClock) -> None:
    """At most once a minute, and not as an edit."""
    made = await access.api_keys.create(ada, name="Payroll", permissions=["people:read"])
    used = []
    for address in ("192.0.2.1", "192.0.2.2", ""):
        await access.by_token(made.key, address)
        async with store.read() as session:
            key = (await api_keys.get(session, made.view.id)).key
        used.append((key.last_address, key.last_used_at))
        clock.advance(31)
    first = clock.now() - timedelta(seconds=93)
    assert used == [("192.0.2.1", first), ("192.0.2.1", first), ("192.0.2.1", first + timedelta(seconds=62))]
    assert key.updated_at == made.view.updated_at


async def test_nobody_gives_more_than_they_have(access: Access, olga: Principal) -> None:
    """Each permission that does not exist, or that the maker lacks, is named."""
    with pytest.raises(Invalid) as caught:
        await access.api_keys.create(olga, name="k", permissions=["people:read", "people:fly", "users:manage"])
    assert [(detail.field, detail.code) for detail in caught.value.details] == [
        ("permissions", "unknown_permission"),
        ("permissions", "not_held"),
    ]
    assert "people:fly" in caught.value.details[0].message
    assert "users:manage" in caught.value.details[1].message


async def test_a_key_makes_no_stronger_key(access: Access, ada: Principal) -> None:
    """Neither by making a new one, nor by replacing one that may do more."""
    weak = await access.api_keys.create(ada, name="weak", permissions=["keys:write", "people:read"])
    strong = await access.api_keys.create(ada, name="strong", permissions=["keys:write", "users:manage"])
    program = await access.by_token(weak.key)
    with pytest.raises(Invalid):
        await access.api_keys.create(program, name="k", permissions=["users:manage"])
    with pytest.raises(Forbidden) as caught:
        await access.api_keys.rotate(program, strong.view.id)
    assert caught.value.code == "key_may_more"
    made = await access.api_keys.create(program, name="k", permissions=["people:read"])
    assert made.view.owner == "admin@example.com"
    assert (await access.api_keys.rotate(program, made.view.id)).key != made.key


async def test_the_owner_bounds_the_key(access: Access, olga: Principal) -> None:
    """What the owner's role loses, the key loses; the owner's limits are the key's."""
    made = await access.api_keys.create(olga, name="k", permissions=["people:read", "people:write"])
    before = await access.by_token(made.key)
    await access.accounts.update(
        olga.user_id, email="o@example.com", full_name="Olga", role="Viewer", active=True, camera_ids=[]
    )
    assert not await access.still_valid(before)
    after = await access.by_token(made.key)
    assert after.permissions == {"people:read"} <= VIEWER_MAY
    assert after.only_cameras == frozenset()
    listed = (await access.api_keys.page(olga, Page())).rows[0]
    assert listed.permissions == ("people:read", "people:write")
    assert listed.effective_permissions == ("people:read",)


async def test_a_key_ends(access: Access, store: Store, ada: Principal, olga: Principal, clock: ManualClock) -> None:
    """At its time, when it is removed, and with its owner; who is let in with it may not stay."""
    ends_at = clock.now() + timedelta(hours=1)
    expiring = await access.api_keys.create(olga, name="e", permissions=["people:read"], expires_at=ends_at)
    removed = await access.api_keys.create(olga, name="r", permissions=["people:read"])
    kept = await access.api_keys.create(olga, name="k", permissions=["people:read"])
    principals = [await access.by_token(made.key) for made in (expiring, removed, kept)]
    assert [await access.still_valid(one) for one in principals] == [True] * 3
    await access.api_keys.remove(olga, removed.view.id)
    assert [await access.still_valid(one) for one in principals] == [True, False, True]
    clock.advance(3600)
    assert [await access.still_valid(one) for one in principals] == [False, False, True]
    await access.accounts.update(olga.user_id, email="o@example.com", full_name="O", role="Operator", active=False)
    assert [await access.still_valid(one) for one in principals] == [False] * 3
    for made in (expiring, removed, kept):
        with pytest.raises(NotAuthenticated):
            await access.by_token(made.key)


async def test_a_key_removed_by_another_process(
    access: Access, store: Store, ada: Principal, clock: ManualClock
) -> None:
    """Counts within the three seconds for which this process remembers it."""
    made = await access.api_keys.create(ada, name="k", permissions=["people:read"])
    who = await access.by_token(made.key)
    async with store.transaction() as session:
        await api_keys.remove(session, (await api_keys.get(session, made.view.id)).key)
    clock.advance(3)
    assert not await access.still_valid(who)
    with pytest.raises(NotAuthenticated):
        await access.by_token(made.key)


async def test_rotation(access: Access, ada: Principal) -> None:
    """The old key, who is in with it and its tickets are out at once; name, rights and id stay."""
    made = await access.api_keys.create(ada, name="k", permissions=["people:read"])
    who = await access.by_token(made.key)
    ticket, _ = await access.ticket(who)
    fresh = await access.api_keys.rotate(ada, made.view.id)
    assert (fresh.view.id, fresh.view.name, fresh.view.permissions) == (made.view.id, "k", ("people:read",))
    assert fresh.view.updated_at > made.view.updated_at
    assert not await access.still_valid(who)
    assert await access.by_ticket(ticket) is None
    with pytest.raises(NotAuthenticated):
        await access.by_token(made.key)
    again = await access.by_token(fresh.key)
    ticket, _ = await access.ticket(again)
    assert await access.by_ticket(ticket) == again


async def test_those_of_others(access: Access, ada: Principal, olga: Principal) -> None:
    """With `keys:manage` they are seen and removed, and never replaced; without it they are not even there."""
    hers = await access.api_keys.create(olga, name="Olga's", permissions=["people:read"])
    his = await access.api_keys.create(ada, name="Ada's", permissions=["people:read"])
    assert [view.owner for view in (await access.api_keys.page(olga, Page())).rows] == ["o@example.com"]
    assert (await access.api_keys.page(ada, Page())).total == 2
    for refused in (access.api_keys.remove(olga, his.view.id), access.api_keys.rotate(ada, hers.view.id)):
        with pytest.raises(NotFound) as caught:
            await refused
        assert caught.value.code == "api_key_not_found"
    await access.api_keys.remove(ada, hers.view.id)
    assert (await access.api_keys.page(olga, Page())).total == 0


async def test_what_was_changed_meanwhile(access: Access, ada: Principal) -> None:
    """A condition on the row is asked within the transaction, and leaves it as it is."""
    made = await access.api_keys.create(ada, name="k", permissions=["people:read"])

    def refuse(updated_at: object) -> None:
        assert updated_at == made.view.updated_at
        raise EditedMeanwhile("x")

    for attempt in (access.api_keys.remove, access.api_keys.rotate):
        with pytest.raises(EditedMeanwhile):
            await attempt(ada, made.view.id, unchanged=refuse)
    assert await access.by_token(made.key)


async def test_its_end_is_not_in_the_past(access: Access, ada: Principal, clock: ManualClock) -> None:
    """A key that would never let in is refused."""
    with pytest.raises(Invalid) as caught:
        await access.api_keys.create(ada, name="k", permissions=["people:read"], expires_at=clock.now())
    assert caught.value.details[0].field == "expiresAt"


async def test_not_without_end(access: Access, store: Store, ada: Principal) -> None:
    """Somebody has a hundred keys at most."""
    async with store.transaction() as session:
        for number in range(MOST_KEYS):
            await api_keys.save_key(
                session, ApiKey(name="k", user_id=ada.user_id, prefix="rck_", key_hash=str(number), permissions=[])
            )
    with pytest.raises(Conflict) as caught:
        await access.api_keys.create(ada, name="k", permissions=["people:read"])
    assert caught.value.code == "too_many_keys"


async def test_audited(access: Access, ada: Principal) -> None:
    """Made, replaced, removed; never the key."""
    made = await access.api_keys.create(ada, name="k", permissions=["people:read"])
    fresh = await access.api_keys.rotate(ada, made.view.id)
    await access.api_keys.remove(ada, made.view.id)
    rows = [row for row in await noted(access) if row.resource == "api-keys"]
    assert [row.action for row in rows] == ["api_key.created", "api_key.rotated", "api_key.removed"]
    assert rows[0].after is not None
    assert rows[0].after["permissions"] == ["people:read"]
    assert not any(key in repr(rows) for key in (made.key, fresh.key))
