"""Who is asking, as the realtime protocol needs to know it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from starlette.websockets import WebSocket

from server.events.limits import Reach, reach_of
from server.events.topics import JOBS, KIOSK, Topic


class Principal(Protocol):
    """Somebody who was let in."""

    @property
    def id(self) -> str: ...

    @property
    def user(self) -> dict[str, object]:
        """What `ready` tells the client about itself."""

    @property
    def expires_at(self) -> datetime | None: ...

    @property
    def kiosk_id(self) -> str | None:
        """Set for a kiosk, which may only read its own topic."""

    @property
    def key_id(self) -> str | None:
        """Set for a program, which comes with an API key."""

    @property
    def only_cameras(self) -> frozenset[str] | None:
        """The cameras that they are limited to; None: all."""

    @property
    def only_departments(self) -> frozenset[str] | None:
        """The departments that they are limited to; None: all."""

    def may(self, permission: str) -> bool: ...


class Gate(Protocol):
    """Lets in, or not."""

    async def by_token(self, token: str) -> Principal:
        """An access token, a kiosk's token or an API key; raises NotAuthenticated."""

    async def by_cookie(self, websocket: WebSocket) -> Principal | None:
        """The browser's session, its Origin checked; None without a cookie, Forbidden from a strange origin."""

    async def by_ticket(self, ticket: str) -> Principal | None:
        """A single-use ticket; None where it is not known (any more)."""

    async def still_valid(self, principals: Sequence[Principal]) -> Sequence[bool]:
        """Of each, whether the session or key has not ended meanwhile, with the same rights and limits.

        Asked often: answer from memory where possible.
        """

    async def sees_kiosk(self, principal: Principal, kiosk_id: str) -> bool:
        """Whether all cameras of a kiosk are within the limits of somebody who is limited."""


def may_read(principal: Principal, topic: Topic) -> bool:
    """Whether they may read a topic at all; a kiosk reads its own and no other, and of jobs every user their own.

    A key has none of its own: those of its owner are not what it was given for.
    """
    if principal.kiosk_id is not None:
        return topic.kind is KIOSK and topic.subject == principal.kiosk_id
    return (topic.kind is JOBS and principal.key_id is None) or principal.may(topic.kind.permission)


def reach_on(principal: Principal, topic: Topic) -> Reach:
    """What they get to hear of on that topic: of jobs, without the permission, only of their own."""
    reach = reach_of(principal)
    own_only = topic.kind is JOBS and not principal.may(JOBS.permission)
    return replace(reach, asker=principal.id) if own_only else reach
