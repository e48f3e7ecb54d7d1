"""The push protocol of terminals of other makers: what they are told, and what is refused."""

from datetime import UTC, datetime
from email.message import Message
from zoneinfo import ZoneInfo

import httpx
import pytest
from structlog.testing import capture_logs

from server.clock import ManualClock
from server.parts import Parts
from server.pipeline.knocks import MOST_ASKED
from server.routes.iclock import MOST_BYTES, MOST_LINES, allows, options
from server.store.tables import Terminal
from tests.routes.test_terminals import URL, pushed, registered


def words(text: str) -> dict[str, str]:
    head, *rest = text.splitlines()
    assert head == "GET OPTION FROM: OID7"
    return dict(line.split("=", 1) for line in rest)


async def test_it_is_told_how_to_send(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Plain text, a line each; attendance alone, from the last that was kept on. Nobody has to be signed in."""
    await registered(admin, timezone="Europe/Berlin")
    answer = await anyone.get("/iclock/cdata?SN=OID7&options=all&language=69&pushver=2.4.1&PushOptionsFlag=1")
    kind = Message()
    kind["Content-Type"] = answer.headers["Content-Type"]
    assert (answer.status_code, kind.get_content_type()) == (200, "text/plain")
    told = words(answer.text)
    assert (told["ATTLOGStamp"], told["Stamp"], told["TransFlag"], told["TimeZone"]) == ("0", "0", "1000000000", "1")
    assert {"ErrorDelay", "Delay", "TransTimes", "TransInterval", "Realtime", "Encrypt", "OPERLOGStamp"} <= told.keys()
    assert (await pushed(anyone, "7\t2026-01-05 08:00:00\t0\t1")).text == "OK: 1"
    again = words((await anyone.get("/iclock/cdata?SN=OID7&options=all")).text)
    assert again["ATTLOGStamp"] == "9999"  # what it said itself


@pytest.mark.parametrize(
    ("zone", "month", "told"),
    [
        ("UTC", 1, "0"),
        ("Europe/Berlin", 1, "1"),
        ("Europe/Berlin", 7, "2"),
        ("America/New_York", 1, "-5"),
        ("Asia/Kolkata", 1, "330"),
        ("America/St_Johns", 1, "-210"),
        ("Pacific/Auckland", 1, "780"),
    ],
)
def test_time_zones(zone: str, month: int, told: str) -> None:
    """Hours, or minutes where they are no whole hours or more than twelve; as it is at that time of the year."""
    terminal = Terminal(serial_number="OID7", name="Gate", stamp="7")
    text = options(terminal, ZoneInfo(zone), datetime(2026, month, 5, tzinfo=UTC))
    assert words(text)["TimeZone"] == told


async def test_whatever_else_it_says(admin: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """It is heard, and nothing of it is kept but what it says of itself."""
    terminal = await registered(admin)
    info = "Ver 8.0.4.3%2C12%2C0%2C300"
    assert (await anyone.get(f"/iclock/getrequest?SN=OID7&INFO={info}")).text == "OK"
    assert (await anyone.get("/iclock/ping?SN=OID7")).text == "OK"
    assert (await anyone.get("/iclock/cdata?SN=OID7&table=RemoteAtt&PIN=1")).text == "OK"
    assert (await anyone.post("/iclock/devicecmd?SN=OID7", content=b"ID=1&Return=0&CMD=INFO")).text == "OK"
    for table in ("OPERLOG", "ATTPHOTO", "BIODATA", "options", ""):
        answer = await anyone.post(f"/iclock/cdata?SN=OID7&table={table}&Stamp=1", content=b"OPLOG 4\t\xff\0\t")
        assert (answer.status_code, answer.text) == (200, "OK")
    assert (await admin.get(f"{URL}/{terminal['id']}/lines")).json()["meta"]["total"] == 0
    seen = (await admin.get(f"{URL}/{terminal['id']}")).json()["data"]
    assert seen["firmware"] == "Ver 8.0.4.3"
    assert seen["lastSeenAt"]
    assert seen["updatedAt"] == terminal["updatedAt"]


@pytest.mark.parametrize("state", ["unknown", "inactive", "address"])
async def test_who_is_not_let_in(admin: httpx.AsyncClient, anyone: httpx.AsyncClient, state: str) -> None:
    """Refused on every path in the same words, nothing is stored, the list says why; one line of the log."""
    if state != "unknown":
        await registered(admin, **({"active": False} if state == "inactive" else {"networks": ["192.0.2.0/24"]}))
    with capture_logs() as logs:
        for method, path in (
            ("GET", "cdata?SN=OID7&options=all"), ("POST", "cdata?SN=OID7&table=ATTLOG"), ("GET", "ping?SN=OID7"),
            ("GET", "getrequest?SN=OID7"), ("POST", "devicecmd?SN=OID7"),
        ):  # fmt: skip
            answer = await anyone.request(method, f"/iclock/{path}", content=b"7\t2026-01-05 08:00:00\t0\t1\n")
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "terminal_refused")
            assert "OID7" not in answer.text
    assert [log["reason"] for log in logs if log["event"] == "terminal_refused"] == [state]
    [knock] = (await admin.get(f"{URL}/unknown")).json()["data"]
    assert (knock["reason"], knock["count"]) == (state, 5)
    for terminal in (await admin.get(URL)).json()["data"]:
        assert (await admin.get(f"{URL}/{terminal['id']}/lines")).json()["meta"]["total"] == 0


@pytest.mark.parametrize("serial", ["", "%00", "a b", "x" * 65, "é"])
async def test_what_is_no_serial_number(admin: httpx.AsyncClient, serial: str) -> None:
    """Refused, and not even remembered."""
    assert (await admin.get(f"/iclock/cdata?SN={serial}")).status_code == 403
    assert (await admin.get("/iclock/cdata")).status_code == 403
    assert (await admin.get(f"{URL}/unknown")).json()["data"] == []


def test_networks() -> None:
    """None: from everywhere. An IPv4 address may come as an IPv6 one."""
    assert allows([], "")
    assert allows(["192.0.2.0/24"], "192.0.2.7")
    assert allows(["192.0.2.0/24", "2001:db8::/32"], "::ffff:192.0.2.7")
    assert allows(["2001:db8::/32"], "2001:db8::1")
    assert not allows(["192.0.2.0/24"], "198.51.100.7")
    assert not allows(["192.0.2.0/24"], "testclient")


async def test_too_much_at_once(anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """A body that is too large is refused, and is not kept."""
    await registered(admin)
    answer = await anyone.post("/iclock/cdata?SN=OID7&table=ATTLOG", content=b"7" * (MOST_BYTES + 1))
    assert answer.status_code == 413


async def test_too_many_lines(anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """So many that none of them says anything are refused, and not one is kept."""
    terminal = await registered(admin)
    answer = await pushed(anyone, "7\t2026-01-05 08:00:00\t0", *["x"] * MOST_LINES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert (await admin.get(f"{URL}/{terminal['id']}/lines")).json()["meta"]["total"] == 0
    assert MOST_BYTES // len("7\t2026-1-5 8:0:0\n") < MOST_LINES  # whatever is a line finds room


async def test_too_often(admin: httpx.AsyncClient, anyone: httpx.AsyncClient, clock: ManualClock) -> None:
    """One terminal is held back, another is not."""
    await registered(admin)
    await registered(admin, serialNumber="OID8")
    for _ in range(MOST_ASKED):
        assert (await anyone.get("/iclock/ping?SN=OID7")).status_code == 200
    held = await anyone.get("/iclock/ping?SN=OID7")
    assert held.status_code == 429
    assert int(held.headers["Retry-After"]) > 0
    assert (await anyone.get("/iclock/ping?SN=OID8")).status_code == 200
    clock.advance(61)
    assert (await anyone.get("/iclock/ping?SN=OID7")).status_code == 200


async def test_more_than_one_request_takes(
    parts: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to send again until all are kept, and its stamp only then."""
    monkeypatch.setattr("server.pipeline.terminals.MOST_NEW", 3)
    terminal = await registered(admin)
    lines = [f"7\t2026-01-05 08:00:0{second}\t0\t1" for second in range(5)]
    first = await pushed(admin, *lines)
    assert (first.status_code, first.json()["error"]["code"]) == (503, "send_again")
    assert words((await admin.get("/iclock/cdata?SN=OID7")).text)["ATTLOGStamp"] == "0"
    assert (await pushed(admin, *lines)).text == "OK: 5"
    assert (await admin.get(f"{URL}/{terminal['id']}/lines")).json()["meta"]["total"] == 5
    assert words((await admin.get("/iclock/cdata?SN=OID7")).text)["ATTLOGStamp"] == "9999"
