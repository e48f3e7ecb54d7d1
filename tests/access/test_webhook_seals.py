"""The sealed part of a webhook."""

from server.access.keyring import Keyring
from server.access.webhook_seals import WebhookSeals
from server.masking import mask_text
from server.store import webhooks
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Webhook
from server.store.webhooks import Target
from tests.databases import databases as databases
from tests.databases import store as store

OLD, NEW = "an-old-secret-of-tests-0123456789", "a-new-secret-of-tests-0123456789"
TARGET = Target("https://u:pa55word@receiver.example/x", "whsec_abcdefghijkl", "", "key", "secret-of-frappe")


def made(seals: WebhookSeals, name: str = "x") -> Webhook:
    row = Webhook(name=name, kind="standard", url="https://u@receiver.example/x", types=[])
    seals.put(row, TARGET)
    return row


def test_there_and_back() -> None:
    """And from then on no log has any of it."""
    seals = WebhookSeals(Keyring((OLD,)))
    row = made(seals)
    assert seals.open(row) == TARGET
    assert "pa55word" not in row.sealed
    assert mask_text("whsec_abcdefghijkl and pa55word and secret-of-frappe") == "*** and *** and ***"


def test_bound_to_its_row() -> None:
    """What was moved to another row does not open, nor what another key has sealed."""
    seals = WebhookSeals(Keyring((OLD,)))
    row, other = made(seals), made(seals, "y")
    other.sealed = row.sealed
    assert seals.open(other) is None
    assert WebhookSeals(Keyring((NEW,))).open(row) is None


async def test_sealed_anew(store: Store) -> None:
    """After a change of the key, all that can be opened; and then the older key may go."""
    old, lost = WebhookSeals(Keyring((OLD,))), WebhookSeals(Keyring(("nobody-knows-this-one-0123456789",)))
    async with store.transaction() as session:
        session.add_all([made(old), made(lost, "lost")])
    both = WebhookSeals(Keyring((NEW, OLD)))
    assert await both.seal_all(store) == 1
    assert await both.seal_all(store) == 0
    new = WebhookSeals(Keyring((NEW,)))
    async with store.read() as session:
        rows = (await webhooks.WEBHOOKS.page(session, Page())).rows
        assert await webhooks.count_by_key(session) == {new.key_id: 1, lost.key_id: 1}
    assert {row.name: new.open(row) for row in rows} == {"x": TARGET, "lost": None}
