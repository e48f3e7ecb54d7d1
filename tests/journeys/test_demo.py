"""`rollcall demo` from an empty folder: ready soon, two cameras, a name, and modest in memory."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.journeys.server import RollcallServer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(500)]

MEMORY_MB = 700


def test_the_demo_shows_what_it_promises(tmp_path: Path, portraits: None, capsys: pytest.CaptureFixture[str]) -> None:
    """The URL and the login are printed, both cameras are online, one face gets a name and the other is unknown."""
    server = RollcallServer(tmp_path)
    started = time.monotonic()
    server.start("demo")
    ready_s = time.monotonic() - started
    try:
        said = server.log.read_text()
        assert f"{server.url}/" in said
        assert "admin@example.com" in said
        assert "admin123" in said
        with server.login("admin@example.com", "admin123") as api, server.subscriber(api.token) as hears:
            places = [hears.subscribe(topic, since=None) for topic in ("cameras", "sightings", "attendance")]
            for place in places:
                hears.subscribe(place["topic"], since={"epoch": place["epoch"], "offset": 0})
            hears.message(lambda _: len({e["data"]["id"] for e in hears.events("camera.online")}) == 2)
            hears.event("attendance.checked_in", lambda data: data["person"]["fullName"] == "Eileen Collins")
            hears.event("sighting.unknown")
            time.sleep(30)
            process = psutil.Process(server.pid)
            memory_mb = process.memory_info().rss / 1_000_000
            cameras = {camera["name"]: camera for camera in api.get("cameras")}
            [kiosk] = api.get("kiosks")
        states = {name: camera["status"]["state"] for name, camera in cameras.items()}
        assert states == {"Entrance": "online", "Workshop": "online"}
        assert kiosk["cameraIds"] == [cameras["Entrance"]["id"]]
    except BaseException:
        server.kill()
        raise
    server.stop()
    with capsys.disabled():
        sys.stdout.write(f"\ndemo: ready after {ready_s:.1f} s, {memory_mb:.0f} MB resident\n")
    assert ready_s < 180
    assert memory_mb < MEMORY_MB, f"{memory_mb:.0f} MB resident"
