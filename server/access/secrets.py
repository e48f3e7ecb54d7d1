"""The secret from which all keys are derived: made at first start, kept for its owner's eyes."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import Invalid

FILE_NAME = "secret.key"
MIN_LENGTH = 32
MIN_DIFFERENT = 10
PLACEHOLDERS = ("changeme", "change-me", "change_me", "secret_key", "password", "example", "placeholder", "insecure")
SETTING = "ROLLCALL_SECURITY__SECRET_KEY"


def load_or_make_secret(data_dir: Path, configured: str | None, production: bool) -> str:
    """The configured secret; else the one in the data folder; else a new one, kept there with mode 0600.

    In production a weak one raises Invalid.
    """
    secret = configured.strip() if configured is not None else _kept(data_dir / FILE_NAME)
    if not secret:
        raise Invalid.field(SETTING, "weak_secret", f"{SETTING} is empty.")
    if production and (reason := weakness(secret)):
        raise Invalid.field(SETTING, "weak_secret", f"The secret {reason}. Leave {SETTING} out to have one made.")
    return secret


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


def _kept(path: Path) -> str:
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return path.read_text().strip()


def _make(path: Path) -> None:
    """Whole or not at all, and once, also where two processes start together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # the other process was first: its secret counts
        except OSError:  # a file system without hard links
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
