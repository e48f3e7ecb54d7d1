"""Passwords: which may be chosen, and which fit."""

import time

import pytest
import zxcvbn
from pwdlib.hashers.bcrypt import BcryptHasher

from server.access.passwords import MAX_BYTES, Passwords, is_common
from server.errors import Invalid


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(rounds=4)


async def test_fits(passwords: Passwords) -> None:
    """The right one fits, another does not, and two hashes of one password differ."""
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert first != second
    assert await passwords.verify("correct horse", first) == (True, None)
    for wrong in ("correct horse ", "Correct horse", "", "é" * 100, "\ud800", "nul\0"):
        assert await passwords.verify(wrong, first) == (False, None)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven 2 11", "too_short"),
        ("", "too_short"),
        ("ab " * 24 + "c", "too_long"),
        ("é" * 37, "too_long"),
        ("nul\0nul\0nul\0nul", "not_allowed"),
        ("half a \ud800 character", "too_long"),
        ("admin123", "too_short"),
        ("123456789123", "too_common"),
        ("Counterstrike", "too_common"),
        ("Password2026!", "too_common"),
        ("***dragon***99", "too_common"),
        ("abcabcabcabc", "too_common"),
        ("zzzzzzzzzzzz", "too_common"),
        ("123456789012", "too_common"),
        ("1q2w3e4r5t6y", "too_common"),
        ("my rollcall door", "too_personal"),
        ("ROLLCALL-2026x", "too_personal"),
    ],
)
async def test_refused(passwords: Passwords, password: str, code: str) -> None:
    """bcrypt reads 72 bytes: a longer password is refused rather than cut."""
    with pytest.raises(Invalid) as caught:
        await passwords.hash(password, "newPassword")
    assert (caught.value.details[0].field, caught.value.details[0].code) == ("newPassword", code)


@pytest.mark.parametrize("password", ["correct horse", "blue dragon on the hill", "тихая река у дома", "x7#Kp2-vLq9!"])
async def test_accepted(passwords: Passwords, password: str) -> None:
    """No rule asks for capitals or signs: length is what counts."""
    await passwords.check(password)


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("ada.lovelace 1815", "ada.lovelace"),
        ("the LOVELACE engine", "lovelace"),
        ("a countess counts", "countess"),
        ("I am Ada King today", "ada king"),
    ],
)
async def test_ones_own_name(passwords: Passwords, password: str, word: str) -> None:
    """The user's own address or name is no secret; short words may be part of others."""
    known = ("Ada.Lovelace@example.com", "Ada King", "The Countess")
    with pytest.raises(Invalid) as caught:
        await passwords.hash(password, known=known)
    assert caught.value.details[0].code == "too_personal"
    assert f'"{word}"' in caught.value.message
    await passwords.check("a nevada highway", known=("ada@example.com", "Ada"))


async def test_the_longest(passwords: Passwords) -> None:
    """All of 72 bytes count, and what is beyond them does not fit."""
    longest = "тихая река у дома, " + "and the old ferry, still there x7#K Qvz"
    assert len(longest.encode()) == MAX_BYTES
    stored = await passwords.hash(longest)
    assert (await passwords.verify(longest, stored))[0]
    assert not (await passwords.verify(longest + "x", stored))[0]
    assert not (await passwords.verify(longest[:-1] + "e", stored))[0]


async def test_the_demo(passwords: Passwords) -> None:
    """Its password is refused to everybody but its own seed, and in production neither chosen nor let in."""
    stored = await passwords.hash("admin123", unchecked=True)
    assert (await passwords.verify("admin123", stored))[0]
    with pytest.raises(Invalid):
        await passwords.hash("admin123")
    production = Passwords(rounds=4, production=True)
    with pytest.raises(Invalid) as caught:
        await production.hash("Admin123", unchecked=True)
    assert caught.value.details[0].code == "too_common"
    assert await production.verify("admin123", stored) == (False, None)


async def test_unchecked_is_not_unbounded(passwords: Passwords) -> None:
    """What bcrypt cannot take is refused there too."""
    for password in ("x" * 73, "nul\0nul"):
        with pytest.raises(Invalid):
            await passwords.hash(password, unchecked=True)


def test_common_in_any_dress() -> None:
    """Capitals, digits and signs around a common word change little; within another word they do."""
    for common in ("QWERTYUIOP12", "letmein", "!!Monkey_1234567890", "123123"):
        assert is_common(common)
    for other in ("monkey business", "12 monkeys at 34"):
        assert not is_common(other)


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


async def test_a_hash_of_before_the_cost_was_raised_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it costs less is spent beside it, so that time does not tell who exists."""
    spent: list[int] = []
    kind = BcryptHasher.hash

    def counted(self: BcryptHasher, password: str | bytes, *, salt: bytes | None = None) -> str:
        spent.append(self.rounds)
        return kind(self, password, salt=salt)

    old = await Passwords(rounds=5).hash("ample gravel otters")
    passwords = Passwords(rounds=8)
    now = await passwords.hash("ample gravel otters")
    monkeypatch.setattr(BcryptHasher, "hash", counted)
    assert not (await passwords.verify("wrong", old))[0]
    assert 2**5 + sum(2**rounds for rounds in spent) == 2**8
    spent.clear()
    assert not (await passwords.verify("wrong", now))[0]
    assert spent == []


def test_only_the_beginning_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs for letters at its full length would keep the estimate busy for a second, with everybody waiting."""
    asked: list[str] = []
    estimate = zxcvbn.zxcvbn

    def noted(password: str) -> dict[str, object]:
        asked.append(password)
        found: dict[str, object] = estimate(password)
        return found

    monkeypatch.setattr(zxcvbn, "zxcvbn", noted)
    assert not is_common(("97679@($9<9$<<<4!99691" * 4)[:72])
    assert [len(one) for one in asked] == [24]


async def test_a_stronger_hash(passwords: Passwords) -> None:
    """A hash of another strength is renewed where the password fits, and only there."""
    stored = await Passwords(rounds=5).hash("correct horse")
    fits, fresh = await passwords.verify("correct horse", stored)
    assert fits
    assert fresh is not None
    assert fresh.startswith("$2b$04$")
    assert await passwords.verify("wrong", stored) == (False, None)
