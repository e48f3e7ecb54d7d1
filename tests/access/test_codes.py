"""PINs and badges: what is refused, how they are kept, and how guessing is slowed."""

import pytest

from server.access.attempts import Attempts, MemoryAttempts, RedisAttempts, TableAttempts
from server.access.codes import MOST, TRIES, CodeGuard, Codes, drawn_pin, is_weak
from server.access.keyring import Keyring
from server.clock import ManualClock
from server.errors import Conflict, Invalid, TooMany, Unavailable
from server.store import credentials
from server.store.engine import Store
from server.store.tables import Credential, Person
from server.store.writes import locked
from tests.access.conftest import SECRET
from tests.servers import redis_database

NEWER = "tests-only-newer-9876543210-zyxwvutsrqponmlkjihg"
PIN, BADGE = "482913", "04:A2:2B:9C:51:80"


async def people(store: Store, *names: str) -> list[Person]:
    found = [Person(full_name=name) for name in names]
    async with store.transaction() as session:
        session.add_all(found)
    return found


async def owner(store: Store, codes: Codes, kind: str, value: str) -> str | None:
    async with store.read() as session:
        row = await codes.find(session, "pin" if kind == "pin" else "badge", value)
    return row.person_id if row else None


@pytest.mark.parametrize(
    "pin",
    ["000000", "123456", "654321", "012345", "789012", "121212", "123123", "112211", "98989898", "13579135", "111112"],
)
def test_what_is_tried_first_is_weak(pin: str) -> None:
    """One digit or two, rows, and what repeats itself."""
    assert is_weak(pin)


def test_the_number_of_the_employee_is_weak() -> None:
    """Of that employee; of anybody else it is as good as any."""
    assert is_weak("0482913", "E-482913")
    assert not is_weak("482913", "E-48291")
    assert not is_weak("482913", "E-")
    assert not is_weak("482913")


@pytest.mark.parametrize(("people", "digits"), [(0, 6), (99, 6), (100, 7), (1000, 8), (25_000, 9)])
def test_a_drawn_pin_is_long_enough(people: int, digits: int) -> None:
    """The more people, the more digits: a guess is never good more often than once in ten thousand times."""
    assert {len(drawn_pin(people)) for _ in range(50)} == {digits}
    assert all(one.isdecimal() for one in (drawn_pin(people) for _ in range(50)))


async def test_a_pin_of_one_person(store: Store) -> None:
    """Setting another one ends the first; the row is neither the PIN nor a hash without the key."""
    codes = Codes(Keyring((SECRET,)))
    ada, bea = await people(store, "Ada", "Bea")
    async with store.transaction() as session:
        made = await codes.set_pin(session, ada, PIN, 2)
        assert (made.drawn, made.credential.ending) == (None, "")
    assert await owner(store, codes, "pin", PIN) == ada.id
    assert await owner(store, codes, "badge", PIN) is None
    assert await owner(store, Codes(Keyring((NEWER,))), "pin", PIN) is None
    async with store.transaction() as session:
        with pytest.raises(Conflict) as caught:
            await codes.set_pin(session, bea, PIN, 2)
        assert (caught.value.code, caught.value.details[0].field) == ("pin_taken", "pin")
        with pytest.raises(Invalid) as weak:
            await codes.set_pin(session, bea, "123456", 2)
        assert (weak.value.details[0].field, weak.value.details[0].code) == ("pin", "weak")
        drawn = (await codes.set_pin(session, ada, None, 2)).drawn
    assert drawn is not None
    assert await owner(store, codes, "pin", drawn) == ada.id
    assert await owner(store, codes, "pin", PIN) is None
    async with store.read() as session:
        assert await credentials.count(session, ada.id) == 1


