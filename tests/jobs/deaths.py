"""A process that is killed at a chosen moment: from then on neither its database nor its objects hear of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.objects.folder import FolderObjects
from server.store.engine import Store


class Killed(BaseException):
    """No cleaning up gets through after it, as after `kill -9`."""


class Fate:
    """Counts the moments between which a process may die: before and after each transaction, in the middle of one, and
    around what is done with objects. Those that are over when `dies_at` is reached have happened, and nothing else."""

    def __init__(self) -> None:
        self.dies_at: int | None = None
        self.moments = 0

    def moment(self) -> None:
        if self.dies_at is None:
            return
        self.moments += 1
        if self.moments >= self.dies_at:
            raise Killed

    def over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on it is asked at every step of every store and every folder of objects."""
        transaction, read = Store.transaction, Store.read

        @asynccontextmanager
        async def dying(store: Store) -> AsyncIterator[AsyncSession]:
            self.moment()
            async with transaction(store) as session:
                yield session
                self.moment()
            self.moment()

        @asynccontextmanager
        async def reading(store: Store) -> AsyncIterator[AsyncSession]:
            self.moment()
            async with read(store) as session:
                yield session

        def around(do: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def done(*arguments: Any) -> Any:
                self.moment()
                found = await do(*arguments)
                self.moment()
                return found

            return done

        monkeypatch.setattr(Store, "transaction", dying)
        monkeypatch.setattr(Store, "read", reading)
        for name in ("put", "get", "delete"):
            monkeypatch.setattr(FolderObjects, name, around(getattr(FolderObjects, name)))
