"""The secrets that all keys derive from: made at first start, replaced on request, kept for their owner's eyes."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import Invalid

FILE_NAME = "secret.key"
MIN_LENGTH = 32
MIN_DIFFERENT = 10
PLACEHOLDERS = ("changeme", "change-me", "change_me", "secret_key", "password", "example", "placeholder", "insecure")
SETTING = "ROLLCALL_SECURITY__SECRET_KEY"
PREVIOUS_SETTING = "ROLLCALL_SECURITY__PREVIOUS_SECRET_KEYS"


def load_or_make_secrets(
    data_dir: Path, configured: str | None, previous: Sequence[str], production: bool
) -> tuple[str, ...]:
    """Newest first: the configured one, else those in the data folder, else a new one, kept there with mode 0600.

    The configured previous ones follow. In production a weak one raises Invalid; an empty one does everywhere.
    """
    newest = (configured.strip(),) if configured is not None else _kept_or_made(data_dir / FILE_NAME)
    older = tuple(secret.strip() for secret in previous)
    for setting, group in ((SETTING, newest), (PREVIOUS_SETTING, older)):
        for secret in group:
            _check(setting, secret, production)
    return tuple(dict.fromkeys((*newest, *older)))


def load_or_make_secret(data_dir: Path, configured: str | None, production: bool) -> str:
    """The newest one alone."""
    return load_or_make_secrets(data_dir, configured, (), production)[0]


def load_secrets(data_dir: Path) -> tuple[str, ...]:
    """Those in the data folder, newest first; none where it was never started. One to a line."""
    path = data_dir / FILE_NAME
    if not path.exists():
        return ()
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return tuple(stripped for line in path.read_text().splitlines() if (stripped := line.strip()))


def rotate_secrets(
    data_dir: Path, keep: int | None = None, *, check: Callable[[Sequence[str]], None] = lambda _dropped: None
) -> tuple[str, ...]:
    """Puts a new one before those in the data folder; all of them. `keep`: no more than so many, the oldest go.

    `check` is asked before anything is written, with those that would go; it raises where one is needed.
    """
    path = data_dir / FILE_NAME
    data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(data_dir):
        known = (_new(), *load_secrets(data_dir))
        after = known[:keep]
        check([secret for secret in known if secret not in after])
        with _draft(path, after) as draft:
            draft.replace(path)
    return after


def weakness(secret: str) -> str | None:
    """Why it should not be used, to follow "The secret"; None if nothing speaks against it."""
    if len(secret) < MIN_LENGTH:
        return f"is shorter than {MIN_LENGTH} characters"
    if len(set(secret)) < MIN_DIFFERENT:
        return "repeats too few different characters"
    if any(placeholder in secret.lower() for placeholder in PLACEHOLDERS):
        return "looks like a placeholder"
    return None


def derive_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF, SHA-256): who learns one key learns nothing about the others."""
    return HKDF(SHA256(), length=32, salt=b"rollcall", info=purpose.encode()).derive(secret.encode())


def _check(setting: str, secret: str, production: bool) -> None:
    if not secret:
        raise Invalid.field(setting, "weak_secret", f"{setting} is empty.")
    if production and (reason := weakness(secret)):
        hint = "Leave it out to have one made." if setting == SETTING else "Leave it out."
        raise Invalid.field(setting, "weak_secret", f"The secret {reason}: {setting}. {hint}")


def _kept_or_made(path: Path) -> tuple[str, ...]:
    """At least one; an empty file stands for an empty secret."""
    if not path.exists():
        _make(path)
    return load_secrets(path.parent) or ("",)


def _new() -> str:
    return secrets.token_urlsafe(48)


def _make(path: Path) -> None:
    """Whole or not at all, and once, also where two processes start together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path, (_new(),)) as draft:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # the other process was first: its secret counts
        except OSError:  # a file system without hard links
            draft.replace(path)


@contextmanager
def _draft(path: Path, lines: Sequence[str]) -> Iterator[Path]:
    """A file beside it with these lines, safely on the disk; gone afterwards unless it was moved."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of two who change the file at once, the second waits: neither's new secret is lost."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
