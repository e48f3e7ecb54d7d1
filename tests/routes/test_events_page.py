"""The page of the events says what the document says, all of it."""

import json

import httpx
import orjson

from server.events.asyncapi import asyncapi
from server.events.facts import FACTS
from server.events.schema import CloseCode, ErrorCode
from server.events.topics import TOPIC_KINDS
from server.parts import Parts
from server.routes.events_page import Described, at_site, described, kind_of
from tests.opened import PASSWORD
from tests.routes.pages_shown import Page


def shown() -> Described:
    return described(orjson.loads(orjson.dumps(asyncapi("1.2.3"))))


def test_nothing_of_the_document_is_left_out() -> None:
    """Topics with their events, messages both ways, and every code."""
    page = shown()
    assert page.version == "1.2.3"
    assert [topic.address for topic in page.topics] == [kind.address for kind in TOPIC_KINDS]
    assert [event.name for topic in page.topics for event in topic.events] == list(FACTS)
    states = {topic.address: topic.snapshot.name for topic in page.topics if topic.snapshot}
    assert states.keys() == {kind.address for kind in TOPIC_KINDS if kind.durable}
    assert (states["jobs"], states["kiosks/{id}"], states["attendance"]) == ("jobs", "shown", "present")
    assert [message.name for message in page.from_client] == ["auth", "subscribe", "unsubscribe", "ping"]
    assert page.from_client[0].answers == ("ready", "error")
    assert len(page.from_server) == 6
    assert [one["code"] for one in page.close_codes] == list(CloseCode)
    assert page.error_codes == list(ErrorCode)
    for message in (*page.from_client, *page.from_server, *(event for topic in page.topics for event in topic.events)):
        assert message.examples, message.name
        assert all(json.loads(example.text) for example in message.examples)
        assert message.summary, message.name


def test_fields_with_those_that_lie_in_them() -> None:
    """By their names from outside to inside, each with its type, and whether it is always there."""
    events = {event.name: event for topic in shown().topics for event in topic.events}
    fields = {row.name: row for row in events["attendance.checked_in"].fields}
    assert (fields["entryId"].kind, fields["entryId"].required) == ("string", True)
    assert fields["person"].kind == "object or null"
    assert fields["person.fullName"].kind == "string"
    assert (fields["direction"].kind, fields["at"].kind) == ('"in" or "out"', "time")
    assert (fields["cameraId"].kind, fields["cameraId"].required) == ("string or null", False)
    tracks = {row.name: row for row in events["tracks.updated"].fields}
    assert tracks["tracks"].kind == "list of object"
    assert tracks["tracks[].box"].kind == "list of number"
    assert "x, y, w, h" in tracks["tracks[].box"].says
    assert tracks["frame.capturedAt"].required
    (subscribe,) = (one for one in shown().from_client if one.name == "subscribe")
    assert {row.name for row in subscribe.fields} >= {"type", "id", "topic", "since", "since.epoch", "filter.cameraId"}


def test_types_in_words() -> None:
    """Also those that the document does not have today."""
    assert kind_of({}, {}) == "anything"
    assert kind_of({"const": "auth"}, {}) == '"auth"'
    assert kind_of({"$ref": "#/components/schemas/A"}, {"A": {"type": "boolean"}}) == "boolean"
    assert kind_of({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, {}) == (
        "list of string or null"
    )


async def test_the_page(anyone: httpx.AsyncClient) -> None:
    """Open to everybody, with every name once as an anchor that the page itself leads to, and this server's address."""
    answer = await anyone.get("/docs/events")
    assert answer.status_code == 200
    page = Page(answer.text)
    anchors = [attributes["id"] for tag in ("section", "article", "details") for attributes, _ in page.all(tag)]
    assert len(anchors) == len(set(anchors))
    assert {"event-attendance-checked-in", "topic-attendance", "subscribe", "close-codes"} <= set(anchors)
    inside = {str(attributes["href"]) for attributes, _ in page.all("a") if str(attributes["href"]).startswith("#")}
    assert {link.removeprefix("#") for link in inside} <= {*anchors, "main"}
    assert str(anyone.base_url).rstrip("/") in answer.text
    assert "Those that wait or run." in answer.text
    assert at_site("http://x")["snippets"]
    assert page.all("select") == []  # who has signed in listens here: tests/browser/test_docs.py
    assert 'href="/docs/events"' in (await anyone.get("/docs")).text


async def test_who_may_read_no_topic(parts: Parts, admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """There is nothing to choose from, and that is said; whoever may read some is shown those."""
    await admin.post("/api/v1/roles", json={"name": "Nothing", "permissions": []})
    await parts.access.accounts.create(
        email="nothing@example.com", full_name="Nothing One", role="Nothing", password=PASSWORD
    )
    for who, selects in (("viewer", 1), ("nothing", 0)):
        signed_in = await anyone.post(
            "/api/v1/auth/login", json={"username": f"{who}@example.com", "password": PASSWORD}
        )
        assert signed_in.status_code == 200
        text = (await anyone.get("/docs/events")).text
        assert len(Page(text).all("select")) == selects
        assert ("no topic here" in text) is (selects == 0)
