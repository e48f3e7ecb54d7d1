"""Answers that are kept: nobody reads them without the key, and those that tell of somebody are forgotten."""

from base64 import b64encode
from datetime import timedelta

import pytest
from sqlmodel import select

from server.access.answers import KeptAnswers
from server.access.keyring import Keyring
from server.clock import ManualClock
from server.errors import Invalid
from server.store import idempotency
from server.store.engine import Store
from server.store.idempotency import Claim
from server.store.tables import IdempotentAnswer
from tests.access.conftest import SECRET


def answer_of(body: bytes, location: str = "") -> dict[str, object]:
    return {"status": 201, "headers": {"Location": location}, "body": b64encode(body).decode()}


async def test_sealed_and_opened(store: Store) -> None:
    """With the same key only."""
    answers = KeptAnswers(store, Keyring([SECRET]))
    sealed = answers.seal(answer_of(b"secret"))
    assert answers.open(sealed) == answer_of(b"secret")
    assert KeptAnswers(store, Keyring(["another" * 8])).open(sealed) is None
    assert answers.open(b"") is None


async def test_what_tells_of_somebody_is_forgotten(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever in the answer, however many there are; that something was made under the key is not forgotten."""
    monkeypatch.setattr("server.access.answers.AT_ONCE", 2)
    answers, now = KeptAnswers(store, Keyring([SECRET])), clock.now()
    given = {
        "a": answers.seal(answer_of(b'{"id": "p1"}')), "b": answers.seal(answer_of(b'{"id": "p2"}')),
        "c": answers.seal(answer_of(b"{}", "/people/p1")), "d": None, "e": b"under a key that is gone",
    }  # fmt: skip
    async with store.transaction() as session:
        session.add_all(
            [IdempotentAnswer(key_hash=n, request_hash="r", answer=one, created_at=now) for n, one in given.items()]
        )
    assert await answers.forget(["p0", "p1"]) == 2
    assert await answers.forget(["p0", "p1"]) == 0
    async with store.read() as session:
        rows = (await session.exec(select(IdempotentAnswer))).all()
    assert {row.key_hash: row.answer for row in rows} == given | {"a": b"", "c": b""}
    async with store.transaction() as session:
        assert await idempotency.claim(session, "a", "r", now) == b""
        with pytest.raises(Invalid):
            await idempotency.claim(session, "a", "another", now)
        assert isinstance(await idempotency.claim(session, "a", "r", now + timedelta(days=1)), Claim)
