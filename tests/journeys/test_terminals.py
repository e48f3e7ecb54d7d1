"""A terminal of another maker from its first knock to the day report: offline, sent again, over a change of clocks."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.client import Api, Json
from tests.journeys.server import RollcallServer
from tests.journeys.terminal import PushTerminal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

WAITS_S = 120
# In Berlin clocks went back in the night to the 26th of October 2025 and forward in that to the 30th of March.
AUTUMN = [("1001", "2025-10-25 22:00:00", "0"), ("1001", "2025-10-26 06:00:00", "1")]
SPRING = [("1001", "2025-03-29 22:00:00", "0"), ("1001", "2025-03-30 06:00:00", "1")]
KEYLESS = [("1002", f"2025-10-27 {hour}:00:00", "255") for hour in ("08", "12", "13", "17")]
LATER = [("1003", "2025-10-28 09:06:00", "0"), ("1003", "2025-10-28 17:00:00", "1")]


def lines_of(api: Api, terminal_id: str, state: str) -> list[Json]:
    found: list[Json] = api.get(f"attendance/terminals/{terminal_id}/lines", state=state, sort="at", pageSize=100)
    return found


def day_of(api: Api, person_id: str, date: str) -> Any:
    [day] = api.get("attendance/days", personId=person_id, **{"from": date, "to": date})
    return day


def test_from_the_first_knock_to_the_day_report(tmp_path: Path) -> None:
    """Nothing is lost and nothing doubled, and hours are those that have passed."""
    with RollcallServer(tmp_path) as server:
        terminal = PushTerminal(server.url, "CQZ7225160012")
        for pin, at, key in [*SPRING, *AUTUMN, *KEYLESS, *LATER]:
            terminal.press(pin, at, key)
        assert not terminal.send_once()  # nobody knows it
        assert terminal.answers == [403]

        with server.login() as api:
            [knock] = api.get("attendance/terminals/unknown")
            site = api.post("sites", {"name": "Plant", "timezone": "Europe/Berlin"})
            gate = api.post(
                "attendance/terminals",
                {"serialNumber": knock["serialNumber"], "name": "Gate", "siteId": site["id"],
                 "networks": [f"{knock['address']}/32"]},
            )  # fmt: skip
            ada, bea = (
                api.post("people", {"fullName": name, "employeeId": number, "timezone": "Europe/Berlin"})["id"]
                for name, number in (("Ada", "1001"), ("Bea", "1002"))
            )
            shift = {"name": "Night", "start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"}
            night = api.post("shifts", shift)["id"]
            api.post("schedules", {"personId": ada, "shiftId": night, "from": "2025-01-01"})

        assert terminal.begin()["TimeZone"] in ("1", "2")
        assert terminal.send_once()
        server.kill()
        assert not terminal.send_once()  # it is offline, and keeps them
        server.start()
        terminal.url = server.url
        terminal.send_all()
        again = PushTerminal(server.url, terminal.serial_number, batch=100, noted=terminal.noted)
        assert again.begin()["ATTLOGStamp"] == str(len(terminal.noted))
        again.sent = 0  # as after a reset at the terminal: everything once more
        again.send_all()

        with server.login() as api:
            assert len(lines_of(api, gate["id"], "entered")) == 8
            assert [one["pin"] for one in lines_of(api, gate["id"], "unknown_person")] == ["1003", "1003"]
            autumn, spring = day_of(api, ada, "2025-10-25"), day_of(api, ada, "2025-03-29")
            assert (autumn["status"], autumn["workedMinutes"], autumn["lateMinutes"]) == ("present", 540, 0)
            assert (spring["status"], spring["workedMinutes"], spring["earlyMinutes"]) == ("present", 420, 0)
            keyless = day_of(api, bea, "2025-10-27")
            assert (keyless["workedMinutes"], len(keyless["entries"])) == (480, 4)

            cleo = api.post("people", {"fullName": "Cleo", "externalIds": {"terminal": "1003"}})["id"]
            until = time.monotonic() + WAITS_S
            while lines_of(api, gate["id"], "unknown_person"):
                assert time.monotonic() < until, "the lines are not taken up"
                time.sleep(0.2)
            entries = api.get("attendance/entries", personId=cleo, sort="at")
            assert [(one["direction"], one["origin"]) for one in entries] == [("in", "terminal"), ("out", "terminal")]
            everybody = api.get("attendance/entries", origin="terminal", pageSize=100)
            assert len(everybody) == 10
            with server.subscriber(api.token) as hears:
                place = hears.subscribe("attendance")
            assert place["offset"] == 10  # one event each
            moved = {"serialNumber": gate["serialNumber"], "name": "Gate", "networks": ["192.0.2.0/24"]}
            api.call("PUT", f"attendance/terminals/{gate['id']}", 200, json=moved)
        again.press("1001", "2025-11-03 08:00:00", "0")
        assert not again.send_once()  # it has moved to where it is not let in from
        assert again.answers[-1] == 403
