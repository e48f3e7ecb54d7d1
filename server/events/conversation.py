"""The realtime protocol without I/O: messages and the time go in, what is to be done comes out."""

import enum
import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from server.events.gate import Principal, may_read
from server.events.limits import may_follow, out_of_reach, reach_of
from server.events.log import Opened
from server.events.schema import (
    CLIENT_MESSAGES,
    Auth,
    ClientMessage,
    CloseCode,
    ErrorCode,
    ErrorMessage,
    Filter,
    Message,
    Ping,
    Pong,
    Ready,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from server.events.topics import Topic, find_topic


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """What one connection may ask of us."""

    auth_within_s: float = 5.0
    message_bytes: int = 16 * 1024
    messages_at_once: int = 256  # whoever comes back subscribes to everything at once
    messages_per_s: float = 32.0
    subscriptions: int = 64
    bad_messages: int = 10
    bad_within_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Send:
    message: Message


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Ask the gate, then say authenticated() or refused()."""

    token: str


@dataclass(frozen=True, slots=True)
class Open:
    """Follow the topic, then say opened() or failed()."""

    request: Subscribe
    topic: Topic


@dataclass(frozen=True, slots=True)
class Drop:
    """Stop following."""

    id: int


@dataclass(frozen=True, slots=True)
class Close:
    code: CloseCode
    reason: str


Action = Send | Authenticate | Open | Drop | Close


class Step(enum.Enum):
    WAITING = enum.auto()
    OPEN = enum.auto()
    CLOSED = enum.auto()


class Conversation:
    """One connection's side of the protocol. `now` is monotonic seconds."""

    def __init__(self, connection_id: str, now: float, limits: ConversationLimits | None = None) -> None:
        self.step = Step.WAITING
        self.principal: Principal | None = None
        self._id = connection_id
        self._limits = limits or ConversationLimits()
        self._auth_until = now + self._limits.auth_within_s
        self._asked = False
        self._token_until = math.inf
        self._bad: deque[float] = deque(maxlen=self._limits.bad_messages + 1)
        self._heard_at = now
        self._heard_lately = 0.0  # messages, less as many as the time since then allows
        self._told_to_slow_down = False
        self._topics: dict[int, tuple[Topic, Filter | None]] = {}

    def welcome(self, at: datetime) -> Send:
        """The first message."""
        return Send(Welcome(connection_id=self._id, server_time=at))

    def asking(self) -> None:
        """The client came with a ticket or a cookie, and the gate is asked; authenticated(), refused() or nobody()."""
        self._asked = True

    def nobody(self) -> None:
        """It told nothing: the client has to say who it is."""
        self._asked = False

    @property
    def deadline(self) -> float:
        """When due() has something to say."""
        if self.step is Step.WAITING:
            return self._auth_until
        return self._token_until if self.step is Step.OPEN else math.inf

    def due(self, now: float) -> list[Close]:
        """What the time that has passed asks for."""
        if now < self.deadline:
            return []
        if self.step is Step.WAITING:
            if self._asked:  # whoever has said who they are in time is not to be told to stay away for it
                return [self._close(CloseCode.RESTARTING, "Who you are cannot be told now. Come back in a moment.")]
            return [self._close(CloseCode.NOT_AUTHENTICATED, "Not authenticated in time.")]
        return [self._close(CloseCode.TOKEN_RAN_OUT, "The access token ran out.")]

    def receive(self, text: str | None, now: float) -> list[Action]:
        """One message of the client; None is one that was not text. Mind `pace_s` before the next."""
        if self.step is Step.CLOSED:
            return []
        return [*self._count(now), *self._take(text, now)]

    def pace_s(self, now: float) -> float:
        """How long the next message has to wait: who sends many is not refused, but read more slowly."""
        limits = self._limits
        above = self._heard_lately - (now - self._heard_at) * limits.messages_per_s - limits.messages_at_once
        return max(0.0, above / limits.messages_per_s)

    def _count(self, now: float) -> list[Action]:
        limits = self._limits
        allowed = (now - self._heard_at) * limits.messages_per_s
        self._heard_lately = max(0.0, self._heard_lately - allowed) + 1
        self._heard_at = now
        if self._heard_lately <= limits.messages_at_once:
            self._told_to_slow_down &= self._heard_lately > limits.messages_at_once / 2
            return []
        if self._told_to_slow_down:
            return []
        self._told_to_slow_down = True
        rule = f"At most {limits.messages_at_once} messages at once, then {limits.messages_per_s:g} a second."
        return [_error(ErrorCode.RATE_LIMITED, f"{rule} Yours are taken more slowly now; none is lost.")]

    def _take(self, text: str | None, now: float) -> list[Action]:
        limits = self._limits
        if text is None:
            return self._bad_message(now, ErrorCode.BAD_REQUEST, "Messages are text.")
        if len(text) > limits.message_bytes or len(text.encode()) > limits.message_bytes:
            return self._bad_message(now, ErrorCode.TOO_LARGE, f"At most {limits.message_bytes} bytes a message.")
        try:
            message = CLIENT_MESSAGES.validate_json(text)
        except ValidationError as error:
            return self._bad_message(now, ErrorCode.BAD_REQUEST, _say(error))
        return self._heard(message, now)

    def _heard(self, message: ClientMessage, now: float) -> list[Action]:
        if isinstance(message, Auth):
            self._asked = True
            return [Authenticate(message.token)]
        if isinstance(message, Ping):
            return [Send(Pong())]
        if self.step is Step.WAITING:
            return self._bad_message(now, ErrorCode.NOT_AUTHENTICATED, "Send auth first.", message.id)
        if isinstance(message, Unsubscribe):
            if message.id not in self._topics:
                return [_error(ErrorCode.UNKNOWN_ID, "No subscription with that id.", message.id)]
            del self._topics[message.id]
            return [Drop(message.id), Send(Unsubscribed(id=message.id))]
        return self._subscribe(message)

    def authenticated(self, principal: Principal, now: float, at: datetime) -> list[Action]:
        """The gate let somebody in: for the first time, or with a new token."""
        self._asked = False
        if self.step is Step.CLOSED:
            return []
        if self.principal is not None and principal.id != self.principal.id:
            return [_error(ErrorCode.FORBIDDEN, "That token is somebody else's.")]
        self.principal = principal
        self.step = Step.OPEN
        expires_at = principal.expires_at
        self._token_until = math.inf if expires_at is None else now + (expires_at - at).total_seconds()
        actions: list[Action] = [Send(Ready(user=principal.user))]
        reach = reach_of(principal)
        readable = {
            key
            for key, (topic, wanted) in self._topics.items()
            if may_read(principal, topic) and may_follow(reach, topic) and out_of_reach(reach, wanted) is None
        }
        for subscription_id in [key for key in self._topics if key not in readable]:
            del self._topics[subscription_id]
            actions.append(Drop(subscription_id))
            actions.append(_error(ErrorCode.FORBIDDEN, "The permission is gone.", subscription_id))
        return actions

    def refused(self, code: CloseCode, reason: str) -> list[Action]:
        """The gate let nobody in. Somebody who is in already stays in, with the token he has."""
        self._asked = False
        if self.step is Step.OPEN:
            wrong = ErrorCode.FORBIDDEN if code is CloseCode.NOT_ALLOWED else ErrorCode.NOT_AUTHENTICATED
            return [_error(wrong, reason)]
        return [self._close(code, reason)] if self.step is Step.WAITING else []

    def ended(self, at: datetime) -> list[Close]:
        """The session or key is not valid any more, or the token has run out: that is another matter."""
        if self.step is not Step.OPEN or self.principal is None:
            return []
        expires_at = self.principal.expires_at
        if expires_at is not None and expires_at <= at:
            return [self._close(CloseCode.TOKEN_RAN_OUT, "The access token ran out.")]
        return [self._close(CloseCode.SESSION_ENDED, "The session has ended.")]

    def opened(self, request: Subscribe, place: Opened | None, snapshot: dict[str, object] | None) -> list[Action]:
        """The topic is followed now; `place` is None for a volatile one."""
        answer = Subscribed(id=request.id, topic=request.topic, snapshot=snapshot)
        if place is not None:
            stand = {"epoch": place.epoch, "offset": place.offset, "recovered": place.recovered}
            answer = answer.model_copy(update=stand)
        return [Send(answer)]

    def failed(self, request: Subscribe) -> list[Action]:
        """The topic cannot be followed now."""
        self._topics.pop(request.id, None)
        return [_error(ErrorCode.UNAVAILABLE, "That cannot be had now. Try again.", request.id)]

    def outside(self, request: Subscribe) -> list[Action]:
        """The topic is about something outside of the principal's limits."""
        self._topics.pop(request.id, None)
        return [_outside(request.id)]

    def _subscribe(self, request: Subscribe) -> list[Action]:
        topic = find_topic(request.topic)
        if topic is None:
            return [_error(ErrorCode.UNKNOWN_TOPIC, "There is no such topic.", request.id)]
        if self.principal is None or not may_read(self.principal, topic):
            return [_error(ErrorCode.FORBIDDEN, f"This needs {topic.kind.permission}.", request.id)]
        reach = reach_of(self.principal)
        if not may_follow(reach, topic):
            return [_outside(request.id)]
        if (field := out_of_reach(reach, request.filter)) is not None:
            return [_error(ErrorCode.FORBIDDEN, f"filter.{field}: that is outside of your limits.", request.id)]
        if request.id in self._topics:
            return [_error(ErrorCode.ID_IN_USE, "That id is in use.", request.id)]
        if len(self._topics) >= self._limits.subscriptions:
            limit = self._limits.subscriptions
            return [_error(ErrorCode.TOO_MANY_SUBSCRIPTIONS, f"At most {limit} subscriptions.", request.id)]
        if request.since is not None and not topic.kind.durable:
            return [_error(ErrorCode.NOT_DURABLE, "That topic is not stored: leave out since.", request.id)]
        self._topics[request.id] = topic, request.filter
        return [Open(request, topic)]

    def _bad_message(self, now: float, code: ErrorCode, message: str, about: int | None = None) -> list[Action]:
        self._bad.append(now)
        if len(self._bad) > self._limits.bad_messages and now - self._bad[0] <= self._limits.bad_within_s:
            return [self._close(CloseCode.TOO_MANY_BAD_MESSAGES, "Too many bad messages.")]
        return [_error(code, message, about)]

    def _close(self, code: CloseCode, reason: str) -> Close:
        self.step = Step.CLOSED
        return Close(code, reason)


def _outside(about: int) -> Send:
    return _error(ErrorCode.FORBIDDEN, "That is outside of your cameras.", about)


def _error(code: ErrorCode, message: str, about: int | None = None) -> Send:
    return Send(ErrorMessage(id=about, code=code, message=message))


def _say(error: ValidationError) -> str:
    """Where and what, without repeating what was sent: it may be a token."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"[:200] if where else first["msg"][:200]
