"""The audit: a chain in which a changed, a removed and a truncated row show, and that keeps no secret."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.access.audit import Audit, shown
from server.access.keyring import Keyring
from server.clock import ManualClock
from server.store.audit import SYSTEM, Actor, Filter
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import AuditRow
from server.wire import Wire
from tests.access.conftest import SECRET

ADA = Actor("user", "u1", "ada@example.com", "192.0.2.7", "curl/8", "r1")
LIFT_SQLITE = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
LIFT_POSTGRESQL = ("DROP TRIGGER audit_no_change ON audit", "DROP TRIGGER audit_no_truncate ON audit")


@pytest.fixture
def audit(store: Store, clock: ManualClock) -> Audit:
    return Audit(store, Keyring([SECRET]), clock)


async def note(audit: Audit, store: Store, count: int = 1, action: str = "user.changed") -> None:
    for number in range(count):
        async with store.transaction() as session:
            await audit.record(session, ADA, action, "users", f"u{number}", before={"n": 0.1}, after={"n": number})


async def tamper(store: Store, *statements: str) -> None:
    """As somebody would who has the database itself."""
    async with store.transaction() as session:
        for statement in (*(LIFT_SQLITE if store.is_sqlite else LIFT_POSTGRESQL), *statements):
            await session.exec(text(statement))  # type: ignore[call-overload]


async def rows_of(store: Store) -> list[AuditRow]:
    found: list[AuditRow] = []
    async for batch in Audit(store, Keyring([SECRET]), ManualClock()).export(Filter()):
        found += batch
    return found


async def test_a_row_says_who_did_what_to_which_row(audit: Audit, store: Store, clock: ManualClock) -> None:
    """From where and in which request, before and after, in a place of its own in the chain."""
    await note(audit, store, 2)
    first, second = await rows_of(store)
    assert (first.position, second.position) == (1, 2)
    assert (second.actor_kind, second.actor_id, second.actor_name) == ("user", "u1", "ada@example.com")
    assert (second.action, second.resource, second.resource_id) == ("user.changed", "users", "u1")
    assert (second.before, second.after, second.at) == ({"n": 0.1}, {"n": 1}, clock.now())
    assert (second.address, second.user_agent, second.request_id) == ("192.0.2.7", "curl/8", "r1")
    verified = await audit.verify()
    assert (verified.intact, verified.rows, verified.head, verified.head_hash) == (True, 2, 2, second.hash)


async def test_an_empty_chain_is_whole(audit: Audit) -> None:
    """Before anybody did anything."""
    assert (await audit.verify()).intact
    assert await audit.cut(ManualClock().now()) == 0


async def test_what_is_taken_back_leaves_no_hole(audit: Audit, store: Store) -> None:
    """A change that failed is not told, and the next row takes its place."""
    await note(audit, store)

    async def fail() -> None:
        async with store.transaction() as session:
            await audit.record(session, ADA, "user.removed", "users", "u9")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await note(audit, store)
    assert [row.position for row in await rows_of(store)] == [1, 2]
    assert (await audit.verify()).intact


async def test_several_at_once_make_one_chain(audit: Audit, store: Store) -> None:
    """Also the very first ones, which make the chain."""
    await asyncio.gather(*(note(audit, store, 3) for _ in range(4)))
    assert [row.position for row in await rows_of(store)] == list(range(1, 13))
    assert (await audit.verify()).intact


@pytest.mark.parametrize(
    ("statement", "position", "reason"),
    [
        ("UPDATE audit SET actor_name = 'eve@example.com' WHERE position = 3", 3, "changed"),
        ("UPDATE audit SET after = '{\"n\": 7}' WHERE position = 4", 4, "changed"),
        ("UPDATE audit SET key_id = 'another' WHERE position = 4", 4, "unknown_key"),
        ("DELETE FROM audit WHERE position = 2", 2, "missing"),
        ("DELETE FROM audit WHERE position = 1", 1, "missing"),
        ("DELETE FROM audit WHERE position >= 5", 5, "missing"),
        ("DELETE FROM audit", 1, "missing"),
        ("UPDATE audit_chain SET head = 5", 6, "wrong_head"),
        ("UPDATE audit_chain SET head_hash = 'x'", 6, "wrong_head"),
        ("DELETE FROM audit_chain", 1, "wrong_head"),
    ],
)
async def test_tampering_shows(audit: Audit, store: Store, statement: str, position: int, reason: str) -> None:
    """With the first place at which something is wrong."""
    await note(audit, store, 6)
    await tamper(store, statement)
    verified = await audit.verify()
    assert (verified.intact, verified.first_broken, verified.reason) == (False, position, reason)


async def test_a_removed_end_shows(audit: Audit, store: Store) -> None:
    """The newest row is removed through the gap that is meant for retention, and the chain's row is put back to match:
    its seal cannot be."""
    await note(audit, store, 6)
    fifth = (await rows_of(store))[4]
    async with store.transaction() as session:
        connection = await session.connection()
        for statement in (
            "UPDATE audit_chain SET cut = head",
            "DELETE FROM audit WHERE position = 6",
            f"UPDATE audit_chain SET head = 5, head_hash = '{fifth.hash}', cut = 0",
        ):
            await connection.execute(text(statement))
    verified = await audit.verify()
    assert (verified.intact, verified.rows, verified.first_broken, verified.reason) == (False, 5, 5, "wrong_head")


async def test_a_cut_that_nobody_made_shows(audit: Audit, store: Store) -> None:
    """Whoever removes the oldest rows and says in the chain that retention did is found out."""
    await note(audit, store, 6)
    third = (await rows_of(store))[2]
    await tamper(
        store, f"UPDATE audit_chain SET cut = 3, cut_hash = '{third.hash}'", "DELETE FROM audit WHERE position <= 3"
    )
    verified = await audit.verify()
    assert (verified.intact, verified.reason) == (False, "wrong_cut")


async def test_a_row_cannot_be_moved_into_another_place(audit: Audit, store: Store) -> None:
    """Each hash covers the one before it."""
    await note(audit, store, 3)
    await tamper(
        store,
        "DELETE FROM audit WHERE position = 2",
        "UPDATE audit SET position = 2 WHERE position = 3",
        "UPDATE audit_chain SET head = 2, head_hash = (SELECT hash FROM audit WHERE position = 2)",
    )
    assert (await audit.verify()).reason == "changed"


@pytest.mark.parametrize("statement", ["UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_database_itself_refuses_changes(audit: Audit, store: Store, statement: str) -> None:
    """The table is append-only."""
    if store.is_sqlite and statement.startswith("TRUNCATE"):
        statement = "DELETE FROM audit WHERE position = 1"
    await note(audit, store)
    with pytest.raises(DBAPIError, match="append-only"):
        async with store.transaction() as session:
            await session.exec(text(statement))  # type: ignore[call-overload]
    assert (await audit.verify()).rows == 1


async def test_retention(audit: Audit, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the oldest rows, notes that it did, and leaves a chain that is whole."""
    monkeypatch.setattr("server.access.audit.CUT_AT_ONCE", 2)
    await note(audit, store, 5)
    clock.advance(86400)
    await note(audit, store, 2)
    assert await audit.cut(clock.now() - timedelta(hours=1)) == 5
    kept = await rows_of(store)
    assert [row.action for row in kept] == ["user.changed"] * 2 + ["audit.cut"] * 3
    assert kept[-1].after == {"upTo": 5, "before": "2026-01-06T07:00:00Z"}
    verified = await audit.verify()
    assert (verified.intact, verified.rows, verified.cut) == (True, 5, 5)
    assert await audit.cut(clock.now() - timedelta(hours=1)) == 0
    clock.advance(86400)
    assert await audit.cut(clock.now() + timedelta(days=9)) == 5, "not what it tells of itself just now"
    assert (await audit.verify()).intact


