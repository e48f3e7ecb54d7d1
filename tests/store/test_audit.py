"""The audit's table, without its chain of hashes."""

from datetime import timedelta

from server.ids import new_id
from server.store import audit
from server.store.audit import Ends, Filter
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import AuditRow
from tests.store.conftest import NOON, after


async def append(store: Store, minutes: float, action: str = "x", told: dict[str, object] | None = None) -> int:
    async with store.transaction() as session:
        head = (await audit.lock_chain(session)).head
        row = AuditRow(
            position=head + 1, id=new_id(), at=after(minutes), actor_kind="user", actor_id="u", actor_name="Ada",
            action=action, resource="users", resource_id="r", after=told, key_id="k", hash=f"h{head + 1}",
        )  # fmt: skip
        await audit.append(session, row, f"s{head + 1}")
    return head + 1


async def test_the_head_moves_with_each_row(store: Store) -> None:
    """From nothing on, without a gap."""
    async with store.read() as session:
        assert await audit.ends(session) == Ends()
    assert [await append(store, n) for n in range(3)] == [1, 2, 3]
    async with store.read() as session:
        assert await audit.ends(session) == Ends(head=3, head_hash="h3", seal="s3", last=3)


async def test_pages_and_batches(store: Store) -> None:
    """Pages begin with the newest row, batches with the oldest."""
    for number in range(5):
        await append(store, number, "odd" if number % 2 else "even")
    async with store.read() as session:
        page = await audit.page(session, Page(page_size=2), Filter())
        assert ([row.position for row in page.rows], page.total) == ([5, 4], 5)
        assert [row.position for row in await audit.batch(session, 1, 3)] == [2, 3, 4]
        assert [row.position for row in await audit.batch(session, 0, 9, Filter(action="odd"))] == [2, 4]
    odd = [[row.position for row in rows] async for rows in audit.batches(store, Filter(action="odd"), 1)]
    assert odd == [[2], [4]]
    within = Filter(since=after(1), until=after(3))
    assert [row.position for rows in [r async for r in audit.batches(store, within, 9)] for row in rows] == [2, 3]


async def test_what_was_done_to_one_since(store: Store) -> None:
    """That, to it, and after that time."""
    await append(store, 5, "changed")
    async with store.read() as session:
        asked = [
            ("changed", "r", after(4)), ("changed", "r", after(5)), ("removed", "r", after(4)), ("changed", "s", NOON),
        ]  # fmt: skip
        found = [await audit.done_since(session, action, "users", key, at) for action, key, at in asked]
    assert found == [True, False, False, False]


async def test_the_cut(store: Store) -> None:
    """Up to the first row that is to be kept, some at a time; the rows go once the chain says so."""
    for minutes in (0, 1, 2, 9, 3):
        await append(store, minutes)
    await append(store, 10, audit.CUT, {"upTo": 2})
    async with store.transaction() as session:
        await audit.lock_chain(session)
        assert await audit.cut_at(session, after(5), 100) == (3, "h3"), "what is older, but came later, stays"
        assert await audit.cut_at(session, after(5), 2) == (2, "h2")
        assert await audit.cut_at(session, NOON - timedelta(days=1), 100) is None
        await audit.cut(session, 2, "h2", "cut")
    async with store.read() as session:
        assert await audit.ends(session) == Ends(6, "h6", 2, "h2", "cut", 6, 2)
        assert [row.position for row in await audit.batch(session, 0, 9)] == [3, 4, 5, 6]
        assert await audit.cut_at(session, after(99), 100) == (6, "h6")
