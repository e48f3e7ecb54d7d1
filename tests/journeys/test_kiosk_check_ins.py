"""Kiosks under load while servers are killed: every check-in that was acknowledged is there once, and none twice."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server.ids import new_id
from tests.journeys.client import Api, Json
from tests.journeys.server import RollcallServer
from tests.journeys.stacks import postgresql_and_redis

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

KIOSKS, EACH = 6, 25
GIVES_UP_S = 300


@dataclass
class Screen:
    """A kiosk's side: what it has to send, one after the other, to whichever server answers."""

    kiosk_id: str
    token: str
    urls: Sequence[str]
    waiting: list[tuple[str, Json]] = field(default_factory=list)  # key and body
    answered: dict[str, Json] = field(default_factory=dict)
    sent: int = 0

    def run(self) -> None:
        until = time.monotonic() + GIVES_UP_S
        with httpx.Client(headers={"Authorization": f"Bearer {self.token}"}, timeout=30) as client:
            for key, body in self.waiting:
                while key not in self.answered:
                    assert time.monotonic() < until, "not all were taken within the time"
                    self._try(client, key, body)

    def _try(self, client: httpx.Client, key: str, body: Json) -> None:
        self.sent += 1
        url = f"{self.urls[self.sent % len(self.urls)]}/api/v1/kiosks/{self.kiosk_id}/check-ins"
        try:
            answer = client.post(url, json=body | {"sentAt": now()}, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            time.sleep(0.05)  # the server is dead, or has just died
            return
        if answer.status_code == 201:
            self.answered[key] = answer.json()["data"]
        else:
            assert answer.status_code in (409, 429, 503), answer.text
            time.sleep(min(float(answer.headers.get("Retry-After", 1)), 1.0))


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture(scope="module", params=["one server on SQLite", "two servers on PostgreSQL and Redis"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RollcallServer]]:
    """Without cameras; every check-in counts."""
    folder = tmp_path_factory.mktemp("kiosks")
    settings = {"ROLLCALL_ATTENDANCE__COOLDOWN_S": "0"}
    with ExitStack() as stack:
        if request.param.startswith("two"):
            machines = request.getfixturevalue("postgresql_server"), request.getfixturevalue("redis_server")
            settings |= stack.enter_context(postgresql_and_redis(*machines))
            settings["ROLLCALL_STORAGE__URL"] = f"file://{folder / 'objects'}"
        (folder / "first").mkdir()
        found = [stack.enter_context(RollcallServer(folder / "first", settings=settings))]
        if request.param.startswith("two"):
            (folder / "second").mkdir()
            second = RollcallServer(folder / "second", settings=settings)
            second.start()
            stack.callback(second.stop)
            found.append(second)
        yield found


def screens_of(api: Api, servers: Sequence[RollcallServer], *, kiosks: int = KIOSKS, each: int = EACH) -> list[Screen]:
    """Paired, each with people of its own who check in once."""
    found = []
    for number in range(kiosks):
        kiosk: Any = api.post("kiosks", {"name": f"Door {new_id()}"})
        code = api.post(f"kiosks/{kiosk['id']}/pairing-code")["code"]
        paired = api.post("kiosks/pair", {"code": code}, status=200)
        screen = Screen(kiosk["id"], paired["token"], [one.url for one in servers])
        for person in range(each):
            person_id = api.add_person(f"Person {number}-{person}")
            drawn = api.call("PUT", f"people/{person_id}/pin", 200, json={})
            screen.waiting.append((new_id(), {"pin": drawn["pin"], "deviceTime": now()}))
        found.append(screen)
    return found


def entries_since(api: Api, since: datetime, page: int) -> list[Json]:
    found: list[Json] = api.call(
        "GET", "attendance/entries", 200, params={"page": page, "pageSize": 100, "from": since.isoformat()}
    )  # fmt: skip
    return found


def all_entries(api: Api, since: datetime) -> list[Json]:
    found: list[Json] = []
    while page := entries_since(api, since, len(found) // 100 + 1):
        found += page
        if len(page) < 100:
            break
    return found


def test_killed_in_the_middle_of_check_ins_nothing_is_lost_or_doubled(servers: list[RollcallServer]) -> None:
    """Three kills while six kiosks send; afterwards the ledger: one entry and one event for each key, and the same
    answer again from every server."""
    began = datetime.now(UTC)
    with servers[0].login() as api, servers[0].subscriber(api.token) as hears:
        screens = screens_of(api, servers)
        place = hears.subscribe("attendance")
    total = KIOSKS * EACH
    with ThreadPoolExecutor(KIOSKS) as pool:
        running = [pool.submit(screen.run) for screen in screens]
        for kill, share in enumerate((0.2, 0.45, 0.7)):
            until = time.monotonic() + GIVES_UP_S
            while sum(len(screen.answered) for screen in screens) < total * share:
                assert time.monotonic() < until, "the kiosks do not get on"
                assert not any(one.done() and one.exception() for one in running), [one.exception() for one in running]
                time.sleep(0.002)
            victim = servers[kill % len(servers)]
            victim.kill()
            victim.start()
        for one in running:
            one.result(timeout=GIVES_UP_S)
    assert sum(screen.sent for screen in screens) > total, "nobody had to send anything twice: nothing was tried"

    answers = {key: answer for screen in screens for key, answer in screen.answered.items()}
    assert len(answers) == total
    with servers[0].login() as api:
        entries = all_entries(api, began)
        assert Counter(one["id"] for one in entries) == Counter(answer["entryId"] for answer in answers.values())
        assert max(Counter(one["personId"] for one in entries).values()) == 1
        assert {one["origin"] for one in entries} == {"code"}
        told = events_after(servers[0], api, place, total)
    assert Counter(told) == Counter(one["id"] for one in entries)
    for screen in screens:
        for at, url in enumerate(screen.urls):
            key, body = screen.waiting[at]
            again = httpx.post(
                f"{url}/api/v1/kiosks/{screen.kiosk_id}/check-ins", json=body | {"sentAt": now()}, timeout=30,
                headers={"Authorization": f"Bearer {screen.token}", "Idempotency-Key": key},
            )  # fmt: skip
            assert (again.status_code, again.json()["data"]) == (201, answers[key])
            assert again.headers["Idempotent-Replayed"] == "true"


def events_after(server: RollcallServer, api: Api, place: Json, count: int) -> list[str]:
    """The entries of which the topic has told since then, in order."""
    since = {"epoch": place["epoch"], "offset": place["offset"]}
    with server.subscriber(api.token) as hears:
        found = hears.subscribe("attendance", since=since)
        assert found["offset"] == place["offset"] + count
        missed = hears.caught_up(found)
    assert [one["offset"] for one in missed] == list(range(place["offset"] + 1, found["offset"] + 1))
    return [one["event"]["data"]["entryId"] for one in missed]


def test_the_same_key_at_the_same_moment(servers: list[RollcallServer]) -> None:
    """Sent to every server at once, many times: all are answered alike, and there is one entry."""
    began = datetime.now(UTC)
    with servers[0].login() as api:
        [screen] = screens_of(api, servers, kiosks=1, each=1)
        key, body = screen.waiting[0]
        body["sentAt"] = now()
        start = threading.Barrier(6)

        def send(number: int) -> httpx.Response:
            url = screen.urls[number % len(screen.urls)]
            start.wait(timeout=60)
            return httpx.post(
                f"{url}/api/v1/kiosks/{screen.kiosk_id}/check-ins", json=body, timeout=60,
                headers={"Authorization": f"Bearer {screen.token}", "Idempotency-Key": key},
            )  # fmt: skip

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(send, range(6)))
        assert [one.status_code for one in answers] == [201] * 6, [one.text for one in answers]
        assert len({one.json()["data"]["entryId"] for one in answers}) == 1
        assert len(all_entries(api, began)) == 1
