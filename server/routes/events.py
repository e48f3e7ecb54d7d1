"""The stored events by plain HTTP: some of them for who polls, or as they happen for who has only HTTP to listen."""

from collections.abc import AsyncIterator

import orjson
import structlog
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response, StreamingResponse

from server.errors import Forbidden, Invalid
from server.events.gate import may_read, reach_on
from server.events.limits import Reach, out_of_reach
from server.events.log import Position
from server.events.presence import Present, Reader
from server.events.schema import Cursor, Filter, StoredEvent
from server.events.tail import Ended, Tail, read_after
from server.events.topics import KIOSK, find_topic
from server.ids import new_id
from server.routes.endpoint import SIGNED_IN, Call, Endpoint, endpoint
from server.routes.plausible import AN_ID
from server.routes.responses import Following
from server.wire import Form, Time, Wire

EVENT_STREAM = "text/event-stream"
ASKED_AFTER_S = 1.5  # the answer may be 3 s old, and 5 s are promised
BEAT_AFTER_S = 15.0  # a client that has left is noticed by writing to it
COME_BACK_AFTER_MS = 2000


class TopicQuery(Form):
    topic: str = Field(min_length=1, max_length=200, description="a stored topic", examples=["attendance"])
    after: str | None = Field(
        None, max_length=100, description="`EPOCH:OFFSET`; left out: the newest event", examples=[f"{AN_ID}:57"]
    )
    camera_id: str | None = Field(None, max_length=64, description="only of this camera")
    person_id: str | None = Field(None, max_length=64, description="only of this person")
    department_id: str | None = Field(None, max_length=64, description="only about people of this department")
    type: str | None = Field(None, max_length=64, description="only of this type")

    @property
    def wanted(self) -> Filter:
        return Filter(
            camera_id=self.camera_id, person_id=self.person_id, department_id=self.department_id, type=self.type
        )


class EventsQuery(TopicQuery):
    limit: int = Field(100, ge=1, le=1000, description="so many at most")


class Event(Wire):
    id: str
    type: str
    time: Time
    source: str = Field(description="what it is about, such as cameras/<id>")
    data: dict[str, object] = Field(description="the resulting state, as on the WebSocket")


class LoggedEvent(Wire):
    offset: int = Field(description="its place in the topic")
    event: Event

    @classmethod
    def of(cls, stored: StoredEvent) -> "LoggedEvent":
        return cls(offset=stored.offset, event=Event.model_validate(stored))


@endpoint("GET", "/events", allow=SIGNED_IN, raises=(400,))
async def list_events(call: Call, query: EventsQuery) -> Following[LoggedEvent]:
    """The stored events of a topic that follow a place, in order.

    Ask again with `after` set to `meta.next`. `recovered: false`: history no longer reaches back that far, or is
    another one; load the state again and go on from there. Without `after` it is the newest event, which nothing
    follows yet. Needs the topic's permission; what is out of the reach of whoever asks is passed over.
    """
    topic, reach = await _topic(call, query)
    after = Position.parse(query.after) if query.after is not None else None
    found = await read_after(call.parts.hub.log, topic, after, query.limit, wanted=query.wanted, reach=reach)
    return Following([LoggedEvent.of(event) for event in found.events], str(found.next), found.recovered)


@endpoint("GET", "/events/stream", allow=SIGNED_IN, gives=EVENT_STREAM, raises=(400,))
async def stream_events(call: Call, query: TopicQuery) -> Response:
    """The stored events of a topic as Server-Sent Events, until the client leaves.

    The id of each is `EPOCH:OFFSET`, which a browser sends again as `Last-Event-ID` when it comes back (it counts
    before `after`): what was missed follows, each once and in order. The first message, `subscribed`, says where it
    begins; `recovered: false` in it: load the state again. The stream ends with the session, and where the history
    begins anew.
    """
    topic, reach = await _topic(call, query)
    given = call.request.headers.get("Last-Event-ID") or query.after
    place = Position.parse(given) if given is not None else None
    since = Cursor(epoch=place.epoch, offset=place.offset) if place is not None else None
    await call.parts.hub.log.head(topic)  # a database that is away is told while there is a status to tell it with
    tail = Tail(call.parts.hub, topic, since, wanted=query.wanted, reach=reach)
    # Stated, so that nothing on the way keeps events together to compress them.
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(call, tail, topic), media_type=EVENT_STREAM, headers=headers)


async def _told(call: Call, tail: Tail, topic: str) -> AsyncIterator[bytes]:
    clock, stopping = call.parts.clock, call.parts.stopping
    here = Present.of(call.who, new_id(), clock.now(), call.address, call.user_agent, "stream", 1)
    with call.parts.presence.having(Reader(here)):
        async with tail:
            start = tail.start
            begun = {"topic": topic, "epoch": start.epoch, "offset": start.offset, "recovered": tail.recovered}
            asked_s = told_s = clock.monotonic()
            yield b"retry: %d\n" % COME_BACK_AFTER_MS + _message(start, orjson.dumps(begun), b"subscribed")
            while not stopping.is_set():
                try:
                    events = await tail.take(ASKED_AFTER_S)
                except Ended:
                    return
                place = tail.place  # before anything else is waited for: later it may be past what has come meanwhile
                now_s = clock.monotonic()
                if tail.recheck_wanted or now_s - asked_s > ASKED_AFTER_S:
                    tail.recheck_wanted, asked_s = False, now_s
                    if not await _still_listens(call):
                        return
                if events:
                    told_s = now_s
                    yield b"".join([_message(at, event) for at, event in events])
                elif now_s - told_s > BEAT_AFTER_S:
                    told_s = now_s
                    # With the place, past all that was not for this reader; without data nobody is told anything.
                    yield b"id: " + str(place).encode() + b"\n\n"


def _message(place: Position, data: bytes, name: bytes = b"") -> bytes:
    kind = b"event: " + name + b"\n" if name else b""
    return b"id: " + str(place).encode() + b"\n" + kind + b"data: " + data + b"\n\n"


async def _still_listens(call: Call) -> bool:
    """While the database is away nobody can be asked, and nothing new is stored: asked again later."""
    try:
        return await call.parts.access.still_valid(call.who)
    except (SQLAlchemyError, OSError) as error:
        structlog.get_logger(__name__).warning("not_asked_yet", reason=type(error).__name__)
        return True


async def _topic(call: Call, query: TopicQuery) -> tuple[str, Reach]:
    """And what whoever asks gets to hear of on it. Raises Invalid where there is no such stored topic, Forbidden where
    they may not read it, or ask for a camera or a department outside of their limits."""
    topic = find_topic(query.topic)
    if topic is None:
        raise Invalid.field("topic", "unknown_topic", "There is no such topic.")
    if not topic.kind.durable:
        raise Invalid.field("topic", "not_durable", "That topic is not stored: it is on the WebSocket only.")
    if not may_read(call.who, topic):
        raise Forbidden(f"This needs the permission {topic.kind.permission}.")
    reach, subject = reach_on(call.who, topic), topic.subject or ""
    if (field := out_of_reach(reach, query.wanted)) is not None:
        raise Forbidden(f"{field}: that is outside of your limits.", code="limited")
    if topic.kind is KIOSK and reach.limited and not await call.parts.access.sees_kiosk(call.who, subject):
        raise Forbidden("That is outside of your cameras.")
    return topic.name, reach


ENDPOINTS: tuple[Endpoint, ...] = (list_events, stream_events)
