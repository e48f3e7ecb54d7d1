"""Pumps one Starlette WebSocket through one Conversation."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.errors import Forbidden, RollcallError
from server.events.conversation import (
    Action,
    Authenticate,
    Close,
    Conversation,
    ConversationLimits,
    Drop,
    Open,
    Send,
)
from server.events.gate import Gate, Principal, reach_on
from server.events.hub import Hub
from server.events.keeper import AWAY
from server.events.outlet import EXTENSION, SendOutlet, Wire, WireOutlet, one
from server.events.presence import Presence, Present
from server.events.schema import SUBPROTOCOL, CloseCode, Subscribe
from server.events.subscription import Subscription
from server.events.topics import KIOSK, Topic, find_topic
from server.ids import new_id
from server.supervise import said

AGENT_KEPT = 400

Snapshots = Callable[[str, Principal], Awaitable[dict[str, object] | None]]


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """How long a client may keep us waiting."""

    stall_s: float = 30.0
    close_s: float = 10.0
    conversation: ConversationLimits = field(default_factory=ConversationLimits)


async def serve_socket(
    websocket: WebSocket,
    hub: Hub,
    gate: Gate,
    *,
    snapshots: Snapshots | None = None,
    limits: SocketLimits | None = None,
    presence: Presence | None = None,
) -> None:
    """From accept to close. Returns when the connection is over; may be cancelled."""
    offered: list[str] = websocket.scope.get("subprotocols") or []
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    connection = Connection(websocket, hub, gate, snapshots, limits or SocketLimits(), presence)
    hub.listeners.add(connection)
    hub.keeper.visitors.add(connection)
    try:
        with presence.having(connection) if presence is not None else nullcontext():
            await connection.run()
    finally:
        hub.listeners.discard(connection)
        hub.keeper.visitors.discard(connection)
        connection.leave_all()
    await connection.close()


class Connection:
    """One client and its subscriptions. The first reason to end wins.

    There may be thousands: what each has for itself is small, and one task reads from it and answers.
    """

    def __init__(
        self, websocket: WebSocket, hub: Hub, gate: Gate, snapshots: Snapshots | None, limits: SocketLimits,
        presence: Presence | None = None,
    ) -> None:  # fmt: skip
        self._websocket = websocket
        self._hub = hub
        self._gate = gate
        self._snapshots = snapshots
        self._limits = limits
        self._id, self._since = new_id(), hub.clock.now()
        self._presence = presence
        self._talk = Conversation(self._id, hub.clock.monotonic(), limits.conversation)
        self._subscriptions: dict[int, Subscription] = {}
        self._over = False
        self._reading: asyncio.Timeout | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks = asyncio.TaskGroup()
        self._catching_up: asyncio.Task[None] | None = None
        self._closing: tuple[CloseCode, str] | None = None
        self._drained = asyncio.Event()
        wire: Wire | None = websocket.scope.get("extensions", {}).get(EXTENSION, {}).get("wire")
        self._outlet = WireOutlet(wire, self._on_ready) if wire is not None else SendOutlet(websocket, self._on_ready)

    @property
    def gate(self) -> Gate:
        """See Visitor."""
        return self._gate

    @property
    def principal(self) -> Principal | None:
        """See Visitor."""
        return self._talk.principal

    def turned_away(self) -> None:
        """See Visitor."""
        for close in self._talk.ended(self._hub.clock.now()):
            self.end(close.code, close.reason)

    def recheck(self) -> None:
        """See Listener."""
        self._hub.keeper.look_now()

    def end(self, code: CloseCode | None, reason: str) -> None:
        """See Listener; without a code the client has gone already."""
        if not self._over:
            self._closing = None if code is None else (code, reason)
            self._over = True
            if self._reading is not None:
                self._reading.reschedule(asyncio.get_running_loop().time())

    def present(self) -> Present | None:
        """See Guest."""
        principal = self._talk.principal
        if principal is None:
            return None
        address = self._websocket.client.host if self._websocket.client else ""
        agent = self._websocket.headers.get("User-Agent", "")[:AGENT_KEPT]
        followed = len(self._subscriptions)
        return Present.of(principal, self._id, self._since, address, agent, "websocket", followed)

    async def run(self) -> None:
        """Until somebody says that it is over."""
        try:
            async with self._tasks as tasks:
                pump = tasks.create_task(self._until_gone(self._outlet.run))
                self._set_alarm()
                try:
                    async with asyncio.timeout(None) as self._reading:
                        await self._until_gone(self._read)
                except TimeoutError:  # set by end()
                    pass
                finally:
                    self._reading, self._over = None, True
                pump.cancel()
                if self._catching_up is not None:
                    self._catching_up.cancel()
        finally:
            if self._alarm is not None:
                self._alarm.cancel()

    async def close(self) -> None:
        """Says why, where the client is still there."""
        if self._closing is not None:
            code, reason = self._closing
            await self._outlet.close(code, reason, self._websocket, self._limits.close_s)

    def leave_all(self) -> None:
        """Nothing more is delivered."""
        for subscription in self._subscriptions.values():
            self._hub.leave(subscription)
        self._subscriptions.clear()

    async def _until_gone(self, part: Callable[[], Awaitable[None]]) -> None:
        try:
            await part()
        except WebSocketDisconnect:
            self.end(None, "")
        except (SQLAlchemyError, OSError) as error:
            structlog.get_logger(__name__).warning("database_unavailable", reason=said(error))
            self.end(CloseCode.RESTARTING, AWAY)
        except Exception:  # noqa: BLE001 - the edge: the client is told to come back, the server goes on
            structlog.get_logger(__name__).exception("a connection broke")
            self.end(CloseCode.INTERNAL, "Something went wrong here.")

    async def _read(self) -> None:
        await self._perform([self._talk.welcome(self._hub.clock.now())])
        await self._let_in_at_once()
        while not self._over:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            await self._perform(self._talk.receive(message.get("text"), self._hub.clock.monotonic()))
            await self._drain()
            # At least a turn for the others: what has come already is had without waiting.
            await asyncio.sleep(self._talk.pace_s(self._hub.clock.monotonic()))

    async def _let_in_at_once(self) -> None:
        """By ticket or cookie, where the client came with one."""
        ticket = self._websocket.query_params.get("ticket")
        self._talk.asking()
        try:
            if ticket is not None:
                principal = await self._gate.by_ticket(ticket)
                if principal is None:
                    await self._perform(self._talk.refused(CloseCode.NOT_AUTHENTICATED, "The ticket is not valid."))
                    return
            else:
                principal = await self._gate.by_cookie(self._websocket)
        except RollcallError as error:
            await self._refuse(error)
            return
        if principal is not None:
            await self._let_in(principal)
        else:
            self._talk.nobody()

    async def _let_in(self, principal: Principal) -> None:
        clock = self._hub.clock
        await self._perform(self._talk.authenticated(principal, clock.monotonic(), clock.now()))
        self._tell_presence()
        counts = self._talk.principal or principal  # whoever shows somebody else's token stays who they are
        for subscription in self._subscriptions.values():
            if (topic := find_topic(subscription.topic)) is not None:
                subscription.reach = reach_on(counts, topic)
        self._set_alarm()

    async def _refuse(self, error: RollcallError) -> None:
        code = CloseCode.NOT_ALLOWED if isinstance(error, Forbidden) else CloseCode.NOT_AUTHENTICATED
        await self._perform(self._talk.refused(code, error.message))

    async def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Send(message):
                    self._outlet.write(one(message.encode()))
                case Authenticate(token):
                    await self._authenticate(token)
                case Open(request, topic):
                    await self._open(request, topic)
                case Drop(subscription_id):
                    if subscription_id in self._subscriptions:
                        self._hub.leave(self._subscriptions.pop(subscription_id))
                        self._tell_presence()
                case Close(code, reason):
                    self.end(code, reason)

    async def _authenticate(self, token: str) -> None:
        try:
            principal = await self._gate.by_token(token)
        except RollcallError as error:
            await self._refuse(error)
        else:
            await self._let_in(principal)

    async def _open(self, request: Subscribe, topic: Topic) -> None:
        principal = self._talk.principal
        assert principal is not None
        reach = reach_on(principal, topic)
        subscription = Subscription(
            request.id, request.topic, request.filter, self._outlet, reach=reach, on_behind=self._on_behind,
            on_slow=self._on_slow,
        )  # fmt: skip
        self._subscriptions[request.id] = subscription
        try:
            if (
                topic.kind is KIOSK
                and reach.limited
                and not await self._gate.sees_kiosk(principal, topic.subject or "")
            ):
                del self._subscriptions[request.id]
                await self._perform(self._talk.outside(request))
                return
            place = await self._hub.follow(subscription, request.since) if topic.kind.durable else None
            if place is None:
                self._hub.watch(subscription)
            snapshot = None
            if request.snapshot and self._snapshots is not None:
                snapshot = await self._snapshots(request.topic, principal)
        except Exception as error:  # noqa: BLE001 - the database may fail in any way; the client may ask again
            structlog.get_logger(__name__).warning("topic_not_followed", topic=request.topic, reason=repr(error))
            self._subscriptions.pop(request.id, None)
            self._hub.leave(subscription)
            await self._perform(self._talk.failed(request))
            return
        await self._perform(self._talk.opened(request, place, snapshot))
        subscription.release()
        self._tell_presence()

    def _tell_presence(self) -> None:
        if self._presence is not None:
            self._presence.changed()

    def _set_alarm(self) -> None:
        """For when the time is up: to say who they are, or of the access token."""
        if self._alarm is not None:
            self._alarm.cancel()
        at_s = self._talk.deadline
        if not math.isinf(at_s):
            wait_s = max(0.0, at_s - self._hub.clock.monotonic())
            self._alarm = asyncio.get_running_loop().call_later(wait_s, self._on_alarm)

    def _on_alarm(self) -> None:
        closes = self._talk.due(self._hub.clock.monotonic())
        for close in closes:
            self.end(close.code, close.reason)
        if not closes:  # it was early
            self._set_alarm()

    def _on_behind(self) -> None:
        if self._catching_up is None and self._reading is not None:
            self._catching_up = self._tasks.create_task(self._until_gone(self._catch_up))

    async def _catch_up(self) -> None:
        """Reads from the log for those who are further back than memory reaches."""
        while behind := [one for one in self._subscriptions.values() if one.needs_log]:
            for subscription in behind:
                while subscription.needs_log:
                    page = await self._hub.pages.read(subscription.topic, subscription.cursor)
                    if not subscription.needs_log:  # it was given up meanwhile
                        break
                    if not subscription.replay(page):
                        self.end(CloseCode.TOO_SLOW, "History went past where you were.")
                        return
                    await self._drain()
                    await asyncio.sleep(0)  # a page that is there already is had without waiting
                subscription.advance()
        self._catching_up = None  # nothing has waited since there was nobody

    async def _drain(self) -> None:
        """Waits until the client takes what was written; a client that takes nothing for long is closed."""
        try:
            async with asyncio.timeout(self._limits.stall_s):
                while not self._outlet.ready:
                    self._drained.clear()
                    await self._drained.wait()
        except TimeoutError:
            self._on_slow()

    def _on_ready(self) -> None:
        self._drained.set()
        for subscription in tuple(self._subscriptions.values()):
            subscription.advance()

    def _on_slow(self) -> None:
        self.end(CloseCode.TOO_SLOW, "You read too slowly.")
