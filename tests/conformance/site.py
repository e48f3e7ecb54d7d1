"""The server that is held against the contract, as any client sees it. Nothing here knows whose server it is."""

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
from jsonschema import Draft202012Validator
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Json = dict[str, Any]
SUBPROTOCOL = Subprotocol("rollcall.v1")
URL, EMAIL, PASSWORD = (f"ROLLCALL_CONFORMANCE_{name}" for name in ("URL", "EMAIL", "PASSWORD"))
WAIT_S = 30.0
WORD = "seven green umbrellas"
_NUMBERS = itertools.count(1)


@dataclass
class Site:
    """Where it is, and an Admin there who has signed in."""

    url: str
    token: str
    http: httpx.Client
    _made: list[str] = field(default_factory=list)

    @classmethod
    def signed_in(cls, url: str, email: str, password: str) -> "Site":
        http = httpx.Client(base_url=url, timeout=60)
        answer = http.post("/api/v1/auth/login", json={"username": email, "password": password})
        answer.raise_for_status()
        token = answer.json()["data"]["accessToken"]
        http.headers["Authorization"] = f"Bearer {token}"
        return cls(url, token, http)

    def make(self, path: str, **form: object) -> Json:
        """One more of a collection; `tidy` removes it again."""
        answer = self.http.post(f"/api/v1/{path}", json=form)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()["data"]
        self._made.append(f"{path}/{found['id']}")
        return found

    def add_camera(self, name: str = "") -> Json:
        """A camera that nobody looks for: an event on `cameras` that anybody with an account can cause."""
        source, own = "rtsp://10.255.255.1/none", name or f"Conformance {os.getpid()} {next(_NUMBERS)}"
        return self.make("cameras", name=own, source=source, kind="rtsp", role="monitor", enabled=False)

    def remove(self, path: str) -> None:
        assert self.http.delete(f"/api/v1/{path}").status_code == 204
        self._made.remove(path)

    def tidy(self) -> None:
        for path in reversed(self._made):
            self.http.delete(f"/api/v1/{path}")
        self._made.clear()

    def settle(self) -> None:
        """Until all that happened has been told: what a test does to tidy up is not to reach the next one."""
        wait_until(self._is_told)

    def snapshot_problems(self, topic: str, snapshot: Json) -> list[str]:
        """Where it is not what the server says that a snapshot of that kind of topic is."""
        document = described(self.url)
        [wanted] = [one["snapshot"] for one in document["x-topics"] if one["topic"] == topic]
        valid = Draft202012Validator({**wanted, "components": document["components"]})
        return [f"{'/'.join(map(str, one.path))}: {one.message}" for one in valid.iter_errors(snapshot)]

    def _is_told(self) -> bool:
        newest = self.http.get("/api/v1/events", params={"topic": "cameras"}).json()["meta"]["next"]
        with self.let_in() as client:
            answer = client.subscribe(1, "cameras")
        return bool(newest == f"{answer['epoch']}:{answer['offset']}")

    def key(self, *permissions: str) -> Json:
        """An API key; `key` is what lets in."""
        return self.make("api-keys", name=f"Conformance {next(_NUMBERS)}", permissions=list(permissions))

    def add_user(self, *, role: str = "Viewer", **more: object) -> Json:
        """Somebody for `signed_in_as`."""
        email = f"conformance-{uuid4().hex}@site.example"
        form = {"email": email, "fullName": "Somebody Else", "role": role, "active": True, "password": WORD, **more}
        return self.make("users", **form)

    @contextmanager
    def signed_in_as(self, user: Json) -> Iterator["Site"]:
        other = Site.signed_in(self.url, user["email"], WORD)
        try:
            yield other
        finally:
            other.http.close()

    @contextmanager
    def connected(
        self, query: str = "", *, subprotocol: bool = True, compression: str | None = "deflate"
    ) -> Iterator["Client"]:
        """A connection that has been welcomed."""
        address = self.url.replace("http", "ws", 1) + "/ws" + query
        offered = [SUBPROTOCOL] if subprotocol else None
        # A snapshot of a large site is large.
        with connect(
            address, subprotocols=offered, compression=compression, open_timeout=60, proxy=None, max_size=None
        ) as socket:
            client = Client(socket, validator(self.url))
            client.welcome = client.hear()
            yield client

    @contextmanager
    def let_in(self, token: str | None = None, *, compression: str | None = "deflate") -> Iterator["Client"]:
        """A connection that is ready."""
        with self.connected(compression=compression) as client:
            client.send(type="auth", token=token or self.token)
            assert client.hear()["type"] == "ready"
            yield client


@cache
def described(url: str) -> Json:
    """What the server itself says of its events."""
    found: Json = httpx.get(f"{url}/asyncapi.json", timeout=60).raise_for_status().json()
    return found


@cache
def validator(url: str) -> Draft202012Validator:
    """What its messages are, as it says."""
    document = described(url)
    names = [one["$ref"].rpartition("/")[2] for one in document["operations"]["fromServer"]["messages"]]
    choices = [document["components"]["messages"][name]["payload"] for name in names]
    return Draft202012Validator({"anyOf": choices, "components": document["components"]})


class Client:
    """One connection. Every message that it hears is one that `/asyncapi.json` describes."""

    def __init__(self, socket: ClientConnection, described: Draft202012Validator) -> None:
        self.socket = socket
        self.welcome: Json = {}
        self._described = described

    def send(self, **message: object) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, within_s: float = WAIT_S) -> Json:
        """The next message. Raises TimeoutError."""
        text = self.socket.recv(within_s)
        assert isinstance(text, str), "messages are text"
        found: Json = json.loads(text)
        problems = [f"{'/'.join(map(str, one.path))}: {one.message}" for one in self._described.iter_errors(found)]
        assert problems == [], f"{found} is nothing that is described: {problems}"
        return found

    def ask(self, **message: object) -> Json:
        """Sends a message, and hears what comes next."""
        self.send(**message)
        return self.hear()

    def subscribe(self, number: int, topic: str, **more: object) -> Json:
        answer = self.ask(type="subscribe", id=number, topic=topic, **more)
        assert answer["type"] == "subscribed", answer
        return answer

    def events(self, count: int) -> list[Json]:
        """The next so many messages, which must all be events."""
        found = [self.hear() for _ in range(count)]
        assert {one["type"] for one in found} <= {"event"}, found
        return found

    def error(self, **message: object) -> Json:
        """The answer to a message that is wrong; the connection is still open after it."""
        answer = self.ask(**message)
        assert answer["type"] == "error", answer
        assert self.ask(type="ping") == {"type": "pong"}
        return answer

    def quiet(self) -> bool:
        """Whether nothing else has come before an answer that is asked for now."""
        return self.ask(type="ping") == {"type": "pong"}

    def closed(self, within_s: float = WAIT_S) -> int:
        """Hears what is left; the close code."""
        until = time.monotonic() + within_s
        try:
            while True:
                self.socket.recv(max(until - time.monotonic(), 0.01))
        except ConnectionClosed:
            code = self.socket.protocol.close_code
            assert code is not None
            return code


def said(messages: list[Json], *path: str) -> list[Any]:
    """One value of each message."""
    values: list[Any] = []
    for message in messages:
        value: Any = message
        for name in path:
            value = value[name]
        values.append(value)
    return values


def wait_until(condition: Callable[[], bool], within_s: float = WAIT_S) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.1)


def place_of(answer: Mapping[str, Any]) -> Json:
    """The cursor of a `subscribed`."""
    return {"epoch": answer["epoch"], "offset": answer["offset"]}
