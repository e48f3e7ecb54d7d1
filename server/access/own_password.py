"""The current password, asked for once more before something that matters; guessing it is slowed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.access.attempts import Attempts
from server.access.passwords import Passwords
from server.access.throttle import Throttle
from server.errors import Invalid
from server.store import users
from server.store.engine import Store

PER_USER = 10
WINDOW_S = 300
WRONG = "wrong_password"


class OwnPassword:
    """Whoever sits down at somebody else's open session has a few guesses, and no more."""

    def __init__(self, store: Store, passwords: Passwords, attempts: Attempts) -> None:
        self._store = store
        self._passwords = passwords
        self._throttle = Throttle(attempts, limit=PER_USER, window_s=WINDOW_S, name="own_password")

    async def check(self, user_id: str, password: str) -> None:
        """Raises Invalid on `currentPassword`, or TooMany."""
        async with self.asking(user_id):
            async with self._store.read() as session:
                account = await users.get(session, user_id)
            fits, _ = await self._passwords.verify(password, account.user.password_hash)
            if not fits:
                raise Invalid.field("currentPassword", WRONG, "The current password is wrong.")

    @asynccontextmanager
    async def asking(self, user_id: str) -> AsyncIterator[None]:
        """Around something that raises Invalid with the code `wrong_password`; raises TooMany."""
        await self._throttle.take(user_id)
        try:
            yield
        except Invalid as error:
            if WRONG not in [detail.code for detail in error.details]:
                await self._throttle.give_back(user_id)
            raise
        await self._throttle.forget(user_id)
