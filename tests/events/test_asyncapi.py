"""The document of the realtime protocol."""

import re

import orjson

from server.events.asyncapi import asyncapi
from server.events.facts import FACTS
from server.events.schema import CloseCode, ErrorCode
from server.events.topics import TOPIC_KINDS


def test_every_reference_leads_somewhere() -> None:
    """Within the document."""
    document = orjson.loads(orjson.dumps(asyncapi("1.2.3")))
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["version"] == "1.2.3"
    references = re.findall(r'"\$ref":"(#[^"]+)"', orjson.dumps(document).decode())
    assert references
    for reference in set(references):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_it_says_what_the_classes_say() -> None:
    """Every message, event type, topic, close code and error code; unknown fields of a client are forbidden."""
    document = orjson.loads(orjson.dumps(asyncapi("1")))
    messages = document["components"]["messages"]
    assert {name.removeprefix("event.") for name in messages if name.startswith("event.")} == set(FACTS)
    assert {"auth", "subscribe", "unsubscribe", "ping"} <= set(messages)
    assert {"welcome", "ready", "subscribed", "unsubscribed", "pong", "error"} <= set(messages)
    assert [topic["topic"] for topic in document["x-topics"]] == [kind.address for kind in TOPIC_KINDS]
    assert [entry["code"] for entry in document["x-close-codes"]] == [int(code) for code in CloseCode]
    assert document["x-error-codes"] == [str(code) for code in ErrorCode]
    schemas = document["components"]["schemas"]
    assert schemas["Subscribe"]["additionalProperties"] is False
    assert set(schemas["Subscribe"]["properties"]) == {"type", "id", "topic", "since", "filter", "snapshot"}
    assert set(schemas["Filter"]["properties"]) == {"cameraId", "personId", "departmentId", "type"}
    operations = document["operations"]
    assert len(operations["fromClient"]["messages"]) == 4
    assert len(operations["fromServer"]["messages"]) == 6 + len(FACTS)
