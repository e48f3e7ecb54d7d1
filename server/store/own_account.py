"""What users keep about themselves: their second factor and their preferences."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.store.tables import User


async def begin_factor(session: AsyncSession, user_id: str, secret: str) -> None:
    """Keeps the encrypted secret of a second factor that is not confirmed yet."""
    await _change(session, user_id, totp_secret=secret, totp_confirmed_at=None, totp_last_step=None, recovery_hashes=[])


async def confirm_factor(
    session: AsyncSession, user_id: str, at: datetime, step: int, recovery_hashes: Sequence[str]
) -> None:
    """From now on it is asked for."""
    await _edit(session, user_id, totp_confirmed_at=at, totp_last_step=step, recovery_hashes=list(recovery_hashes))


async def remove_factor(session: AsyncSession, user_id: str) -> None:
    """It is not asked for any more, and its recovery codes are gone."""
    await _edit(session, user_id, totp_secret=None, totp_confirmed_at=None, totp_last_step=None, recovery_hashes=[])


async def note_step(session: AsyncSession, user_id: str, step: int) -> None:
    """The codes up to this time step are used up."""
    await _change(session, user_id, totp_last_step=step)


async def keep_recovery(session: AsyncSession, user_id: str, hashes: Sequence[str]) -> None:
    """The recovery codes that are left."""
    await _change(session, user_id, recovery_hashes=list(hashes))


async def preferences(session: AsyncSession, user_id: str, *, lock: bool = False) -> tuple[dict[str, Any], datetime]:
    """With the time of their last change. `lock` keeps others waiting. Raises NotFound."""
    statement = select(User.preferences, User.preferences_at, User.created_at).where(User.id == user_id)
    found = (await session.exec(statement.with_for_update() if lock else statement)).first()
    if found is None:
        raise NotFound.of("user")
    value, changed_at, created_at = found
    return dict(value), changed_at or created_at


async def save_preferences(session: AsyncSession, user_id: str, value: Mapping[str, Any], at: datetime) -> None:
    await _change(session, user_id, preferences=dict(value), preferences_at=at)


async def _edit(session: AsyncSession, user_id: str, **values: Any) -> None:
    """Something that others see."""
    await session.exec(update(User).where(col(User.id) == user_id).values(values))


async def _change(session: AsyncSession, user_id: str, **values: Any) -> None:
    """Not an edit: whoever has the user open in a form can still save it."""
    await _edit(session, user_id, updated_at=User.updated_at, **values)
