"""The AsyncAPI 3 document of the realtime protocol, made from the classes that speak it."""

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.events.facts import FACTS
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
CLOSE_REASONS = {
    CloseCode.INTERNAL: "Something went wrong in the server.",
    CloseCode.RESTARTING: "The server restarts, its history begins anew, or its database does not answer in time.",
    CloseCode.TOO_SLOW: "The client reads too slowly.",
    CloseCode.TOKEN_RAN_OUT: "The access token ran out.",
    CloseCode.NOT_AUTHENTICATED: "Not authenticated, or nothing heard in time.",
    CloseCode.NOT_ALLOWED: "Not allowed.",
    CloseCode.SESSION_ENDED: "The session or key has ended.",
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


def _operation(action: str, names: object) -> Json:
    messages = [{"$ref": f"#/channels/ws/messages/{name}"} for name in list(names)]  # type: ignore[call-overload]
    return {"action": action, "channel": {"$ref": "#/channels/ws"}, "messages": messages}


def _topic(kind: TopicKind) -> Json:
    return {
        "topic": kind.address,
        "durable": kind.durable,
        "permission": kind.permission,
        "events": [{"$ref": f"#/components/messages/event.{name}"} for name in kind.event_types],
    }


def _messages() -> Json:
    found: Json = {}
    for name, model in (FROM_CLIENT | FROM_SERVER).items():
        found[name] = {"name": name, "summary": _summary(model), "payload": _ref(model)}
    for kind in TOPIC_KINDS:
        for name in kind.event_types:
            found[f"event.{name}"] = _event(name, kind)
    return found


def _event(name: str, kind: TopicKind) -> Json:
    body = {"properties": {"type": {"const": name}, "data": _ref(FACTS[name])}}
    this: Json = {"properties": {"event": body}}
    if kind.durable:
        this["required"] = ["offset", "previous"]
    return {
        "name": name,
        "summary": f"On {kind.address}, {'durable' if kind.durable else 'volatile'}.",
        "payload": {"allOf": [_ref(EventMessage), this]},
    }


def _schemas() -> Json:
    incoming: list[type[BaseModel]] = list(FROM_CLIENT.values())
    outgoing: list[type[BaseModel]] = [*FROM_SERVER.values(), EventMessage, *dict.fromkeys(FACTS.values())]
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
