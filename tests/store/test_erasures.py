"""What the hash of a receipt is over, and under which ids somebody was known; tests/routes/test_privacy.py looks at the
rows."""

from server.store.engine import Store
from server.store.erasures import hash_of, names_of
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