async def test_a_new_key_signs_and_the_old_one_still_counts(store: Store, clock: ManualClock) -> None:
    """A chain goes on over a change of the secret."""
    new = "tests-only-another-0123456789-abcdefghijklmnop"
    await note(Audit(store, Keyring([SECRET]), clock), store)
    changed = Audit(store, Keyring([new, SECRET]), clock)
    await note(changed, store)
    assert (await changed.verify()).intact
    assert len({row.key_id for row in await rows_of(store)}) == 2
    assert (await Audit(store, Keyring([new]), clock).verify()).reason == "unknown_key"


async def test_pages(audit: Audit, store: Store, clock: ManualClock) -> None:
    """The newest first, by whatever is asked for."""
    await note(audit, store, 2)
    clock.advance(60)
    async with store.transaction() as session:
        await audit.record(session, SYSTEM, "role.seeded", "roles", "r1")

    async def found(**chosen: object) -> list[int]:
        page = await audit.page(Page(), Filter(**chosen))  # type: ignore[arg-type]
        assert page.total == len(page.rows)
        return [row.position for row in page.rows]

    assert await found() == [3, 2, 1]
    assert await found(actor_id="u1") == [2, 1]
    assert await found(actor="Rollcall") == [3]
    assert await found(action="role.seeded") == [3]
    assert await found(resource="users", resource_id="u1") == [2]
    assert await found(since=clock.now()) == [3]
    assert await found(until=clock.now()) == [2, 1]
    assert await found(search="192.0.2 CHANGED") == [2, 1]


