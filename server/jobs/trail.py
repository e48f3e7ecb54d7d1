"""What jobs need of the audit: a line within the transaction of what it tells."""

from typing import Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.audit import Actor


class Trail(Protocol):
    """Writes down who did what."""

    async def record(
        self,
        session: AsyncSession,
        actor: Actor,
        action: str,
        resource: str,
        resource_id: str | None,
        *,
        before: object = None,
        after: object = None,
    ) -> None:
        """Within the caller's transaction."""
