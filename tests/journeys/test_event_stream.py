"""Server-Sent Events of a real server: what happens while a program or the server is away is there afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import orjson
import pytest

from tests.journeys.client import Api, Json
from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("stream")) as running:
        yield running


@contextmanager
def listening(server: RollcallServer, key: str, last: str = "") -> Iterator[Iterator[Json]]:
    """The messages of `cameras`: id, whether it is the first, and what it says."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": last} if last else {})
    with (
        httpx.Client(base_url=server.url, timeout=60) as client,
        client.stream("GET", "/api/v1/events/stream", params={"topic": "cameras"}, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield _messages(response.iter_lines())


def _messages(lines: Iterator[str]) -> Iterator[Json]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield {"id": fields["id"], "first": "event" in fields, "says": orjson.loads(fields["data"])}
            fields = {}


def add(api: Api, name: str) -> None:
    api.add_camera(name, "http://127.0.0.1:9/none", kind="http", enabled=False)


def test_a_program_misses_nothing(server: RollcallServer, api: Api) -> None:
    """While it was away, and while the server was killed: each once and in order; polling tells the same."""
    key = api.post("api-keys", {"name": "Wall", "permissions": ["cameras:read"]})["key"]
    with listening(server, key) as messages:
        begun = next(messages)
        assert begun["first"]
        add(api, "One")
        first = next(messages)
        assert (first["says"]["type"], first["says"]["data"]["name"]) == ("camera.added", "One")
    add(api, "Two")
    server.kill()
    server.start()
    add(api, "Three")
    with listening(server, key, first["id"]) as messages:
        assert next(messages)["says"]["recovered"] is True
        told = [next(messages)["says"]["data"]["name"] for _ in range(2)]
        add(api, "Four")
        told.append(next(messages)["says"]["data"]["name"])
    assert told == ["Two", "Three", "Four"]
    polled = api.raw("GET", f"events?topic=cameras&after={begun['id']}&type=camera.added").json()
    assert [one["event"]["data"]["name"] for one in polled["data"]] == ["One", *told]
    assert polled["meta"]["recovered"] is True