async def test_drawing_gives_up_where_none_is_free(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than for ever."""
    drawn: list[str] = []

    def again(_people: int) -> str:
        drawn.append(PIN)
        return PIN

    monkeypatch.setattr("server.access.codes.drawn_pin", again)  # no chance draws the same fifty times
    codes = Codes(Keyring((SECRET,)))
    ada, bea = await people(store, "Ada", "Bea")
    async with store.transaction() as session:
        await codes.set_pin(session, ada, None, 2)
        with pytest.raises(Unavailable, match="free"):
            await codes.set_pin(session, bea, None, 2)
    assert len(drawn) == 1 + TRIES


async def test_several_badges_of_one_person(store: Store) -> None:
    """With what tells them apart; one that is somebody's is nobody else's, and ten are enough."""
    codes = Codes(Keyring((SECRET,)))
    ada, bea = await people(store, "Ada", "Bea")
    async with store.transaction() as session:
        row = await codes.add_badge(session, ada, BADGE, "Blue")
        short = await codes.add_badge(session, ada, "04A22B9C", "")
        assert [(one.label, one.ending) for one in (row, short)] == [("Blue", BADGE[-4:]), ("", "9C")]
        with pytest.raises(Conflict) as taken:
            await codes.add_badge(session, bea, BADGE, "")
        assert (taken.value.code, taken.value.details[0].field) == ("badge_taken", "badge")
        for number in range(MOST - 2):
            await codes.add_badge(session, ada, f"badge {number}", "")
        with pytest.raises(Conflict) as many:
            await codes.add_badge(session, ada, "one more", "")
        assert many.value.code == "too_many_badges"
    assert await owner(store, codes, "badge", BADGE) == ada.id


async def test_a_new_key_takes_over_what_is_used(store: Store, clock: ManualClock) -> None:
    """An older key's digest is found, also against a second one of the same, and by its use becomes the newest's."""
    before, after = Codes(Keyring((SECRET,))), Codes(Keyring((NEWER, SECRET)))
    ada, bea = await people(store, "Ada", "Bea")
    async with store.transaction() as session:
        await before.set_pin(session, ada, PIN, 2)
        with pytest.raises(Conflict):
            await after.set_pin(session, bea, PIN, 2)
    async with store.transaction() as session:
        row = await after.find(session, "pin", PIN)
        assert row is not None
        touched = row.updated_at
        await after.note_use(session, row, "pin", PIN, clock.now())
    alone = Codes(Keyring((NEWER,)))
    assert await owner(store, alone, "pin", PIN) == ada.id
    async with store.read() as session:
        kept = await session.get_one(Credential, row.id)
        assert (kept.last_used_at, kept.updated_at) == (clock.now(), touched)
        assert dict(await credentials.count_by_key(session)) == {Keyring((NEWER,)).kids[0]: 1}


async def test_what_two_keys_have_made_two_peoples_is_nobodys(store: Store) -> None:
    """Which of them it is cannot be told: as while servers with and without a new key run side by side."""
    ada, bea = await people(store, "Ada", "Bea")
    async with store.transaction() as session:
        for person, secret in ((ada, SECRET), (bea, NEWER)):
            await Codes(Keyring((secret,))).set_pin(session, await _again(session, person), PIN, 2)
    assert await owner(store, Codes(Keyring((NEWER, SECRET))), "pin", PIN) is None


async def _again(session: object, person: Person) -> Person:
    found = await locked(session, Person, person.id)  # type: ignore[arg-type]  # the session of the transaction
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["memory", "table", "redis"])
async def test_guessing_is_slowed(kind: str, store: Store, clock: ManualClock, request: pytest.FixtureRequest) -> None:
    """Ten wrong ones in five minutes wherever they are counted; good ones count as nothing, and other kiosks go on."""
    if kind == "redis":
        with redis_database(request.getfixturevalue("redis_server")) as url:
            async with RedisAttempts(url, clock) as attempts:
                await _slowed(attempts)
    else:
        await _slowed(MemoryAttempts(clock) if kind == "memory" else TableAttempts(store, clock))


async def _slowed(attempts: Attempts) -> None:
    guard = CodeGuard(attempts)
    for _ in range(10):
        await guard.take("k1")
        await guard.good("k1")
        await guard.take("k1")
    with pytest.raises(TooMany) as caught:
        await guard.take("k1")
    assert caught.value.code == "code_input_locked"
    assert 290 <= caught.value.retry_after_s <= 300
    assert [await guard.is_news("k1") for _ in range(3)] == [True, False, False]
    await guard.take("k2")


async def test_a_kiosk_that_asks_without_end(clock: ManualClock) -> None:
    """Good or not: four a second are more than anybody types."""
    guard = CodeGuard(MemoryAttempts(clock))
    for _ in range(240):
        await guard.ask("k1")
    with pytest.raises(TooMany) as caught:
        await guard.ask("k1")
    assert caught.value.code == "too_many_requests"


async def test_whoever_sets_pins_does_not_learn_all_of_them(clock: ManualClock) -> None:
    """That one is taken tells that it is somebody's: twenty times an hour."""
    guard = CodeGuard(MemoryAttempts(clock))
    for _ in range(20):
        await guard.take_setting("u")
        await guard.good_setting("u")
        await guard.take_setting("u")
    with pytest.raises(TooMany):
        await guard.take_setting("u")
