"""Signings-in."""

from datetime import UTC, datetime

import pytest

from server.store import sessions, users
from server.store.engine import Store
from server.store.paging import Page
from server.store.seed import seed_roles
from server.store.tables import Session, User
from tests.store.conftest import NOON, after

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def rows(store: Store) -> list[Session]:
    """Three sessions of one user: one runs out in ten minutes, one in twenty, one in thirty."""
    async with store.transaction() as session:
        await seed_roles(session, {"Viewer": {"a:read"}})
        role = await users.get_role(session, "Viewer")
        user = await users.save_user(session, User(email="a@b.c", full_name="A", password_hash="x", role_id=role.id))
        return [
            await sessions.add(
                session,
                Session(user_id=user.id, refresh_hash=str(n), cookie_hash=f"c{n}", expires_at=after(10 * n)),
            )
            for n in (1, 2, 3)
        ]


async def test_standing(store: Store, rows: list[Session]) -> None:
    """A session is read with its user and role, by id, locked or not, or by its cookie."""
    async with store.transaction() as session:
        by_id = await sessions.standing(session, rows[0].id)
        locked = await sessions.standing(session, rows[0].id, lock=True)
        by_cookie = await sessions.standing_by_cookie(session, "c1")
        for standing in (by_id, locked, by_cookie):
            assert standing is not None
            assert (standing.session.id, standing.user.email, standing.role.name) == (rows[0].id, "a@b.c", "Viewer")
        assert await sessions.standing(session, "nowhere") is None
        assert await sessions.standing_by_cookie(session, "") is None


async def test_holds(store: Store, rows: list[Session]) -> None:
    """Until it runs out, is ended, or its user is disabled."""
    async with store.read() as session:
        standing = await sessions.standing(session, rows[0].id)
    assert standing is not None
    assert standing.holds(after(9))
    assert not standing.holds(after(10))
    standing.user.active = False
    assert not standing.holds(NOON)
    standing.user.active, standing.session.ended_at = True, NOON
    assert not standing.holds(NOON)


async def test_ending(store: Store, rows: list[Session]) -> None:
    """The first reason stays; all but one can be ended at once."""
    user_id = rows[0].user_id
    async with store.transaction() as session:
        for reason in ("first", "second"):
            standing = await sessions.standing(session, rows[0].id)
            assert standing is not None
            await sessions.end(session, standing.session, NOON, reason)
    async with store.transaction() as session:
        assert await sessions.end_all_of(session, user_id, NOON, "all", besides=rows[1].id) == [rows[2].id]
    async with store.read() as session:
        assert [row.id for row in await sessions.open_of_user(session, user_id, NOON)] == [rows[1].id]
        assert await sessions.open_of_user(session, user_id, after(20)) == []
        standing = await sessions.standing(session, rows[0].id)
    assert standing is not None
    assert (standing.session.end_reason, standing.session.ended_at) == ("first", NOON)


async def test_use_is_noted(store: Store, rows: list[Session]) -> None:
    """For the list of sessions."""
    async with store.transaction() as session:
        await sessions.note_use(session, rows[0].id, NOON)
    async with store.read() as session:
        standing = await sessions.standing(session, rows[0].id)
    assert standing is not None
    assert standing.session.last_used_at == NOON
    assert standing.session.updated_at == rows[0].updated_at


async def test_forgetting_old_ones(store: Store, rows: list[Session]) -> None:
    """What ran out or ended before a time is deleted."""
    async with store.transaction() as session:
        await sessions.end_all_of(session, rows[0].user_id, NOON, "all", besides=rows[2].id)
    async with store.transaction() as session:
        assert await sessions.forget_old(session, NOON) == 0
        assert await sessions.forget_old(session, after(1)) == 2
        assert await sessions.forget_old(session, after(1)) == 0
        assert await sessions.standing(session, rows[2].id) is not None


async def test_page(store: Store, rows: list[Session]) -> None:
    """Those that hold, opened after a time; searched by browser and address, sorted and cut."""
    user_id = rows[0].user_id

    async def hashes(wanted: Page, now: datetime = NOON, opened_after: datetime = LONG_AGO) -> list[str]:
        async with store.read() as session:
            found = await sessions.page(session, wanted, user_id, now, opened_after)
        return [row.refresh_hash for row in found.rows]

    assert await hashes(Page(sort="expiresAt")) == ["1", "2", "3"]
    assert await hashes(Page(sort="-expiresAt", page_size=2)) == ["3", "2"]
    assert await hashes(Page(sort="expiresAt"), after(10)) == ["2", "3"]
    assert await hashes(Page(), opened_after=max(row.created_at for row in rows)) == []
    async with store.transaction() as session:
        rows[1].user_agent, rows[2].address = "Firefox", "192.0.2.7"
        session.add_all(rows)
    assert await hashes(Page(search="firefox")) == ["2"]
    assert await hashes(Page(search="192.0.2.7")) == ["3"]
