"""What a program of somebody else's does: calls to the API, and a WebSocket whose messages are kept as they come."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Json = dict[str, Any]
SUBPROTOCOL = Subprotocol("rollcall.v1")


class Api:
    """The HTTP API with the envelope opened. `token` is an access token, or None for nobody."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60)

    @classmethod
    def signed_in(cls, url: str, email: str, password: str) -> "Api":
        with cls(url) as anybody:
            answer = anybody.post("auth/login", {"username": email, "password": password}, status=200)
        assert answer["tokenType"].lower() == "bearer"
        return cls(url, answer["accessToken"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer as it is. A path with a slash in front is not under /api/v1."""
        return self._http.request(method, path if path.startswith("/") else f"/api/v1/{path}", **options)

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        """`data` of an answer with this status."""
        response = self.raw(method, path, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text[:600]}"
        if status == 204:
            return None
        body = response.json()
        assert body["success"] is True
        return body["data"]

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, 200, params=query)

    def post(self, path: str, body: Mapping[str, object] | None = None, *, status: int = 201) -> Any:
        return self.call("POST", path, status, json=body or {})

    def refusal(self, method: str, path: str, status: int, **options: Any) -> Json:
        """`error` of an answer that is a failure with this status."""
        response = self.raw(method, path, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text[:600]}"
        body = response.json()
        assert body["success"] is False
        assert body["error"]["requestId"]
        error: Json = body["error"]
        return error

    def picture(self, url: str) -> bytes:
        """A JPEG at an address that an answer or an event gave."""
        response = self.raw("GET", url)
        assert response.status_code == 200, f"{url}: {response.status_code} {response.text[:300]}"
        assert response.headers["content-type"] == "image/jpeg"
        return response.content

    # What most journeys begin with

    def add_person(self, full_name: str) -> str:
        person_id: str = self.post("people", {"fullName": full_name})["id"]
        return person_id

    def enrol(self, full_name: str, photo: bytes) -> str:
        """A new person with this photo; the id."""
        person_id = self.add_person(full_name)
        self.add_photo(person_id, photo)
        return person_id

    def add_photo(self, person_id: str, photo: bytes) -> Json:
        answer: Json = self.call("POST", f"people/{person_id}/photos", 201, files=photo_file(photo))
        return answer

    def add_camera(
        self, name: str, source: object, *, kind: str = "file", role: str = "in", enabled: bool = True, **more: Any
    ) -> str:
        wanted = {"name": name, "source": str(source), "kind": kind, "role": role, "enabled": enabled, **more}
        camera_id: str = self.post("cameras", wanted)["id"]
        return camera_id

    def add_kiosk(self, name: str, *camera_ids: str) -> str:
        kiosk_id: str = self.post("kiosks", {"name": name, "cameraIds": list(camera_ids)})["id"]
        return kiosk_id


def photo_file(photo: bytes) -> dict[str, tuple[str, bytes, str]]:
    return {"file": ("photo.jpg", photo, "image/jpeg")}


def about(**wanted: object) -> Callable[[Json], bool]:
    """Whether an event's data have these values."""
    return lambda data: all(data.get(name) == value for name, value in wanted.items())


class Subscriber:
    """One connection to /ws. Messages are kept with the time at which they came, in the order in which they came."""

    def __init__(self, url: str, token: str | None, query: str = "", *, let_in: bool = False) -> None:
        self._url = url.replace("http://", "ws://") + "/ws" + query
        self._token = token
        self._let_in = let_in or token is not None
        self._socket: ClientConnection | None = None
        self._open = ExitStack()
        self._news = threading.Condition(threading.RLock())
        self._messages: list[tuple[float, Json]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._next_id = 1
        self.closed_with: int | None = None

    def __enter__(self) -> Self:
        self._socket = self._open.enter_context(
            connect(self._url, subprotocols=[SUBPROTOCOL], open_timeout=60, proxy=None)
        )
        assert self._socket.subprotocol == SUBPROTOCOL
        self._reader.start()
        self.message(lambda message: message["type"] == "welcome")
        if self._token is not None:
            self.send({"type": "auth", "token": self._token})
        if self._let_in:
            self.message(lambda message: message["type"] == "ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if self._reader.is_alive():
            self._reader.join(30)

    def _read(self) -> None:
        assert self._socket is not None
        try:
            for text in self._socket:
                with self._news:
                    self._messages.append((time.monotonic(), json.loads(text)))
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        with self._news:
            self.closed_with = self._socket.protocol.close_code
            self._news.notify_all()

    def send(self, message: Mapping[str, object]) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(message))

    def ask(self, topic: str, **more: object) -> Json:
        """Subscribes; the answer, whether `subscribed` or `error`."""
        number, self._next_id = self._next_id, self._next_id + 1
        self.send({"type": "subscribe", "id": number, "topic": topic, **more})
        return self.message(lambda m: m.get("id") == number and m["type"] in ("subscribed", "error"))

    def subscribe(self, topic: str, **more: object) -> Json:
        """Subscribes, and it works."""
        answer = self.ask(topic, **more)
        assert answer["type"] == "subscribed", answer
        return answer

    def messages(self) -> list[Json]:
        with self._news:
            return [message for _, message in self._messages]

    def stored(self, subscription: int) -> list[Json]:
        """The event messages of one subscription."""
        return [m for m in self.messages() if m["type"] == "event" and m["id"] == subscription]

    def caught_up(self, place: Json) -> list[Json]:
        """The event messages of a subscription with `since`, once they reach the head that its answer told."""
        number, head = place["id"], place["offset"]
        self.message(lambda m: m["type"] == "event" and m["id"] == number and m["offset"] >= head)
        return self.stored(number)

    def events(self, *types: str) -> list[Json]:
        """The events of these types, as they came."""
        found = [message["event"] for message in self.messages() if message["type"] == "event"]
        return [event for event in found if not types or event["type"] in types]

    def message(self, wanted: Callable[[Json], bool], within_s: float = 60.0) -> Json:
        """The first message that fits, waiting for it."""
        return self._await(wanted, within_s)[1]

    def event(self, kind: str, where: Callable[[Json], bool] | None = None, within_s: float = 90.0) -> Json:
        """The first event of this type whose data fit, waiting for it."""
        return self.timed_event(kind, where, within_s)[1]

    def timed_event(
        self, kind: str, where: Callable[[Json], bool] | None = None, within_s: float = 90.0
    ) -> tuple[float, Json]:
        """The same, with the monotonic time at which it came."""

        def fits(message: Json) -> bool:
            event = message.get("event", {})
            return event.get("type") == kind and (where is None or where(event["data"]))

        at, message = self._await(fits, within_s, kind)
        return at, message["event"]

    def wait_closed(self, within_s: float = 30.0) -> int:
        """The close code, once the server has closed."""
        with self._news:
            self._news.wait_for(lambda: self.closed_with is not None, within_s)
            assert self.closed_with is not None, "still open"
            return self.closed_with

    def ended(self, within_s: float) -> bool:
        """Whether the connection has ended, waiting for that."""
        with self._news:
            return self._news.wait_for(lambda: self.closed_with is not None, within_s)

    def _await(self, wanted: Callable[[Json], bool], within_s: float, what: str = "") -> tuple[float, Json]:
        until, looked_at = time.monotonic() + within_s, 0
        with self._news:
            while True:
                for at, message in self._messages[looked_at:]:
                    if wanted(message):
                        return at, message
                looked_at = len(self._messages)
                left = until - time.monotonic()
                if left <= 0 or self.closed_with is not None:
                    kinds = [m.get("event", {}).get("type", m["type"]) for _, m in self._messages]
                    raise AssertionError(
                        f"no {what or 'such message'} in {within_s} s; closed: {self.closed_with}; came: {kinds[-60:]}"
                    )
                self._news.wait(left)
