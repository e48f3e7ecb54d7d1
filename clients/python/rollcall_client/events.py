"""One connection to `/ws`, kept alive: whoever iterates hears each event once and in order, whatever breaks between."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from websockets import Subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, NegotiationError

from rollcall_client.address import pause_s, shown, socket_url
from rollcall_client.errors import NotAuthenticated, NotRollcall, RollcallError, Unreachable, closed_for_good
from rollcall_client.event_types import Filter
from rollcall_client.followed import Followed
from rollcall_client.items import AnyEvent, Cursor
from rollcall_client.subscription import Mailbox, Subscription
from rollcall_client.talk import Talk
from rollcall_client.tokens import Token, TokenProvider, provider_of
from rollcall_client.topics import Topics

SUBPROTOCOL = Subprotocol("rollcall.v1")
OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 5.0
STEADY_AFTER_S = 10.0
AUTH_WITHIN_S = 4.0  # the server waits for 5 s: a 4501 after these was a network that stalled, and not the token
STALLS = 3
MOST_BYTES = 64 * 1024 * 1024  # of one message: a snapshot is one
COME_BACK = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOG = logging.getLogger("rollcall_client")


class _Wire(logging.LoggerAdapter[logging.Logger]):
    """For `websockets`, which at DEBUG writes down what is sent: the token, the password and the ticket."""

    def isEnabledFor(self, level: int) -> bool:
        return level > logging.DEBUG and super().isEnabledFor(level)


class RollcallEvents(Topics):
    """The events of a server. Within `async with`.

    It comes back by itself after everything but what cannot get better: that is raised where somebody iterates. One
    connection is as fast as its slowest reader: with `queue_size` items waiting for one of its subscriptions it stops
    reading from the socket. Nothing is lost by that: where that lasts so long that the server gives the connection up
    (after 20 to 40 s), it goes on from its cursor on the next. Give a slow one an instance of its own."""

    def __init__(
        self,
        url: str,
        *,
        token: str | Token | TokenProvider | None = None,
        api_key: str | None = None,
        queue_size: int = 256,
        give_up_after_s: float | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`token`: an access token, or what answers one that is still good each time it is asked."""
        given = api_key if token is None else token
        if given is None or (token is not None and api_key is not None):
            raise ValueError("Either a token or an API key.")
        if queue_size < 1:
            raise ValueError("A queue holds at least one item.")
        self._url = socket_url(url)
        self._shown = shown(self._url)
        self._provider = provider_of(given)
        self._renewal = None if isinstance(given, (str, Token)) else self._provider
        self._queue_size = queue_size
        self._give_up_after_s = give_up_after_s
        self._ssl = (ssl_context or True) if self._url.startswith("wss:") else None
        self._followed = Followed()
        self._refusals = 0  # 4501 after 4501, without having been let in between

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._running = (
            self._tasks.create_task(self._run(), name="rollcall events"),
            self._tasks.create_task(self._followed.tidy(), name="rollcall events: those that were left"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._followed.end(None)
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def user(self) -> Mapping[str, object]:
        """Who is signed in, as the server said in `ready`; empty before that."""
        return self._followed.user

    @property
    def connected(self) -> bool:
        """Whether the server has let it in, and the connection still stands."""
        return self._followed.line is not None

    def _open(
        self, topic: str, since: Cursor | str | None, wanted: Filter | None, snapshot: bool
    ) -> Subscription[AnyEvent]:
        place = Cursor.parse(since) if isinstance(since, str) else since
        mailbox = Mailbox(topic, wanted, snapshot, place, self._queue_size)
        return Subscription(mailbox, self._followed)

    async def _run(self) -> None:
        try:
            await self._stay()
        except RollcallError as error:
            self._followed.end(error)
        except Exception as error:  # noqa: BLE001 - whoever iterates is not to wait for ever, and is told
            _LOG.exception("The client failed")
            self._followed.end(RollcallError(f"The client failed: {error!r}"))

    async def _stay(self) -> None:
        loop = asyncio.get_running_loop()
        last_in, failures, why = loop.time(), 0, "nobody has answered"
        while True:
            began_at = loop.time()
            until = None if self._give_up_after_s is None else last_in + self._give_up_after_s
            try:
                async with asyncio.timeout_at(until) as limit:
                    talk, why = await self._connection(limit)
            except TimeoutError:
                raise Unreachable(f"{self._shown}: not let in for {loop.time() - last_in:.0f} s; {why}") from None
            now = loop.time()
            failures += 1
            if talk is not None:
                why = self._closed(talk, now - began_at)
                if talk.ready_at is not None:
                    last_in = now
                    failures = 1 if now - talk.ready_at > STEADY_AFTER_S else failures
            pause = pause_s(failures)
            if self._give_up_after_s is not None:
                pause = min(pause, max(0.0, last_in + self._give_up_after_s - now))
            _LOG.info("%s: %s; again in %.1f s", self._shown, why, pause)
            await asyncio.sleep(pause)

    async def _connection(self, limit: asyncio.Timeout) -> tuple[Talk | None, str]:
        """One of them, from its beginning to its end; or why there was none. Raises what cannot get better."""
        try:
            token = await self._provider()
        except RollcallError:
            raise
        except Exception as error:  # noqa: BLE001 - the provider is the caller's: what it raises is no end yet
            _LOG.warning("No token could be had", exc_info=True)
            return None, f"no token: {error!r}"
        try:
            async with connect(
                self._url,
                subprotocols=[SUBPROTOCOL],
                open_timeout=OPEN_WITHIN_S,
                close_timeout=CLOSE_WITHIN_S,
                ping_interval=None,  # its pong waits behind what a slow reader has not taken
                max_size=MOST_BYTES,
                logger=_Wire(_LOG, {}),
                ssl=self._ssl,
            ) as socket:
                if socket.subprotocol != SUBPROTOCOL:
                    raise NotRollcall(f"{self._shown} does not speak {SUBPROTOCOL}.")
                talk = Talk(socket, self._followed, token, self._renewal, limit=limit)
                await talk.run()
                return talk, ""
        except InvalidStatus as error:
            if error.response.status_code not in COME_BACK:
                raise NotRollcall(f"{self._shown} answers {error.response.status_code}.") from error
            return None, str(error)
        except InvalidURI as error:
            raise NotRollcall(f"{self._shown}: {error.msg}") from None  # it says the whole address
        except NegotiationError as error:
            raise NotRollcall(f"{self._shown}: {error}") from error
        except (InvalidHandshake, OSError, TimeoutError, EOFError) as error:
            return None, str(error) or type(error).__name__

    def _closed(self, talk: Talk, after_s: float) -> str:
        """Why it is over, where coming back may help. Raises what ends it."""
        self._refusals = 0 if talk.ready_at is not None else self._refusals
        error = closed_for_good(talk.code, talk.reason)
        if isinstance(error, NotAuthenticated):
            # A network that stalled while we wanted to say who we are, or a token that has ended before its time and
            # is followed by another one.
            self._refusals += 1
            more = STALLS if after_s > AUTH_WITHIN_S else 1 if self._renewal is not None else 0
            error = None if self._refusals <= more else error
        if error is not None:
            raise error
        return f"closed with {talk.code} {talk.reason}".rstrip()
