"""A server that is killed in the middle of a delivery: its webhook gets every event all the same."""

import time
from pathlib import Path

import pytest

from tests.journeys.client import Api
from tests.journeys.server import RollcallServer
from tests.outbound.threaded import ThreadedReceiver, threaded_receiver

pytestmark = [pytest.mark.journey, pytest.mark.timeout(500)]
LOOPBACK = {"ROLLCALL_OUTBOUND__ALLOWED_NETWORKS": '["127.0.0.0/8"]'}


def add_cameras(api: Api, first: int, count: int) -> None:
    for number in range(first, first + count):
        api.call("POST", "cameras", 201, json={"name": f"Door {number}", "kind": "push", "enabled": False})


def until_all(api: Api, webhook: str, count: int) -> list[dict[str, object]]:
    """The deliveries, as soon as so many have arrived."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        rows: list[dict[str, object]] = api.get(f"webhooks/{webhook}/deliveries", pageSize=200, sort="createdAt")
        if [row["state"] for row in rows] == ["delivered"] * count:
            return rows
        time.sleep(0.2)
    raise AssertionError(rows)


def names(receiver: ThreadedReceiver) -> set[object]:
    return {one.event["data"]["name"] for one in receiver.got}  # type: ignore[index]


def test_after_kill_9_nothing_is_missing(tmp_path: Path) -> None:
    """What was on its way comes again with the same id, what had happened and was not sent comes, and so does what
    happens afterwards; each signed, and each in the log once."""
    with threaded_receiver() as receiver, RollcallServer(tmp_path, settings=LOOPBACK) as server:
        with server.login() as api:
            form = {"name": "Payroll", "url": receiver.url, "types": ["camera.added"]}
            made = api.call("POST", "webhooks", 201, json=form)
            receiver.open.clear()
            add_cameras(api, 0, 5)
            assert receiver.came.acquire(timeout=60)  # one is on its way, and has no answer
            server.kill()
        receiver.open.set()
        server.start()
        with server.login() as api:
            add_cameras(api, 5, 2)
            rows = until_all(api, made["id"], 7)
        assert names(receiver) == {f"Door {number}" for number in range(7)}
        assert set(receiver.ids) == {str(row["messageId"]) for row in rows}
        assert receiver.ids.count(receiver.ids[0]) >= 2
        receiver.got[-1].check(made["secret"])
