"""Server-Sent Events of a real server: what happens while a program or the server is away is there afterwards."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import orjson
import pytest
from rollcall_client import Event, RollcallEvents

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


async def names_heard(url: str, key: str, since: str, count: int) -> list[str]:
    """Of the next so many cameras, by the Python client, whose places are those of the HTTP API."""
    found: list[str] = []
    async with RollcallEvents(url, api_key=key) as events, asyncio.timeout(200):
        async for item in events.subscribe("cameras", since=since, filter={"type": "camera.added"}):
            assert isinstance(item, Event), "history was lost"
            found.append(item.data["name"])
            if len(found) == count:
                break
    return found


def test_a_program_misses_nothing(server: RollcallServer, api: Api) -> None:
    """While it was away, and while the server was killed: each once and in order; polling tells the same, and so does
    the client, which stays all the time."""
    key = api.post("api-keys", {"name": "Wall", "permissions": ["cameras:read"]})["key"]
    with ThreadPoolExecutor(1) as pool:
        with listening(server, key) as messages:
            begun = next(messages)
            assert begun["first"]
            client = pool.submit(asyncio.run, names_heard(server.url, key, begun["id"], 4))
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
        assert client.result(200) == ["One", *told]
