"""The document of the realtime protocol."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator

from server.events.asyncapi import asyncapi
from server.events.facts import FACTS
from server.events.schema import CloseCode, ErrorCode
from server.events.topics import TOPIC_KINDS


def plain() -> dict[str, Any]:
    """The document as a reader has it."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(asyncapi("1")))
    return found


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
    assert {topic["topic"] for topic in document["x-topics"] if "snapshot" in topic} == {
        kind.address for kind in TOPIC_KINDS if kind.durable
    }
    assert [entry["code"] for entry in document["x-close-codes"]] == [int(code) for code in CloseCode]
    assert document["x-error-codes"] == [str(code) for code in ErrorCode]
    assert [name for name, message in messages.items() if not message["summary"]] == []
    schemas = document["components"]["schemas"]
    assert schemas["Subscribe"]["additionalProperties"] is False
    assert set(schemas["Subscribe"]["properties"]) == {"type", "id", "topic", "since", "filter", "snapshot"}
    assert set(schemas["Filter"]["properties"]) == {"cameraId", "personId", "departmentId", "type"}
    operations = document["operations"]
    assert len(operations["fromClient"]["messages"]) == 4
    assert len(operations["fromServer"]["messages"]) == 6 + len(FACTS)


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_it_is_valid_asyncapi(tmp_path: Path) -> None:
    """By the schema that the AsyncAPI initiative publishes."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian's package npm)")
    (tmp_path / "package.json").write_text('{"private": true, "dependencies": {"@asyncapi/specs": "6.11.1"}}')
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(["npm", "install", *quiet], cwd=tmp_path, check=True, capture_output=True, timeout=240)
    published = tmp_path / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
    valid = Draft7Validator(json.loads(published.read_text()))
    assert [f"{list(error.path)}: {error.message}" for error in valid.iter_errors(plain())] == []
    assert list(valid.iter_errors(plain() | {"channels": []}))
