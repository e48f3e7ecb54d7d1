"""The secret: made once, kept well, refused when weak."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.access.secrets import (
    PREVIOUS_SETTING,
    derive_key,
    load_or_make_secret,
    load_or_make_secrets,
    load_secrets,
    rotate_secrets,
    weakness,
)
from server.errors import Invalid

STRONG = "q7Zp2-Kx9v_Lm4RtY8wB3nDf6HsJ0cGe"


def test_made_at_first_start(tmp_path: Path) -> None:
    """The second start finds what the first has made, for the owner's eyes only, good enough for production."""
    folder = tmp_path / "new" / "folder"
    secret = load_or_make_secret(folder, None, production=True)
    assert weakness(secret) is None
    assert load_or_make_secret(folder, None, production=True) == secret
    assert [path.name for path in folder.iterdir()] == ["secret.key"]
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert load_or_make_secret(tmp_path, None, production=True) != secret


def test_a_mode_that_is_too_wide_is_narrowed(tmp_path: Path) -> None:
    """A copy from a backup that everybody may read does not stay so."""
    secret = load_or_make_secret(tmp_path, None, production=False)
    (tmp_path / "secret.key").chmod(0o644)
    assert load_or_make_secret(tmp_path, None, production=False) == secret
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_several_at_once(tmp_path: Path) -> None:
    """Processes that start together agree on one secret."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_or_make_secret(tmp_path, None, production=False), range(16)))
    assert len(set(made)) == 1


def test_the_configured_one_counts(tmp_path: Path) -> None:
    """Then nothing is written."""
    assert load_or_make_secret(tmp_path, STRONG, production=True) == STRONG
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("weak", ["hunter2", "x" * 64, "change-me-" + STRONG, STRONG[:31], "abc" * 20])
def test_weak_ones(tmp_path: Path, weak: str) -> None:
    """Good enough to try things out, refused in production, and the refusal does not repeat them."""
    assert load_or_make_secret(tmp_path, weak, production=False) == weak
    with pytest.raises(Invalid) as caught:
        load_or_make_secret(tmp_path, weak, production=True)
    assert caught.value.details[0].code == "weak_secret"
    assert weak not in caught.value.message


@pytest.mark.parametrize("production", [False, True])
def test_an_empty_one(tmp_path: Path, production: bool) -> None:
    """Is none: refused everywhere."""
    with pytest.raises(Invalid):
        load_or_make_secret(tmp_path, "  ", production=production)


def test_previous_ones_follow(tmp_path: Path) -> None:
    """Behind the configured one, or behind those of the data folder; each once."""
    other = STRONG[::-1]
    assert load_or_make_secrets(tmp_path, STRONG, (other, STRONG), production=True) == (STRONG, other)
    kept = load_or_make_secrets(tmp_path, None, (), production=True)
    assert load_or_make_secrets(tmp_path, None, (other,), production=True) == (*kept, other)


@pytest.mark.parametrize("weak", ["", " ", "hunter2"])
def test_weak_previous_ones(tmp_path: Path, weak: str) -> None:
    """Whoever guesses a key that only verifies signs with it all the same: the setting is named, not the value."""
    with pytest.raises(Invalid) as caught:
        load_or_make_secrets(tmp_path, STRONG, (weak,), production=True)
    assert caught.value.details[0].field == PREVIOUS_SETTING
    assert "hunter2" not in caught.value.message


def test_an_empty_file(tmp_path: Path) -> None:
    """Is refused: a new secret in its place would hide that the old one is lost."""
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(Invalid):
        load_or_make_secrets(tmp_path, None, (), production=False)


def test_rotated(tmp_path: Path) -> None:
    """A new one stands first, those before follow, for the owner's eyes only, and nothing else is left lying about."""
    first = load_or_make_secret(tmp_path, None, production=True)
    (tmp_path / "secret.key").chmod(0o644)
    second, *older = rotate_secrets(tmp_path)
    assert older == [first]
    assert weakness(second) is None
    assert load_or_make_secrets(tmp_path, None, (), production=True) == (second, first) == load_secrets(tmp_path)
    assert load_or_make_secret(tmp_path, None, production=True) == second
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_the_oldest_go(tmp_path: Path) -> None:
    """As many are kept as was asked for."""
    _, third, second, _ = [rotate_secrets(tmp_path) for _ in range(4)][-1]
    newest, *older = rotate_secrets(tmp_path, keep=4)
    assert older[1:] == [third, second]
    assert rotate_secrets(tmp_path, keep=2)[1:] == (newest,)
    assert len(rotate_secrets(tmp_path, keep=1)) == 1


def test_rotated_before_the_first_start(tmp_path: Path) -> None:
    """There is one then, and not two."""
    assert load_secrets(tmp_path / "new") == ()
    assert len(rotate_secrets(tmp_path / "new")) == 1


def test_rotated_by_several_at_once(tmp_path: Path) -> None:
    """Nobody's new secret is lost."""
    with ThreadPoolExecutor(8) as pool:
        made = {after[0] for after in pool.map(lambda _: rotate_secrets(tmp_path), range(16))}
    assert set(load_secrets(tmp_path)) == made
    assert len(made) == 16


def test_keys() -> None:
    """One for each purpose, always the same, always long enough."""
    keys = {derive_key(STRONG, purpose) for purpose in ("a", "b", "c")} | {derive_key(STRONG + "x", "a")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert derive_key(STRONG, "a") in keys
