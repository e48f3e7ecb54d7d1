"""What is said on one connection, from `welcome` to its close."""

import asyncio
import json
import logging
from datetime import datetime, timedelta

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from rollcall_client.address import pause_s
from rollcall_client.errors import RollcallError, SubscriptionRefused
from rollcall_client.followed import Followed, Message, send
from rollcall_client.items import AnyEvent, Cursor, Event, Resync
from rollcall_client.subscription import Mailbox
from rollcall_client.tokens import Token, TokenProvider, lifetime_s, renew_after_s

GAP = 4000
PING_EVERY_S, PONG_WITHIN_S = 15.0, 20.0  # a peer that died without a word is noticed within 35 s
_LOG = logging.getLogger("rollcall_client")


class _Gap(Exception):
    """An event is missing: the next connection goes on from the cursor, and the server sends it."""


class Talk:
    """One connection that is open. `ready_at` is when it let us in, by the loop's clock; None before that."""

    def __init__(
        self,
        socket: ClientConnection,
        followed: Followed,
        token: Token | str,
        renewal: TokenProvider | None,
        *,
        limit: asyncio.Timeout | None = None,
    ) -> None:
        """`limit` is that of being let in: it does not count any more after that."""
        self.ready_at: float | None = None
        self.code, self.reason = 1006, ""
        self._socket = socket
        self._followed = followed
        self._token = token
        self._renewal = renewal
        self._limit = limit
        self._server_time: datetime | None = None
        self._welcome_at = 0.0  # when it was that time, by the loop's clock
        self._fatal: RollcallError | None = None
        self._helpers: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Until it is closed; `code` and `reason` say how. Raises what a token provider gives up with."""
        async with asyncio.TaskGroup() as tasks:
            self._helpers.append(tasks.create_task(self._ping()))
            try:
                while True:
                    await self._hear(json.loads(await self._next()), tasks)
            except ConnectionClosed as closed:
                if closed.rcvd is not None:
                    self.code, self.reason = closed.rcvd.code, closed.rcvd.reason
                elif closed.sent is not None and not self.reason:
                    self.reason = f"after we had sent {closed.sent}"
            except _Gap as gap:
                self.code, self.reason = GAP, str(gap)
                await self._socket.close(GAP, "gap")
            finally:
                self._followed.line = None
                for helper in self._helpers:
                    helper.cancel()
        if self._fatal is not None:
            raise self._fatal

    async def _next(self) -> str | bytes:
        """Only the time in which we listen counts: while a full mailbox holds us up, nobody can be heard."""
        try:
            async with asyncio.timeout(PING_EVERY_S + PONG_WITHIN_S):
                return await self._socket.recv()
        except TimeoutError:
            self.reason = "nothing was heard of the server any more"
            self._socket.transport.abort()
            return await self._socket.recv()

    async def _ping(self) -> None:
        """So that something is to be heard: `pong` comes in its turn, after what waits before it."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await send(self._socket, {"type": "ping"})

    async def _hear(self, message: Message, tasks: asyncio.TaskGroup) -> None:
        mailbox = self._followed.find(message.get("id"))
        match message["type"]:
            case "welcome":
                self._server_time = datetime.fromisoformat(message["serverTime"])
                self._welcome_at = asyncio.get_running_loop().time()
                await self._authenticate()
            case "ready":
                await self._ready(message, tasks)
            case "subscribed" if mailbox is not None:
                await self._subscribed(mailbox, message)
            case "event" if mailbox is not None:
                await self._event(mailbox, message)
            case "error":
                self._wrong(mailbox, message, tasks)
            case _:
                pass  # pong, unsubscribed, what is still on its way to who has left, and what later servers say

    async def _authenticate(self) -> None:
        token = self._token
        await send(self._socket, {"type": "auth", "token": token.value if isinstance(token, Token) else token})

    async def _ready(self, message: Message, tasks: asyncio.TaskGroup) -> None:
        self._followed.user = message["user"]
        if self.ready_at is not None:
            return  # with a new token
        self.ready_at = asyncio.get_running_loop().time()
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(None)
        if self._renewal is not None:
            self._helpers.append(tasks.create_task(self._renew(self._renewal)))
        await self._followed.ask_all(self._socket)

    def _life(self) -> float | None:
        """How long the token is still good, by the server's clock."""
        assert self._server_time is not None
        since = asyncio.get_running_loop().time() - self._welcome_at
        return lifetime_s(self._token, self._server_time + timedelta(seconds=since))

    async def _renew(self, provider: TokenProvider) -> None:
        """A new token before the old one runs out, inside the connection."""
        failures = 0
        left = self._life()
        while left is not None and left > 0:
            await asyncio.sleep(pause_s(failures) if failures else renew_after_s(left))
            try:
                self._token = await provider()
            except RollcallError as error:
                self._fatal = error
                await self._socket.close()
                return
            except Exception:  # noqa: BLE001 - the provider is the caller's: what it raises is no end yet
                failures += 1
                _LOG.warning("No new token could be had", exc_info=True)
                continue
            failures = 0
            await self._authenticate()
            left = self._life()

    async def _subscribed(self, mailbox: Mailbox, message: Message) -> None:
        snapshot = message.get("snapshot")
        head = Cursor(message["epoch"], message["offset"]) if message.get("epoch") is not None else None
        resumed = mailbox.heard is not None and head is not None
        if resumed and message["recovered"]:
            mailbox.begun.set()
            return
        if resumed:
            mailbox.heard, mailbox.lost = None, True
            if mailbox.snapshot:  # asked for only where it is needed: a server that restarts has enough to do
                await send(self._socket, {"type": "unsubscribe", "id": mailbox.id})
                await self._followed.ask(self._socket, mailbox)
                return
        lost, mailbox.lost = mailbox.lost, False
        mailbox.heard = head
        if lost or (mailbox.snapshot and head is not None) or snapshot is not None:
            await mailbox.put(Resync(mailbox.topic, not lost, snapshot, head))
        elif mailbox.taken is None:
            mailbox.taken = head
        mailbox.begun.set()

    async def _event(self, mailbox: Mailbox, message: Message) -> None:
        if mailbox.over:
            await self._followed.leave(mailbox)
            return
        offset = message.get("offset")
        if offset is None:
            mailbox.show(_event_of(mailbox.topic, message["event"], None))
            return
        heard = mailbox.heard
        if heard is None or message["previous"] > heard.offset:
            raise _Gap(f"{mailbox.topic}: {offset} follows {message['previous']}, and {heard} was the last")
        if offset <= heard.offset:
            return
        place = Cursor(heard.epoch, offset)
        await mailbox.put(_event_of(mailbox.topic, message["event"], place))
        mailbox.heard = place

    def _wrong(self, mailbox: Mailbox | None, message: Message, tasks: asyncio.TaskGroup) -> None:
        if mailbox is None:
            _LOG.warning("The server says %s: %s", message["code"], message["message"])
        elif message["code"] == "unavailable":
            self._helpers.append(tasks.create_task(self._ask_again(mailbox)))
        else:
            error = SubscriptionRefused(mailbox.topic, message["code"], message["message"])
            self._followed.refuse(mailbox, error)

    async def _ask_again(self, mailbox: Mailbox) -> None:
        await asyncio.sleep(pause_s(2))
        if self._followed.find(mailbox.id) is mailbox and not mailbox.over:
            await self._followed.ask(self._socket, mailbox)


def _event_of(topic: str, body: Message, place: Cursor | None) -> AnyEvent:
    time = datetime.fromisoformat(body["time"])
    return Event(topic, body["id"], body["type"], time, body["source"], body["data"], place)
