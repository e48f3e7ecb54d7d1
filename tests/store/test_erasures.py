"""What the hash of a receipt is over, and under which ids somebody was known; tests/routes/test_privacy.py looks at the
rows."""

from datetime import timedelta

from server.store.engine import Store
from server.store.erasures import begun_since, hash_of, names_of
from server.store.tables import AuditRow, Erasure
from tests.store.conftest import NOON


def test_other_facts_have_another_hash() -> None:
    """And the same ones the same."""
    receipt = Erasure(person_id="p1", scope="person", state="done", asked_by="ada", counts={"photos": 2})
    before = hash_of(receipt)
    assert hash_of(receipt) == before
    receipt.counts = {"photos": 3}
    assert hash_of(receipt) != before


async def test_who_was_merged_had_another_id(store: Store) -> None:
    """As far back as the audit goes."""
    async with store.transaction() as session:
        for position, (mine, other) in enumerate((("p1", "p2"), ("p2", "p3"), ("p8", "p9")), 1):
            session.add(
                AuditRow(
                    position=position, at=NOON, actor_kind="user", actor_name="ada", action="person.merged",
                    resource="people", resource_id=mine, before={"person": {"id": mine}, "other": {"id": other}},
                    key_id="k", hash="h",
                )
            )  # fmt: skip
    async with store.read() as session:
        assert await names_of(session, "p1") == ["p1", "p2", "p3"]
        assert await names_of(session, "nobody") == ["nobody"]


async def test_what_was_seen_before_an_erasure_is_erased(store: Store) -> None:
    """Also where it is written only after it."""
    async with store.transaction() as session:
        session.add(Erasure(person_id="p1", scope="biometrics", state="done", asked_by="ada", created_at=NOON))
    async with store.read() as session:
        assert await begun_since(session, "p1", NOON - timedelta(seconds=1))
        assert not await begun_since(session, "p1", NOON)
        assert not await begun_since(session, "p2", NOON - timedelta(seconds=1))
