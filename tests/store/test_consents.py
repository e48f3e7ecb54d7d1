"""Whose photos may be taken: the newest statement counts."""

import pytest

from server.errors import PhotoRefused
from server.store import consents
from server.store.engine import Store
from server.store.tables import Consent, Person
from tests.store.full import AT


async def test_the_newest_statement_counts(store: Store) -> None:
    """Without any, it depends on whether consent is asked first; after a no it does not."""
    async with store.transaction() as session:
        person = Person(full_name="Ada")
        session.add(person)
        await session.flush()
        await consents.check(session, person.id, asked_first=False)
        with pytest.raises(PhotoRefused) as caught:
            await consents.check(session, person.id, asked_first=True)
        assert caught.value.code == "no_consent"
        for state in ("withdrawn", "refused", "given"):
            row = Consent(person_id=person.id, state=state, text_version="1", at=AT, how="paper", noted_by="ada")
            session.add(row)
            await session.flush()
            for asked_first in (False, True) if state != "given" else ():
                with pytest.raises(PhotoRefused) as caught:
                    await consents.check(session, person.id, asked_first=asked_first)
                assert caught.value.code == "consent_refused"
        await consents.check(session, person.id, asked_first=True)
        assert [one.state for one in await consents.of_person(session, person.id)] == ["given", "refused", "withdrawn"]
