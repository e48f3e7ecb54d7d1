"""LiveSessions: everybody who watches or publishes over WebRTC, and the tasks that serve them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from contextvars import Context
from dataclasses import dataclass

from aiortc import RTCPeerConnection

from server.errors import NotFound, RollcallError, Unavailable
from server.webrtc.ice import IceServer, configuration
from server.webrtc.offer import check
from server.webrtc.packetiser import Packetiser
from server.webrtc.publisher import Publish, Publisher
from server.webrtc.session import CLOSE_WITHIN_S, Peer, Session
from server.webrtc.viewer import Feed, Messages, Viewer

Allowed = Callable[[], Awaitable[bool]]
_NOT_NOW = "The server is starting or stopping."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer is answered, the name of its session and the tag of that."""

    session_id: str
    sdp: str
    tag: str


class LiveSessions:
    """One in a process. A session is one task; it ends by itself, by its owner, with its camera or with the server."""

    def __init__(
        self, *, ice_servers: Sequence[IceServer] = (), max_sessions: int = 256, dead_after_s: float = 8.0
    ) -> None:
        self.ice_servers = tuple(ice_servers)
        self._max_sessions = max_sessions
        self._dead_after_s = dead_after_s
        self._packetiser = Packetiser()
        self._sessions: dict[str, Session] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Serves sessions until cancelled; then ends them all, and waits until nothing of them is left."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            with suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
            self._tasks = None
            for session in self._sessions.values():
                session.end()
        raise asyncio.CancelledError

    async def watch(
        self,
        offer: str,
        *,
        camera_id: str,
        owner: str,
        feed: AbstractContextManager[Feed],
        messages: AbstractContextManager[Messages] | None,
        allowed: Allowed,
    ) -> Answer:
        """A viewer. The feed is entered once it is connected. Raises BadRequest, Invalid or Unavailable."""

        return await self._open(
            offer,
            camera_id,
            owner,
            allowed,
            lambda connection: Viewer(connection, self._packetiser, feed, messages),
            limited=True,
        )

    async def publish(
        self, offer: str, *, camera_id: str, owner: str, publication: Publish, allowed: Allowed
    ) -> Answer:
        """A publisher: there is one a camera at most, so they are not counted. Its place is taken before the answer.

        Raises BadRequest, Invalid, Unavailable or Conflict.
        """
        return await self._open(
            offer, camera_id, owner, allowed, lambda connection: Publisher(connection, publication), limited=False
        )

    async def patch(
        self, session_id: str, camera_id: str, owner: str, fragment: str, if_match: str | None = None
    ) -> None:
        """Further candidates of a session of one's own. Raises NotFound, BadRequest, EditedMeanwhile or Invalid."""
        await self._own(session_id, camera_id, owner).patch(fragment, if_match)

    async def close(self, session_id: str, camera_id: str, owner: str) -> None:
        """Ends a session of one's own, and waits until nothing of it is left. Raises NotFound."""
        session = self._own(session_id, camera_id, owner)
        session.end()
        with suppress(TimeoutError):  # it is ending; whoever asked need not know of what holds it up
            async with asyncio.timeout(2 * CLOSE_WITHIN_S):
                await session.ended.wait()

    def counts(self) -> Mapping[str, int]:
        """How many sessions each camera has."""
        return Counter(session.camera_id for session in self._sessions.values())

    def _own(self, session_id: str, camera_id: str, owner: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None or (session.camera_id, session.owner) != (camera_id, owner):
            raise NotFound.of("session")
        return session

    async def _open(
        self,
        offer: str,
        camera_id: str,
        owner: str,
        allowed: Allowed,
        make: Callable[[RTCPeerConnection], Peer],
        *,
        limited: bool,
    ) -> Answer:
        check(offer)
        if self._tasks is None:
            raise Unavailable(_NOT_NOW)
        if limited and sum(session.limited for session in self._sessions.values()) >= self._max_sessions:
            raise Unavailable("Too many people watch at this moment. Try again later.", code="too_many_viewers")
        connection = RTCPeerConnection(configuration(self.ice_servers))
        session = Session(
            connection, make(connection), camera_id=camera_id, owner=owner, allowed=allowed,
            dead_after_s=self._dead_after_s, limited=limited,
        )  # fmt: skip
        self._sessions[session.id] = session
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # A context of its own: what it logs is not of the request that opened it.
        self._tasks.create_task(self._serve(session, offer, answered), context=Context())
        return Answer(session.id, await answered, session.tag)

    async def _serve(self, session: Session, offer: str, answered: asyncio.Future[str]) -> None:
        """All of a session, the answer too: aiortc leaves sockets behind if that is cancelled with its request."""
        refusal: RollcallError = Unavailable(_NOT_NOW)
        try:
            sdp = await session.answer(offer)
            if self._tasks is not None and not answered.done():
                answered.set_result(sdp)
                await session.run()
        except RollcallError as error:
            refusal = error
        finally:
            await session.close()
            del self._sessions[session.id]
            if not answered.done():
                answered.set_exception(refusal)
