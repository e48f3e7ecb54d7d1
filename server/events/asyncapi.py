"""The AsyncAPI 3 document of the realtime protocol, made from the classes that speak it."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.events.examples import FROM_CLIENT_EXAMPLES, FROM_SERVER_EXAMPLES, Example, event_examples
from server.events.facts import FACTS, SNAPSHOTS
from server.events.schema import (
    SUBPROTOCOL,
    Auth,
    CloseCode,
    ErrorCode,
    ErrorMessage,
    EventMessage,
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
from server.events.topics import TOPIC_KINDS, TopicKind

Json = dict[str, object]

FROM_CLIENT: dict[str, type[Message]] = {
    "auth": Auth,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "ping": Ping,
}
FROM_SERVER: dict[str, type[Message]] = {
    "welcome": Welcome,
    "ready": Ready,
    "subscribed": Subscribed,
    "unsubscribed": Unsubscribed,
    "pong": Pong,
    "error": ErrorMessage,
}
# What a message is for, where its class does not say it; and what an event tells.
SUMMARIES = {
    "subscribe": "Follow a topic, from now on or from a place on.",
    "unsubscribe": "No more of that subscription.",
    "ping": "Asks whether the server is still there.",
    "welcome": "The server is there. Now say who you are.",
    "ready": "You are let in; also after each later `auth`.",
    "unsubscribed": "Nothing more follows under that id.",
    "pong": "The answer to `ping`.",
    "error": "One message is refused. The connection stays open.",
    "sighting.recognized": "Somebody was seen, and it is known who.",
    "sighting.unknown": "Somebody was seen, and it is not known who.",
    "sighting.closed": "Whoever it was has gone out of the picture.",
    "sighting.corrected": "Somebody has said who it was, or was not.",
    "attendance.checked_in": "Somebody has come.",
    "attendance.checked_out": "Somebody has gone.",
    "attendance.corrected": "An entry was corrected by hand.",
    "attendance.refused": "Somebody was recognised and gets no entry.",
    "camera.added": "There is a new camera.",
    "camera.changed": "Something about it has changed.",
    "camera.removed": "It is there no longer.",
    "camera.online": "Its pictures arrive.",
    "camera.offline": "Its pictures do not arrive; the reason is in its status.",
    "alert.raised": "Somebody should look at something.",
    "alert.cleared": "It is over.",
    "job.progress": "A job is asked for, begun, further, or to be begun again.",
    "job.done": "A job has ended well.",
    "job.failed": "A job has ended, and not well.",
    "kiosk.greeting": "Whom the screen greets.",
    "kiosk.unknown": "The screen sees somebody whom it does not know.",
    "kiosk.challenge": "What whoever stands before the screen is asked to do.",
    "tracks.updated": "Where the faces are in one frame.",
    "system.stats": "How much the server has to do.",
}
# What each message of a client is answered with.
ANSWERS: dict[str, tuple[str, ...]] = {
    "auth": ("ready", "error"),
    "subscribe": ("subscribed", "error"),
    "unsubscribe": ("unsubscribed", "error"),
    "ping": ("pong",),
}
CLOSE_REASONS = {
    CloseCode.INTERNAL: "Something went wrong in the server.",
    CloseCode.RESTARTING: "The server restarts, its history begins anew, or its database does not answer in time.",
    CloseCode.TOO_SLOW: "The client reads too slowly.",
    CloseCode.TOKEN_RAN_OUT: "The access token ran out.",
    CloseCode.NOT_AUTHENTICATED: "Not authenticated, or nothing heard in time.",
    CloseCode.NOT_ALLOWED: "Not allowed.",
    CloseCode.SESSION_ENDED: "The session or key has ended, or its rights or limits are others now.",
    CloseCode.TOO_MANY_BAD_MESSAGES: "Too many bad messages.",
}


def asyncapi(version: str) -> Json:
    """The document, as plain JSON values."""
    to_client = [*FROM_SERVER, *(f"event.{name}" for name in FACTS)]
    every = [*FROM_CLIENT, *to_client]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rollcall realtime",
            "version": version,
            "description": "The server accepts, sends `welcome`, waits for authentication and sends `ready`. "
            "An error to one message leaves the connection open.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/ws",
                "description": f"WebSocket, subprotocol `{SUBPROTOCOL}`, JSON text messages.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in every},
                "bindings": {"ws": {"method": "GET", "query": _ticket()}},
            }
        },
        "operations": {
            "fromClient": _operation("receive", FROM_CLIENT),
            "fromServer": _operation("send", to_client),
            **{name: _asked(name, answers) for name, answers in ANSWERS.items()},
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
        "x-subprotocol": SUBPROTOCOL,
        "x-topics": [_topic(kind) for kind in TOPIC_KINDS],
        "x-close-codes": [
            {"code": int(code), "comeBack": code.come_back, "reason": CLOSE_REASONS[code]} for code in CloseCode
        ],
        "x-error-codes": [str(code) for code in ErrorCode],
    }


def _ticket() -> Json:
    ticket = {"type": "string", "description": "From POST /api/v1/auth/ticket: single use, 30 s."}
    return {"type": "object", "properties": {"ticket": ticket}}


def _operation(action: str, names: Iterable[str]) -> Json:
    messages = [{"$ref": f"#/channels/ws/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/ws"}, "messages": messages}


def _asked(name: str, answers: Sequence[str]) -> Json:
    """One message of a client with what it is answered with."""
    reply = {
        "channel": {"$ref": "#/channels/ws"},
        "messages": [{"$ref": f"#/channels/ws/messages/{answer}"} for answer in answers],
    }
    return {**_operation("receive", (name,)), "reply": reply}


def _topic(kind: TopicKind) -> Json:
    said: Json = {
        "topic": kind.address,
        "durable": kind.durable,
        "permission": kind.permission,
        "events": [{"$ref": f"#/components/messages/event.{name}"} for name in kind.event_types],
    }
    return said | ({"snapshot": _ref(SNAPSHOTS[kind.address])} if kind.address in SNAPSHOTS else {})


def _messages() -> Json:
    found: dict[str, Json] = {}
    examples = FROM_CLIENT_EXAMPLES | FROM_SERVER_EXAMPLES
    for name, model in (FROM_CLIENT | FROM_SERVER).items():
        found[name] = {
            "name": name,
            "summary": SUMMARIES.get(name) or _summary(model),
            "payload": _ref(model),
            "examples": [_example(one) for one in examples[name]],
        }
        if name in FROM_CLIENT:
            found[name]["x-answers"] = {one.name: one.answer for one in examples[name]}
    for kind in TOPIC_KINDS:
        for name in kind.event_types:
            found[f"event.{name}"] = _event(name, kind)
    return {**found}


def _event(name: str, kind: TopicKind) -> Json:
    body = {"properties": {"type": {"const": name}, "data": _ref(FACTS[name])}}
    this: Json = {"properties": {"event": body}}
    if kind.durable:
        this["required"] = ["offset", "previous"]
    return {
        "name": name,
        "summary": SUMMARIES.get(name, ""),
        "description": f"On `{kind.address}`, {'stored' if kind.durable else 'not stored: only the newest counts'}.",
        "payload": {"allOf": [_ref(EventMessage), this]},
        "examples": [_example(one) for one in event_examples(name, kind.address, durable=kind.durable)],
    }


def _example(one: Example) -> Json:
    return {"name": one.name, "summary": one.summary, "payload": one.payload}


def _schemas() -> Json:
    incoming: list[type[BaseModel]] = list(FROM_CLIENT.values())
    outgoing: list[type[BaseModel]] = [
        *FROM_SERVER.values(), EventMessage, *dict.fromkeys(FACTS.values()), *SNAPSHOTS.values(),
    ]  # fmt: skip
    template = "#/components/schemas/{model}"
    _, schema = models_json_schema(
        [*((model, "validation") for model in [*incoming, *outgoing])], by_alias=True, ref_template=template
    )
    found: Json = schema["$defs"]
    return found


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _summary(model: type[Message]) -> str:
    return (model.__doc__ or model.__name__).strip().splitlines()[0]
