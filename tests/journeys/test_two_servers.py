"""Two servers on one PostgreSQL and one Redis behave as one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.journeys.client import Api
from tests.journeys.server import PASSWORD, RollcallServer
from tests.journeys.stacks import postgresql_and_redis
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

AT_ONCE_S = 5.0


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: str, redis_server: str, demo: DemoSources
) -> Iterator[tuple[RollcallServer, RollcallServer]]:
    """The first runs the cameras."""
    folder = tmp_path_factory.mktemp("two")
    with postgresql_and_redis(postgresql_server, redis_server) as shared:
        shared["ROLLCALL_STORAGE__URL"] = f"file://{folder / 'objects'}"

        def one(which: str, **more: str) -> RollcallServer:
            place = folder / which
            place.mkdir()
            return RollcallServer(place, roots=[demo.folder], settings={**shared, **more})

        with one("first") as first:
            second = one("second", ROLLCALL_MEDIA__RUN_CAMERAS="false")
            second.start()
            try:
                yield first, second
            finally:
                second.stop()


@pytest.fixture
def apis(both: tuple[RollcallServer, RollcallServer]) -> Iterator[tuple[Api, Api]]:
    """The same user, signed in at each."""
    with both[0].login() as first, both[1].login() as second:
        yield first, second


def soon(condition: Callable[[], Any], within_s: float = AT_ONCE_S) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "not within the time"
        time.sleep(0.1)


def test_events_of_one_reach_subscribers_of_the_other(
    both: tuple[RollcallServer, RollcallServer], apis: tuple[Api, Api], demo: DemoSources
) -> None:
    """Somebody enrolled at the second is recognised by the first, and a subscriber of the second hears of it."""
    first, second = apis
    person = second.enrol("Eileen Collins", demo.collins)
    with both[1].subscriber(second.token) as listener, both[0].subscriber(first.token) as other:
        listener.subscribe("attendance")
        listener.subscribe("cameras")
        other.subscribe("attendance")
        camera = second.add_camera("Entrance", demo.entrance)
        came = listener.event("attendance.checked_in", lambda data: data["person"]["id"] == person)
        assert came["data"]["cameraId"] == camera
        assert other.event("attendance.checked_in")["id"] == came["id"]
        assert listener.event("camera.online")["data"]["id"] == camera
        assert second.picture(came["data"]["snapshotUrl"])
    assert second.get(f"cameras/{camera}/status")["reason"] == "elsewhere"
    second.call("DELETE", f"cameras/{camera}", 204)
    soon(lambda: first.raw("GET", f"cameras/{camera}").status_code == 404)


def test_who_is_connected_at_one_is_seen_at_the_other(
    both: tuple[RollcallServer, RollcallServer], apis: tuple[Api, Api]
) -> None:
    """Soon after they came, and not for long after they went; each server tells how it does to a reader of either."""
    first, second = apis

    def connected() -> list[int]:
        return [one["subscriptions"] for one in first.get("system/presence")]

    with both[1].subscriber(second.token) as socket:
        socket.subscribe("system/stats")
        soon(lambda: connected() == [1])
        assert first.get("system/info")["servers"] == 2
        one = socket.event("system.stats")["data"]["server"]["id"]
        assert socket.event("system.stats", lambda data: data["server"]["id"] != one)
    soon(lambda: connected() == [])


def test_a_session_that_ends_at_one_is_out_at_both(
    both: tuple[RollcallServer, RollcallServer], apis: tuple[Api, Api]
) -> None:
    """The token is refused and the socket closed by the other server, each within five seconds."""
    first, _ = apis
    with both[0].login() as leaving, Api(both[1].url, leaving.token) as elsewhere:
        assert elsewhere.get("auth/me")["role"] == "Admin"
        with both[1].subscriber(leaving.token) as socket:
            leaving.call("POST", "auth/logout", 204)
            assert socket.wait_closed(AT_ONCE_S) == 4510
        soon(lambda: elsewhere.raw("GET", "auth/me").status_code == 401)
    assert first.get("auth/me")


def test_tickets_and_throttles_count_at_both(
    both: tuple[RollcallServer, RollcallServer], apis: tuple[Api, Api]
) -> None:
    """A ticket of the first lets in at the second, once; wrong passwords at the first close the account at both."""
    first, _ = apis
    ticket = first.post("auth/ticket", status=200)["ticket"]
    with both[1].subscriber_with_ticket(ticket) as socket:
        socket.subscribe("alerts")
    with both[0].subscriber_with_ticket(ticket, refused=True) as again:
        assert again.wait_closed() == 4501
    email = "guessed@site.example"
    both[0].add_user(email, "Viewer")
    wrong = {"username": email, "password": "not this one at all"}
    with Api(both[0].url) as nobody:
        answers = [nobody.raw("POST", "auth/login", json=wrong).status_code for _ in range(11)]
    assert answers[0] == 401
    assert answers[-1] == 429
    right = {"username": email, "password": PASSWORD}
    with Api(both[1].url) as nobody:
        refused = nobody.raw("POST", "auth/login", json=right)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0


def test_settings_changed_at_one_count_at_both(apis: tuple[Api, Api]) -> None:
    """Without a restart."""
    first, second = apis
    settings = first.get("settings")
    changed = {key: value for key, value in settings.items() if key not in ("createdAt", "updatedAt")}
    changed["site"] = {**changed["site"], "name": "Harbour"}
    first.call("PUT", "settings", 200, json=changed)
    soon(lambda: second.get("settings")["site"]["name"] == "Harbour")


def test_a_server_that_dies_takes_nothing_along(
    both: tuple[RollcallServer, RollcallServer], apis: tuple[Api, Api]
) -> None:
    """The other one goes on; the one that is killed comes back, and hears what happened meanwhile from its cursor."""
    first, second = apis
    with both[1].subscriber(second.token) as listener:
        head = listener.subscribe("cameras")
    both[1].kill()
    camera = first.add_camera("Yard", "", kind="push", enabled=False)
    both[1].start()
    with both[1].subscriber(second.token) as back:
        place = back.subscribe("cameras", since={"epoch": head["epoch"], "offset": head["offset"]})
        assert place["recovered"] is True
        missed = back.caught_up(place)
        assert any(m["event"]["type"] == "camera.added" and m["event"]["data"]["id"] == camera for m in missed)
