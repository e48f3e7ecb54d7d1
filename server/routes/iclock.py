"""The push protocol of terminals of other makers (`/iclock/…`): options, lines, and nothing to be done.

Such a terminal shows its serial number and no secret. It goes by the status alone: after 200 it has been heard, after
anything else it sends the same again, for ever. So 200 is said only of lines that are stored.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from server.attendance.punches import punches_of
from server.errors import Forbidden, TooLarge, Unavailable
from server.pipeline.knocks import Why
from server.pipeline.terminals import TerminalLines
from server.routes.endpoint import PUBLIC, Call, Endpoint, endpoint
from server.store import terminals
from server.store.tables import Terminal

CDATA = "/iclock/cdata"
MOST_BYTES = 2_000_000  # of one request: some ten thousand lines
MOST_LINES = 120_000  # no line that says who and when is so short that more would fit
HOUR = timedelta(hours=1)
_SERIAL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STAMP = re.compile(r"[A-Za-z0-9:._-]{1,32}")
_PLAIN = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Word:
    """What a terminal says in the address. None of it is refused: firmware adds more from year to year."""

    name: str
    description: str

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


SN = Word("SN", "the serial number")
TABLE = Word("table", "ATTLOG: lines of attendance; all others are taken and dropped")
STAMP = Word("Stamp", "up to where the terminal has sent, in its own words")
VERSION = Word("pushver", "of the protocol")
INFO = Word("INFO", "of the firmware and what is stored, divided by commas")
TEXT = "text/plain"


@endpoint("GET", CDATA, allow=PUBLIC, prefix="", raises=(403, 429), gives=TEXT, asks=(SN, VERSION, TABLE))
async def terminal_options(call: Call) -> Response:
    """A terminal of another maker asks how it is to send.

    Lines of attendance alone, at once (`Realtime`), from the last that were kept on (`ATTLOGStamp`). `TimeZone` and the
    `Date` of the answer set its clock: hours ahead of UTC, or minutes where they are no whole hours or more than 12.
    """
    version = call.request.query_params.get(VERSION.name)
    terminal = await _let_in(call, f"push {version}" if version else "")
    if TABLE.name in call.request.query_params:
        return _said("OK")
    async with call.parts.store.read() as session:
        zone = ZoneInfo(await terminals.zone_of(session, terminal, call.parts.zone.key))
    return _said(options(terminal, zone, call.parts.clock.now()))


@endpoint(
    "POST", CDATA, allow=PUBLIC, prefix="", raises=(403, 429), takes=TEXT, gives=TEXT, asks=(SN, TABLE, STAMP)
)  # fmt: skip
async def terminal_sends(call: Call) -> Response:
    """A terminal of another maker sends what it has noted.

    `table=ATTLOG`: a line each, `PIN, time, status, verify, work code` divided by tabs. Each is kept once, however
    often it is sent, and `OK: n` says how many lines came. Many new ones are 503 `send_again` until all are kept.
    What else such terminals send (`OPERLOG`, `ATTPHOTO`, people, fingerprints) is taken and dropped.
    """
    terminal = await _let_in(call)
    if call.request.query_params.get(TABLE.name, "").upper() != "ATTLOG":
        return _said("OK")
    punches = await asyncio.to_thread(punches_of, await call.request.body(), MOST_LINES + 1)
    if len(punches) > MOST_LINES:
        raise TooLarge(f"One request may have {MOST_LINES:,} lines.")
    if not await lines_of(call).take(terminal.id, punches):
        raise Unavailable("Some lines are kept, and more are left: send them again.", code="send_again")
    stamp = call.request.query_params.get(STAMP.name, "")
    if _STAMP.fullmatch(stamp) and stamp != terminal.stamp:
        async with call.parts.store.transaction() as session:
            await terminals.note_stamp(session, terminal, stamp)
    return _said(f"OK: {len(punches)}")


@endpoint("GET", "/iclock/getrequest", allow=PUBLIC, prefix="", raises=(403, 429), gives=TEXT, asks=(SN, INFO))
async def terminal_asks(call: Call) -> Response:
    """A terminal of another maker asks what it is to do: nothing."""
    await _let_in(call, call.request.query_params.get(INFO.name, "").partition(",")[0])
    return _said("OK")


@endpoint("POST", "/iclock/devicecmd", allow=PUBLIC, prefix="", raises=(403, 429), takes=TEXT, gives=TEXT, asks=(SN,))
async def terminal_reports(call: Call) -> Response:
    """A terminal of another maker says what became of a command. None are given, so it is dropped."""
    await _let_in(call)
    return _said("OK")


@endpoint("GET", "/iclock/ping", allow=PUBLIC, prefix="", raises=(403, 429), gives=TEXT, asks=(SN,))
async def terminal_pings(call: Call) -> Response:
    """A terminal of another maker asks whether somebody is there, while it sends much."""
    await _let_in(call)
    return _said("OK")


def options(terminal: Terminal, zone: ZoneInfo, now: datetime) -> str:
    """What a terminal is told when it begins, a line each."""
    ahead = now.astimezone(zone).utcoffset() or timedelta()
    whole = ahead % HOUR == timedelta() and abs(ahead) <= 12 * HOUR
    told = {
        "Stamp": terminal.stamp,  # as old firmware calls it
        "ATTLOGStamp": terminal.stamp,
        "OPERLOGStamp": "9999",
        "ATTPHOTOStamp": "9999",
        "ErrorDelay": "60",
        "Delay": "30",
        "TransTimes": "00:00;14:05",
        "TransInterval": "1",
        "TransFlag": "1000000000",  # of ten kinds the first: attendance
        "TimeZone": str(ahead // (HOUR if whole else timedelta(minutes=1))),
        "Realtime": "1",
        "Encrypt": "0",
    }
    return "\n".join([f"GET OPTION FROM: {terminal.serial_number}", *(f"{name}={told[name]}" for name in told), ""])


def lines_of(call: Call) -> TerminalLines:
    parts = call.parts
    return TerminalLines(parts.store, parts.recorder, parts.recorder.wake, parts.clock, parts.runtime)


def allows(networks: list[str], address: str) -> bool:
    """Whether a terminal may come from there."""
    if not networks:
        return True
    try:
        given = ip_address(address)
    except ValueError:
        return False
    given = getattr(given, "ipv4_mapped", None) or given
    return any(given in ip_network(network) for network in networks)


async def _let_in(call: Call, firmware: str = "") -> Terminal:
    """The terminal that it says it is. Raises Forbidden, in the same words whatever was wrong, and TooMany."""
    parts, serial = call.parts, call.request.query_params.get(SN.name, "")
    firmware = _PLAIN.sub("", firmware)
    if not _SERIAL.fullmatch(serial):
        raise _refused()
    async with parts.store.read() as session:
        terminal = await terminals.find(session, serial)
    why: Why | None = None
    if terminal is None:
        why = "unknown"
    elif not terminal.active:
        why = "inactive"
    elif not allows(terminal.networks, call.address):
        why = "address"
    if terminal is None or why is not None:
        parts.knocks.note(serial, call.address, firmware, why or "unknown", parts.clock)
        raise _refused()
    parts.knocks.forget(serial)
    parts.knocks.pace(terminal.id, parts.clock)
    now = parts.clock.now()
    if not terminals.seen_lately(terminal, now, call.address, firmware):
        async with parts.store.transaction() as session:
            await terminals.note_seen(session, terminal, now, call.address, firmware)
    return terminal


def _refused() -> Forbidden:
    return Forbidden("No terminal with this serial number is let in from here.", code="terminal_refused")


def _said(text: str) -> Response:
    return Response(text, media_type=TEXT)


ENDPOINTS: tuple[Endpoint, ...] = (
    terminal_options, terminal_sends, terminal_asks, terminal_reports, terminal_pings,
)  # fmt: skip
