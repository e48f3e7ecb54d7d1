"""Every message of the realtime protocol, both ways, as classes; and the close codes."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, TypeAdapter
from pydantic.alias_generators import to_camel

from server.events.topics import check_event_type

SUBPROTOCOL = "rollcall.v1"


class CloseCode(IntEnum):
    """4000 to 4499: come back with the cursor. 4500 to 4999: do not."""

    INTERNAL = 1011
    RESTARTING = 1012
    TOO_SLOW = 4001
    TOKEN_RAN_OUT = 4002
    NOT_AUTHENTICATED = 4501
    NOT_ALLOWED = 4503
    SESSION_ENDED = 4510
    TOO_MANY_BAD_MESSAGES = 4520

    @property
    def come_back(self) -> bool:
        return self < 4500


class ErrorCode(StrEnum):
    """What an `error` message may say. It leaves the connection open."""

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    NOT_AUTHENTICATED = "not_authenticated"
    FORBIDDEN = "forbidden"
    UNKNOWN_TOPIC = "unknown_topic"
    NOT_DURABLE = "not_durable"
    ID_IN_USE = "id_in_use"
    UNKNOWN_ID = "unknown_id"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to be appended to a durable topic. `data` is the resulting state, as plain JSON values."""

    topic: str
    type: str
    source: str
    data: dict[str, object]
    time: datetime

    def __post_init__(self) -> None:
        check_event_type(self.topic, self.type, durable=True)
        if self.time.tzinfo is None:
            raise ValueError("An event's time needs a zone.")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the log."""

    topic: str
    offset: int
    id: str
    type: str
    time: datetime
    source: str
    data: dict[str, object]


class Message(BaseModel):
    """camelCase on the wire, nothing that is not named here."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", frozen=True
    )

    def encode(self) -> bytes:
        """JSON without what is absent."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


SubscriptionId = Annotated[StrictInt, Field(ge=0, le=2**53 - 1, description="Of the client's choosing.")]
Offset = Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]


class Cursor(Message):
    """A place in the log: offsets of another epoch mean nothing."""

    epoch: str = Field(max_length=64)
    offset: Offset


class Filter(Message):
    """All that are given must match."""

    camera_id: str | None = Field(default=None, max_length=64)
    person_id: str | None = Field(default=None, max_length=64)
    department_id: str | None = Field(default=None, max_length=64, description="of the person that an event is about")
    type: str | None = Field(default=None, max_length=64)

    def __bool__(self) -> bool:
        return any(one is not None for one in (self.camera_id, self.person_id, self.department_id, self.type))


class Auth(Message):
    """First, and again before the token runs out."""

    type: Literal["auth"]
    token: str = Field(min_length=1, max_length=8192)


class Subscribe(Message):
    type: Literal["subscribe"]
    id: SubscriptionId
    topic: str = Field(min_length=1, max_length=200)
    since: Cursor | None = None
    filter: Filter | None = None
    snapshot: bool = Field(default=False, description="whether the answer is to carry the state of a stored topic")


class Unsubscribe(Message):
    type: Literal["unsubscribe"]
    id: SubscriptionId


class Ping(Message):
    type: Literal["ping"]


ClientMessage = Annotated[Auth | Subscribe | Unsubscribe | Ping, Field(discriminator="type")]
CLIENT_MESSAGES: TypeAdapter[Auth | Subscribe | Unsubscribe | Ping] = TypeAdapter(ClientMessage)


class Welcome(Message):
    type: Literal["welcome"] = "welcome"
    connection_id: str
    server_time: datetime


class Ready(Message):
    type: Literal["ready"] = "ready"
    user: dict[str, object]


class Subscribed(Message):
    """`offset` is the head; with `since`, what was missed follows, then live.

    Volatile topics have no epoch, offset or recovered."""

    type: Literal["subscribed"] = "subscribed"
    id: SubscriptionId
    topic: str
    epoch: str | None = None
    offset: int | None = None
    recovered: bool | None = None
    snapshot: dict[str, object] | None = Field(
        default=None, description="where it was asked for: see `snapshot` of the topic in `x-topics`"
    )


class EventBody(Message):
    id: str
    type: str
    time: datetime
    source: str
    data: dict[str, object]


class EventMessage(Message):
    """`previous` is the offset of the event before it in this subscription. Volatile topics have neither."""

    type: Literal["event"] = "event"
    id: SubscriptionId
    offset: int | None = None
    previous: int | None = None
    event: EventBody


class Unsubscribed(Message):
    type: Literal["unsubscribed"] = "unsubscribed"
    id: SubscriptionId


class Pong(Message):
    type: Literal["pong"] = "pong"


class ErrorMessage(Message):
    type: Literal["error"] = "error"
    id: SubscriptionId | None = None
    code: ErrorCode
    message: str


ServerMessage = Annotated[
    Welcome | Ready | Subscribed | EventMessage | Unsubscribed | Pong | ErrorMessage, Field(discriminator="type")
]
SERVER_MESSAGES: TypeAdapter[Welcome | Ready | Subscribed | EventMessage | Unsubscribed | Pong | ErrorMessage] = (
    TypeAdapter(ServerMessage)
)
