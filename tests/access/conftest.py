"""What the tests of this room share."""

import pytest

from server.access.access import Access
from server.clock import ManualClock
from server.store.engine import Store
from tests.databases import databases as databases
from tests.databases import store as store

SECRET = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def access(store: Store, clock: ManualClock) -> Access:
    """The door of a fresh database, with one administrator."""
    access = Access(store, SECRET, clock, bcrypt_rounds=4)
    await access.accounts.seed()
    await access.accounts.first_admin("admin@example.com", "Ada Admin", "correct horse")
    return access
