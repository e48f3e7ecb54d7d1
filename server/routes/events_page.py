"""The page that describes the events, made from the AsyncAPI document, so that both say the same."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.routes.event_snippets import Snippet, snippets

Schema = Mapping[str, Any]
DEEPEST = 3  # fields of fields of fields


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a message: `name` with the names of those that it lies in."""

    name: str
    kind: str
    required: bool
    says: str


@dataclass(frozen=True, slots=True)
class ExampleShown:
    name: str
    summary: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class MessageShown:
    """A message, or the data of an event."""

    name: str
    anchor: str
    summary: str
    fields: Sequence[FieldRow]
    examples: Sequence[ExampleShown]
    answers: Sequence[str]


@dataclass(frozen=True, slots=True)
class TopicShown:
    address: str
    anchor: str
    durable: bool
    permission: str
    events: Sequence[MessageShown]
    snapshot: FieldRow | None  # the list that is its state


@dataclass(frozen=True, slots=True)
class Described:
    """All that does not depend on who asks from where."""

    version: str
    subprotocol: str
    topics: Sequence[TopicShown]
    from_client: Sequence[MessageShown]
    from_server: Sequence[MessageShown]
    close_codes: Sequence[Mapping[str, Any]]
    error_codes: Sequence[str]


def described(document: Schema) -> Described:
    """What the page shows of the document."""
    messages = document["components"]["messages"]
    known = document["components"]["schemas"]
    operations = document["operations"]

    def shown(name: str) -> MessageShown:
        reply = operations[name]["reply"]["messages"] if name in operations else ()
        return _message(name, messages[name], messages[name]["payload"], known, tuple(_named(reply)))

    return Described(
        version=document["info"]["version"],
        subprotocol=document["x-subprotocol"],
        topics=tuple(_topic(one, messages, known) for one in document["x-topics"]),
        from_client=tuple(shown(name) for name in _named(operations["fromClient"]["messages"])),
        from_server=tuple(
            shown(name) for name in _named(operations["fromServer"]["messages"]) if not name.startswith("event.")
        ),
        close_codes=document["x-close-codes"],
        error_codes=document["x-error-codes"],
    )


def at_site(site: str) -> Mapping[str, Sequence[Snippet]]:
    """What is said of the very server that shows the page."""
    return {"snippets": snippets(site)}


def _topic(one: Schema, messages: Schema, known: Schema) -> TopicShown:
    events = []
    for name in _named(one["events"]):
        message = messages[name]
        (body,) = (part for part in message["payload"]["allOf"] if "properties" in part)
        data = body["properties"]["event"]["properties"]["data"]
        events.append(_message(name, message, data, known, ()))
    snapshot = _snapshot(one["snapshot"], known) if "snapshot" in one else None
    anchor = _anchor(f"topic-{one['topic']}")
    return TopicShown(one["topic"], anchor, one["durable"], one["permission"], tuple(events), snapshot)


def _snapshot(reference: Schema, known: Schema) -> FieldRow:
    first = next(_rows(reference, known, "", 0))
    return FieldRow(first.name, first.kind, first.required, _resolved(reference, known)["description"])


def _message(name: str, message: Schema, payload: Schema, known: Schema, answers: Sequence[str]) -> MessageShown:
    said = message.get("x-answers", {})
    examples = tuple(
        ExampleShown(
            one["name"],
            one["summary"],
            json.dumps(one["payload"], indent=2, ensure_ascii=False),
            said.get(one["name"], ""),
        )
        for one in message["examples"]
    )
    rows = tuple(_rows(payload, known, "", 0))
    return MessageShown(message["name"], _anchor(name), message["summary"], rows, examples, answers)


def _named(references: Sequence[Schema]) -> Iterator[str]:
    for one in references:
        yield one["$ref"].rpartition("/")[2]


def _anchor(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")


def _rows(schema: Schema, known: Schema, inside: str, depth: int) -> Iterator[FieldRow]:
    schema = _resolved(schema, known)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield FieldRow(f"{inside}{name}", kind_of(field, known), name in required, _says(field))
        within, mark = _within(field, known)
        if within is not None and depth + 1 < DEEPEST:
            yield from _rows(within, known, f"{inside}{name}{mark}.", depth + 1)


def _within(field: Schema, known: Schema) -> tuple[Schema | None, str]:
    """The fields that lie in a field, and what stands between their names."""
    for one in field.get("anyOf", (field,)):
        found = _resolved(one, known)
        if found.get("properties"):
            return found, ""
        if found.get("type") == "array" and _resolved(found.get("items", {}), known).get("properties"):
            return found["items"], "[]"
    return None, ""


def kind_of(field: Schema, known: Schema) -> str:
    """In words that programmers know: `string`, `integer or null`, `"in" or "out"`, `time`."""
    if "anyOf" in field:
        return " or ".join(kind_of(one, known) for one in field["anyOf"])
    field = _resolved(field, known)
    if "const" in field:
        return json.dumps(field["const"])
    if "enum" in field:
        return " or ".join(json.dumps(value) for value in field["enum"])
    if field.get("format") == "date-time":
        return "time"
    if field.get("type") == "array":
        return f"list of {kind_of(field.get('items', {}), known)}"
    return str(field.get("type", "anything"))


def _says(field: Schema) -> str:
    return str(field.get("description", ""))


def _resolved(schema: Schema, known: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = known[schema["$ref"].rpartition("/")[2]]
    return found
