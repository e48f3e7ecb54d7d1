"""One request on its way through a handler: who asks, from where, and on which condition."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request

from server.access.principal import Principal
from server.errors import EditedMeanwhile, NotAuthenticated
from server.parts import Parts
from server.store import paging
from server.store.audit import Actor
from server.wire import Form

AGENT_KEPT = 400
_WEAK = re.compile(r"^W/")


class ShortQuery(Form):
    """What a list takes that is short and has one order."""

    page: int = Field(1, ge=1, le=1_000_000, description="which page, from 1")
    page_size: int = Field(20, ge=1, le=200, description="how many on a page")

    @property
    def wanted(self) -> paging.Page:
        return paging.Page(self.page, self.page_size)


class Query(ShortQuery):
    """What every other list takes."""

    search: str | None = Field(None, max_length=200, description="only what has these letters in it")
    sort: str | None = Field(None, max_length=40, description="a field, with `-` before it from the last to the first")

    @property
    def wanted(self) -> paging.Page:
        return paging.Page(self.page, self.page_size, self.search, self.sort)


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a handler."""

    request: Request
    parts: Parts
    principal: Principal | None

    @property
    def who(self) -> Principal:
        if self.principal is None:
            raise NotAuthenticated("Sign in first.")
        return self.principal

    @property
    def address(self) -> str:
        """Where the request comes from; behind a proxy that is trusted, where it came from there."""
        return self.request.client.host if self.request.client else ""

    @property
    def user_agent(self) -> str:
        return self.request.headers.get("User-Agent", "")[:AGENT_KEPT]

    @property
    def standing_for(self) -> str:
        """Who it is in a line of the log: a kind and an id, no name."""
        kind, own_id, _ = _described(self.principal)
        return f"{kind} {own_id}"

    @property
    def actor(self) -> Actor:
        """Who the audit says that it was."""
        kind, own_id, name = _described(self.principal)
        request_id = str(self.request.scope.get("request_id", ""))
        return Actor(kind, own_id, name, self.address, self.user_agent, request_id)

    async def audit(
        self,
        session: AsyncSession,
        action: str,
        resource: str,
        resource_id: str | None,
        *,
        before: BaseModel | Mapping[str, object] | None = None,
        after: BaseModel | Mapping[str, object] | None = None,
    ) -> None:
        """Notes what is being done, within its transaction and before any event is appended there."""
        await self.parts.access.audit.record(
            session, self.actor, action, resource, resource_id, before=before, after=after
        )

    @property
    def unchanged(self) -> Callable[[datetime], None]:
        """check_unchanged, to be called by others inside of their transaction."""
        return self.check_unchanged

    def check_unchanged(self, updated_at: datetime) -> None:
        """Honours If-Match: raises EditedMeanwhile when the row is no longer the one that was read."""
        wanted = self.request.headers.get("If-Match")
        if wanted is None or wanted.strip() == "*":
            return
        if etag(updated_at) not in [_row_tag(tag) for tag in wanted.split(",")]:
            raise EditedMeanwhile("Somebody else changed this meanwhile. Load it again and repeat your change.")


def etag(updated_at: datetime, shown: str = "") -> str:
    """A row's tag. What it was shown as may follow: If-Match looks at the row only."""
    return f'"{int(updated_at.timestamp() * 1_000_000):x}{f"-{shown}" if shown else ""}"'


def _row_tag(tag: str) -> str:
    # A proxy that compresses marks every tag as weak; the row is the same.
    row, shown, _ = _WEAK.sub("", tag.strip()).partition("-")
    return f'{row}"' if shown else row


def _described(principal: Principal | None) -> tuple[str, str | None, str]:
    if principal is None:
        return "nobody", None, ""
    if principal.kiosk_id is not None:
        return "kiosk", principal.kiosk_id, principal.full_name
    if principal.key_id is not None:
        return "key", principal.key_id, principal.email
    return "user", principal.user_id, principal.email
