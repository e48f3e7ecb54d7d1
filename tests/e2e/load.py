"""What goes on while parts are killed: entries and imports until each is acknowledged, and one who hears of them."""

import threading
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.exceptions import WebSocketException

from server.ids import new_id
from tests.journeys.client import Json, Subscriber

PAUSE_S = 0.1
LOOK_S = 0.3
AT_ONCE = 200  # of one client that are not acknowledged yet
ANSWER_S = 20.0
FIRST = datetime(2020, 1, 6, 8, tzinfo=UTC)
MADE_AND_LOST = "idempotency_answer_lost"  # it was made; the answer went with whoever had made it
PASSING = ("idempotency_in_progress", "too_many_jobs")
Entry = tuple[str, datetime, str]  # whose, when, which way


class Load(threading.Thread):
    """Does something again and again until it is told to stop, and ends what it has begun. Its error is kept."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.error: BaseException | None = None
        self.acknowledged: list[Entry] = []
        self._enough = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self) -> None:
        try:
            number = 0
            while not self._enough.is_set():
                self.once(number)
                number += 1
            self.end()
        except BaseException as error:  # noqa: BLE001 - told by stop()
            self.error = error

    def once(self, number: int) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """What was begun comes to its end."""

    def stop(self) -> None:
        """Waits for the end of what goes on."""
        self._enough.set()
        self.join(180)
        assert not self.is_alive(), f"{self.name} does not end"
        if self.error is not None:
            raise self.error


class Insistent:
    """A client that asks until it is answered, under one Idempotency-Key: whatever breaks meanwhile."""

    def __init__(self, url: str, token: str) -> None:
        self.retries = 0
        self._http = httpx.Client(
            base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=ANSWER_S
        )

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, status: int, **body: Any) -> None:
        """Until it is acknowledged."""
        key = new_id()
        while not self.asks(key, path, status, **body):
            time.sleep(PAUSE_S)

    def asks(self, key: str, path: str, status: int, **body: Any) -> bool:
        """Once: whether it is acknowledged. One whose maker has died may be asked for again in a minute only."""
        try:
            answer = self._http.post(path, headers={"Idempotency-Key": key}, **body)
        except httpx.TransportError:
            self.retries += 1
            return False
        if answer.status_code == status:
            return True
        code = answer.json()["error"]["code"] if answer.status_code < 500 else ""
        if code == MADE_AND_LOST:
            return True
        assert not code or code in PASSING, f"{path}: {code}"
        self.retries += 1
        return False


class Entries(Load):
    """Somebody enters by hand, one minute after another."""

    def __init__(self, client: Insistent, person_id: str) -> None:
        super().__init__(f"entries of {person_id}")
        self._client = client
        self._person_id = person_id
        self._open: dict[str, Entry] = {}  # by their keys

    def once(self, number: int) -> None:
        if len(self._open) < AT_ONCE:
            self._ask(new_id(), (self._person_id, FIRST + timedelta(minutes=number), ("in", "out")[number % 2]))
        if number % 40 == 0:
            self._ask_again()
        self._enough.wait(PAUSE_S / 2)

    def end(self) -> None:
        while self._open:
            self._ask_again()
            time.sleep(PAUSE_S)

    def _ask_again(self) -> None:
        for key, entry in list(self._open.items()):
            self._ask(key, entry)

    def _ask(self, key: str, entry: Entry) -> None:
        person_id, at, direction = self._open[key] = entry
        form = {"personId": person_id, "at": at.isoformat(), "direction": direction, "reason": "By hand."}
        if self._client.asks(key, "attendance/entries", 201, json=form):
            self.acknowledged.append(self._open.pop(key))


class Imports(Load):
    """Somebody sends tables, each of other days of one person."""

    def __init__(self, client: Insistent, person_id: str, employee_id: str, rows: int) -> None:
        super().__init__(f"imports of {person_id}")
        self.asked = 0
        self._client = client
        self._person_id = person_id
        self._employee_id = employee_id
        self._rows = rows

    def once(self, number: int) -> None:
        moments = [FIRST + timedelta(days=number, minutes=n) for n in range(self._rows)]
        lines = [f"{self._employee_id},{at.isoformat()},in" for at in moments]
        table = "\n".join(["employeeId,at,direction", *lines]).encode()
        self._client.post("attendance/import", 202, files={"file": ("entries.csv", table, "text/csv")})
        self.asked += 1
        self.acknowledged += [(self._person_id, at, "in") for at in moments]


class Exports(Load):
    """Somebody asks for the audit as a file."""

    def __init__(self, client: Insistent) -> None:
        super().__init__("exports")
        self.asked = 0
        self._client = client

    def once(self, number: int) -> None:
        self._client.post("audit/export", 202, json={"format": "jsonl"})
        self.asked += 1
        self._enough.wait(1.0)


class Resuming(Load):
    """A subscriber that comes back with its cursor whenever the connection ends, and keeps what it was told."""

    def __init__(self, url: str, token: str, topic: str) -> None:
        super().__init__(f"subscriber of {topic}")
        self.told: list[Json] = []
        self.connections = 0
        self.began = threading.Event()
        self._url = url
        self._token = token
        self._topic = topic
        self._epoch = ""

    @property
    def offset(self) -> int:
        return self.told[-1]["offset"] if self.told else 0

    def once(self, number: int) -> None:
        hears = Subscriber(self._url, self._token)
        try:
            hears.__enter__()
            self._follow(hears)
        except (OSError, WebSocketException):
            pass
        except AssertionError:
            # It has ended before it was let in. Whoever is told to stay away has a reason to complain.
            if hears.closed_with is None or 4500 <= hears.closed_with < 5000:
                raise
        finally:
            hears.__exit__(None, None, None)
        time.sleep(PAUSE_S)

    def _follow(self, hears: Subscriber) -> None:
        since = {"since": {"epoch": self._epoch, "offset": self.offset}} if self._epoch else {}
        place = hears.ask(self._topic, **since)
        if place["type"] == "error":
            assert place["code"] == "unavailable", place
            return
        if (place["recovered"], place["epoch"]) != (True, self._epoch or place["epoch"]):
            raise RuntimeError(f"not all that was missed is told: {place}")
        if not self._epoch:  # from the very beginning, which needs the name of this life of the log
            self._epoch = place["epoch"]
            return
        self.connections += 1
        self.began.set()
        before = len(self.told)
        while not hears.ended(LOOK_S) and not self._enough.is_set():
            self.told[before:] = hears.stored(place["id"])
        self.told[before:] = hears.stored(place["id"])
