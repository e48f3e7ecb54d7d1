"""The examples of the description are messages that are said: valid, and answered as it says."""

import json
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from websockets.asyncio.client import connect

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events.asyncapi import FROM_CLIENT, asyncapi
from server.events.facts import FACTS
from server.events.hub import Hub
from server.events.schema import CLIENT_MESSAGES, SERVER_MESSAGES
from server.store.event_log import TableLog
from tests.events.scenes import Door, Somebody, serving


def document_as_read() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(asyncapi("1")))
    return found


def test_every_message_has_examples_that_are_valid() -> None:
    """By its own schema and by the classes of the server; every event type has one."""
    document = document_as_read()
    for name, message in document["components"]["messages"].items():
        described = Draft202012Validator({**message["payload"], "components": document["components"]})
        assert message["examples"], name
        for example in message["examples"]:
            payload = example["payload"]
            assert [error.message for error in described.iter_errors(payload)] == [], name
            text = json.dumps(payload)
            if name in FROM_CLIENT:
                assert CLIENT_MESSAGES.validate_json(text).type == name
            else:
                assert SERVER_MESSAGES.validate_json(text).type == name.partition(".")[0]
            if name.startswith("event."):
                assert payload["event"]["type"] == name.removeprefix("event.")
                FACTS[payload["event"]["type"]].model_validate(payload["event"]["data"])


async def test_every_example_is_answered_as_it_says(log: TableLog) -> None:
    """Sent to a real hub; and the answer is one that the operation names."""
    document = document_as_read()
    hub = Hub(log, MemoryBus(), SystemClock())

    async def snapshots(topic: str, principal: object) -> dict[str, object]:
        return {"of": topic}

    door = Door(TOKEN=Somebody())
    async with serving(hub, door, snapshots=snapshots) as url, connect(url) as client:
        assert orjson.loads(await client.recv())["type"] == "welcome"
        for name in ("auth", "subscribe", "unsubscribe", "ping"):
            replies = document["operations"][name]["reply"]["messages"]
            allowed = {one["$ref"].rpartition("/")[2] for one in replies}
            message = document["components"]["messages"][name]
            for example in message["examples"]:
                await client.send(json.dumps(example["payload"]))
                answer = orjson.loads(await client.recv())
                assert answer["type"] == message["x-answers"][example["name"]], (example, answer)
                assert answer["type"] in allowed
                assert answer.get("id") == example["payload"].get("id")
