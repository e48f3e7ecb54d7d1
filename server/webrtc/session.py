"""One peer: from its offer to the moment when it is gone, whatever the reason."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from typing import Protocol

import structlog
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import OperationError

from server.errors import BadRequest, EditedMeanwhile, Invalid, RollcallError, Unavailable
from server.ids import new_id
from server.webrtc.ice import Ear, add_candidates, add_loopback, transport_of
from server.webrtc.offer import cleaned, ice_login, not_supported

CONNECT_WITHIN_S = 15.0
NEGOTIATE_WITHIN_S = 5.0
CLOSE_WITHIN_S = 5.0
ASK_EVERY_S = 1.5  # the answer may be 3 s old, and 5 s are promised
LISTEN_EVERY_S = 0.5
_OVER = ("failed", "closed", "disconnected")


class Peer(Protocol):
    """What one side of a connection does: a viewer or a publisher."""

    def negotiated(self, offer: str, closing: ExitStack) -> None:
        """Between offer and answer; what it enters into `closing` lasts as long as the session."""

    async def talk(self) -> None:
        """While connected, until there is nothing more to do."""


class Session:
    """A peer connection with its owner. One task answers, runs and closes it; then nothing of the peer is left."""

    def __init__(
        self,
        connection: RTCPeerConnection,
        peer: Peer,
        *,
        camera_id: str,
        owner: str,
        allowed: Callable[[], Awaitable[bool]],
        dead_after_s: float,
        limited: bool = True,
    ) -> None:
        self.id = new_id()
        self.camera_id = camera_id
        self.owner = owner
        self.limited = limited
        self._connection = connection
        self._peer = peer
        self._closing = ExitStack()
        self.ended = asyncio.Event()
        self._allowed = allowed
        self._dead_after_s = dead_after_s
        self._connected = asyncio.Event()
        self._over = asyncio.Event()
        self._transport = transport_of(connection)
        add_loopback(self._transport)
        self._ear = Ear()
        self._ice_login: frozenset[str] = frozenset()
        connection.on("connectionstatechange", self._on_state)

    async def answer(self, offer: str) -> str:
        """The answer to an offer. Raises BadRequest, Invalid, or what the peer has to say."""
        connection = self._connection
        self._ice_login = ice_login(offer)
        try:
            async with asyncio.timeout(NEGOTIATE_WITHIN_S):
                await connection.setRemoteDescription(RTCSessionDescription(cleaned(offer), "offer"))
                await add_candidates(self._transport, offer)
                for other in connection.getTransceivers()[1:]:
                    other.direction = "inactive"
                self._peer.negotiated(offer, self._closing)
                await connection.setLocalDescription(await connection.createAnswer())
                self._ear.listen_at(self._transport)
                return str(connection.localDescription.sdp)
        except RollcallError:
            raise
        except OperationError:
            raise not_supported("The offer has no codec that is supported here.") from None
        except (TimeoutError, OSError):  # of this machine, not of the offer: it may be repeated
            raise Unavailable("The server is too busy to answer. Try again in a moment.", code="busy") from None
        except Exception as error:  # noqa: BLE001 - aiortc parses by position and fails in every way there is
            structlog.get_logger(__name__).info("offer_refused", reason=type(error).__name__)
            raise BadRequest("The session description cannot be understood.", code="bad_sdp") from None

    @property
    def tag(self) -> str:
        """The entity tag of its ICE session: the only one that it has, as ICE is not restarted."""
        return f'"{self.id}"'

    async def patch(self, fragment: str, if_match: str | None = None) -> None:
        """Further candidates. Raises BadRequest, EditedMeanwhile where `if_match` names another ICE session, and
        Invalid where ICE is to be restarted: the peer opens a new session instead."""
        # A proxy that compresses marks tags as weak; the session is the same.
        if if_match is not None and not {"*", self.tag} & {
            one.strip().removeprefix("W/") for one in if_match.split(",")
        }:
            raise EditedMeanwhile("That is not the ICE session that is connected.", code="ice_session_changed")
        if not ice_login(fragment) <= self._ice_login:
            raise Invalid("ICE cannot be restarted here: open a new session.", code="ice_restart_not_supported")
        try:
            await add_candidates(self._transport, fragment)
        except (ValueError, AssertionError):
            raise BadRequest("A candidate cannot be understood.", code="bad_sdp") from None

    def end(self) -> None:
        """It is over; `ended` is set when nothing of it is left."""
        self._over.set()

    async def run(self) -> None:
        """Waits for the connection and lets the peer use it, until either ends. Never fails."""
        log = structlog.get_logger(__name__).bind(camera=self.camera_id, session=self.id)
        try:
            async with asyncio.TaskGroup() as tasks:
                parts = {
                    tasks.create_task(self._talk()): "nothing_more",
                    tasks.create_task(self._listen()): "silent",
                    tasks.create_task(self._ask()): "not_allowed",
                    tasks.create_task(self._over_comes()): "closed",
                }
                done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                log.info("session_ended", reason=parts[done.pop()])
                for part in parts:
                    part.cancel()
        except* Exception as errors:  # noqa: BLE001 - one peer does not touch the others
            log.error("session_failed", reason="; ".join(type(error).__name__ for error in errors.exceptions))

    async def close(self) -> None:
        """Takes the connection down, whatever state it is in. Never fails."""
        log = structlog.get_logger(__name__).bind(camera=self.camera_id, session=self.id)
        try:
            self._closing.close()
            async with asyncio.timeout(CLOSE_WITHIN_S):
                # aiortc closes by itself when the peer does; whoever waits for that must not cancel it.
                await asyncio.shield(self._connection.close())
        except Exception as error:  # noqa: BLE001 - whatever it is, the sockets are closed
            log.warning("session_not_closed", reason=type(error).__name__)
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._transport.stop()
        finally:
            self.ended.set()

    async def _talk(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._connected.wait()
        except TimeoutError:
            return
        await self._peer.talk()

    async def _listen(self) -> None:
        """Ends when the peer has been silent for too long: a tab that is gone says nothing."""
        await self._connected.wait()
        while self._ear.silent_s < self._dead_after_s:  # noqa: ASYNC110 - silence has no event
            await asyncio.sleep(LISTEN_EVERY_S)

    async def _ask(self) -> None:
        """Ends when its user may not go on."""
        while await self._allowed():  # noqa: ASYNC110 - nor has the end of a session elsewhere
            await asyncio.sleep(ASK_EVERY_S)

    async def _over_comes(self) -> None:
        await self._over.wait()

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in _OVER:
            self._over.set()
