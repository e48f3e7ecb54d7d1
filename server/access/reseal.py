"""What is sealed and does not say with which key: the addresses of cameras, and second factors."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import update
from sqlmodel import SQLModel, col, select

from server.access.keyring import Keyring
from server.store.engine import Store
from server.store.tables import Camera, User


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column that a box of the keyring has sealed."""

    table: type[SQLModel]
    column: str
    purpose: str


SEALED = (
    Sealed(Camera, "sealed_source", "cameras"),
    Sealed(Camera, "sealed_sub_source", "cameras"),
    Sealed(User, "totp_secret", "totp"),
)


async def seal_all(store: Store, keyring: Keyring) -> tuple[int, int]:
    """Seals anew what an older key has sealed; how many that were, and how many no key opens, which stay."""
    done = lost = 0
    async for where, row_id, text in _each(store):
        if _opens(keyring.newest_box(where.purpose), text):
            continue
        try:
            anew = keyring.box(where.purpose).rotate(text).decode()
        except InvalidToken:
            structlog.get_logger(__name__).error("unreadable", table=where.table.__tablename__, row=row_id)
            lost += 1
            continue
        key, column = col(where.table.id), col(getattr(where.table, where.column))  # type: ignore[attr-defined]
        async with store.transaction() as session:  # whoever has changed it meanwhile has sealed it with the newest
            await session.exec(update(where.table).where(key == row_id, column == text).values({where.column: anew}))
        done += 1
    return done, lost


async def count(store: Store, keyring: Keyring) -> int:
    """How many the keys of this ring open."""
    return len([row_id async for where, row_id, text in _each(store) if _opens(keyring.box(where.purpose), text)])


async def _each(store: Store) -> AsyncIterator[tuple[Sealed, str, str]]:
    for where in SEALED:
        key, column = col(where.table.id), col(getattr(where.table, where.column))  # type: ignore[attr-defined]
        async with store.read() as session:
            rows = (await session.exec(select(key, column).where(column.is_not(None)))).all()
        for row_id, text in rows:
            yield where, row_id, text


def _opens(box: Fernet | MultiFernet, text: str) -> bool:
    try:
        box.decrypt(text)
    except InvalidToken:
        return False
    return True