async def test_an_export_goes_on_in_batches(audit: Audit, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of rows, a batch at a time is in memory; verification too."""
    monkeypatch.setattr("server.access.audit.BATCH", 2)
    await note(audit, store, 5)
    sizes = [[row.position for row in batch] async for batch in audit.export(Filter())]
    assert sizes == [[1, 2], [3, 4], [5]]
    assert [len(batch) async for batch in audit.export(Filter(resource_id="u3"))] == [1]
    assert (await audit.verify()).rows == 5


class Secretive(Wire):
    full_name: str
    password_hash: str
    source: str


def test_nothing_secret_is_kept() -> None:
    """By the name of a field, however deep, and in addresses."""
    view = Secretive(full_name="A", password_hash="$2b$", source="rtsp://admin:hunter2@10.0.0.9/1")
    assert shown(view) == {"fullName": "A", "passwordHash": "***", "source": "rtsp://admin@10.0.0.9/1"}
    given = {
        "new_password": "x", "nested": {"apiKey": "x", "list": [{"token": "x"}, "http://a:b@c/"]}, "totp_secret": None,
        "must_change_password": True, "camera_ids": ["c1"], "external_ids": {"sap_id": "7"}, "pin": 1234,
    }  # fmt: skip
    assert shown(given) == {
        "newPassword": "***", "nested": {"apiKey": "***", "list": [{"token": "***"}, "http://a@c/"]},
        "totpSecret": None, "mustChangePassword": True, "cameraIds": ["c1"], "externalIds": {"sap_id": "7"},
        "pin": "***",
    }  # fmt: skip
    assert shown(None) is None
    with pytest.raises(TypeError):
        shown("text")


async def test_odd_text_is_kept_or_left_out(audit: Audit, store: Store) -> None:
    """What a database cannot hold, or has no room for, does not keep a change from being told."""
    actor = Actor("user", "u", "n" * 300, "a" * 100, "\0agent" * 100, "r" * 100)
    async with store.transaction() as session:
        await audit.record(session, actor, "x", "y", None, after={"name": "Jürgen \0 😀", "big": 10**12})
    row = (await rows_of(store))[0]
    assert row.after == {"name": "Jürgen  😀", "big": 10**12}
    assert (len(row.actor_name), len(row.user_agent)) == (254, 400)
    assert (await audit.verify()).intact


async def test_redacted_rows_stay_in_the_chain(audit: Audit, store: Store) -> None:
    """Names go, the hashes of the chain stay; what somebody else changes in a redacted row shows as ever."""
    async with store.transaction() as session:
        told = {"id": "p1", "fullName": "Ada", "active": True}
        await audit.record(session, SYSTEM, "person.created", "people", "p1", after=told)
        await audit.record(session, SYSTEM, "person.created", "people", "p2", after=told | {"id": "p2"})
        await audit.record(session, SYSTEM, "sighting.corrected", "sightings", "s1", after={"person": told, "n": 0.1})
    before = await rows_of(store)
    assert await audit.redact(["p1"]) == 2
    assert await audit.redact(["p1"]) == 0
    after = await rows_of(store)
    assert [row.hash for row in after] == [row.hash for row in before]
    assert [row.redacted is not None for row in after] == [True, False, True]
    assert after[0].after == {"id": "p1", "fullName": "(erased)", "active": True}
    assert after[1].after == told | {"id": "p2"}
    assert after[2].after == {"person": after[0].after, "n": 0.1}
    await note(audit, store)
    verified = await audit.verify()
    assert (verified.intact, verified.rows) == (True, 4)
    older = Audit(store, Keyring(["new" * 20, SECRET]), ManualClock())
    assert (await older.verify()).intact
    changed = 'UPDATE audit SET after = \'{"fullName": "Bea"}\' WHERE position = 1'
    with pytest.raises(DBAPIError):
        async with store.transaction() as session:
            await session.exec(text("UPDATE audit SET action = 'x', redacted = 'y' WHERE position = 2"))  # type: ignore[call-overload]
    await tamper(store, changed)
    verified = await audit.verify()
    assert (verified.first_broken, verified.reason) == (1, "changed")


async def test_a_row_that_is_called_redacted(audit: Audit, store: Store) -> None:
    """Whoever has the database can write that; the seal is by a key that is not in it."""
    await note(audit, store, 2)
    await tamper(store, "UPDATE audit SET after = '{}', redacted = 'k:00' WHERE position = 1")
    verified = await audit.verify()
    assert (verified.first_broken, verified.reason) == (1, "changed")
