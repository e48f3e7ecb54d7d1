"""Passwords: which may be chosen, and which fit."""

import time

import pytest

from server.access.passwords import Passwords
from server.errors import Invalid


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(rounds=4)


async def test_fits(passwords: Passwords) -> None:
    """The right one fits, another does not, and two hashes of one password differ."""
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert first != second
    assert await passwords.verify("correct horse", first) == (True, None)
    for wrong in ("correct horse ", "Correct horse", "", "é" * 100):
        assert await passwords.verify(wrong, first) == (False, None)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short12", "too_short"),
        ("", "too_short"),
        ("x" * 73, "too_long"),
        ("é" * 37, "too_long"),
        ("nul\0nul\0nul", "not_allowed"),
    ],
)
async def test_refused(passwords: Passwords, password: str, code: str) -> None:
    """bcrypt reads 72 bytes: a longer password is refused rather than cut."""
    with pytest.raises(Invalid) as caught:
        await passwords.hash(password, "newPassword")
    assert (caught.value.details[0].field, caught.value.details[0].code) == ("newPassword", code)


async def test_the_longest(passwords: Passwords) -> None:
    """All of 72 bytes count, and what is beyond them does not fit."""
    longest = "é" * 36
    stored = await passwords.hash(longest)
    assert (await passwords.verify(longest, stored))[0]
    assert not (await passwords.verify(longest + "x", stored))[0]
    assert not (await passwords.verify(longest[:-1] + "e", stored))[0]


async def test_in_production(passwords: Passwords) -> None:
    """The demo's password can neither be chosen nor used there."""
    stored = await passwords.hash("admin123")
    production = Passwords(rounds=4, production=True)
    with pytest.raises(Invalid) as caught:
        await production.hash("Admin123")
    assert caught.value.details[0].code == "too_common"
    assert await production.verify("admin123", stored) == (False, None)
    assert (await passwords.verify("admin123", stored))[0]


async def test_nobody_takes_as_long() -> None:
    """For an unknown user, or a hash that cannot be read, as much is computed as for a known one."""
    passwords = Passwords(rounds=9)
    stored = await passwords.hash("correct horse")

    async def took_s(password: str, password_hash: str | None) -> float:
        started = time.process_time()
        for _ in range(3):
            assert not (await passwords.verify(password, password_hash))[0]
        return time.process_time() - started

    known = await took_s("wrong", stored)
    for other in (await took_s("nobody", None), await took_s("wrong", "gone"), await took_s("x" * 99, stored)):
        assert other > known / 3


async def test_a_stronger_hash(passwords: Passwords) -> None:
    """A hash of another strength is renewed where the password fits, and only there."""
    stored = await Passwords(rounds=5).hash("correct horse")
    fits, fresh = await passwords.verify("correct horse", stored)
    assert fits
    assert fresh is not None
    assert fresh.startswith("$2b$04$")
    assert await passwords.verify("wrong", stored) == (False, None)
