"""Finds the ONVIF cameras that answer on the networks of this server."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, ip_address
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.dom import minidom
from xml.parsers import expat

from server.address import Address, AddressRules
from server.clock import Clock, SystemClock
from server.media.onvif import TEXT_LIMIT, clipped, extra

# Of WS-Discovery, and of ONVIF's core specification.
_GROUP = ("239.255.255.250", 3702)
_KIND = ("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
_SCOPES = "onvif://www.onvif.org/"

_MOST_DEVICES = 200
_MOST_SENDERS = 256
_MOST_OF_ONE = 8
_ANSWER_LIMIT = 8192
_MOST_ELEMENTS = 300
_DEEPEST = 16
_MOST_SCOPES = 50
_PROBES = 2
# A part of the second that a search may take beyond its wait.
_READING_S = 0.4

# What each sender sent.
_Answers = dict[str, list[bytes]]


@dataclass(frozen=True, slots=True)
class Discovered:
    """A device as it describes itself; `address` is where `onvif.profiles` asks it."""

    address: str
    name: str
    hardware: str
    location: str


async def discover(rules: AddressRules, *, wait_s: float = 3.0) -> list[Discovered]:
    """The devices that answer within `wait_s` and may be asked, by address; at most 200. Returns within a second more.

    Asks over IPv4, on every network that cameras may be on. An answer is a guess from anybody on that network: what
    is too large, not in order or names no allowed IP address is left out, and no name is looked up for it.
    Raises Unavailable (not_installed) without the extra. May be cancelled.
    """
    probe, parse = await asyncio.to_thread(_language)
    answers = await _collect(await asyncio.to_thread(_networks, rules), probe, wait_s)
    return await asyncio.to_thread(_read, answers, rules, parse, SystemClock())


def _language() -> tuple[bytes, Callable[[Any], Any]]:
    """The question, and what reads an answer. Of the package only the messages are used: its threads die of one bad
    answer, and ask again for every empty one.
    """
    actions, message, qname = (extra(f"wsdiscovery.{name}") for name in ("actions", "message", "qname"))
    probe = message.createSOAPMessage(actions.constructProbe([qname.QName(*_KIND)], []))
    return probe.encode(), actions.parseProbeMatchMessage


def _networks(rules: AddressRules) -> list[str]:
    """Our own addresses on networks that cameras may be on."""
    found = []
    for adapter in extra("ifaddr").get_adapters():
        for ip in adapter.ips:
            if not ip.is_IPv4:
                continue
            own = IPv4Interface(f"{ip.ip}/{ip.network_prefix}")
            reached = any(net.version == 4 and own.network.overlaps(net) for net in rules.allowed_networks)
            if rules.allows(own.ip) or (reached and not own.is_loopback):
                found.append(str(own.ip))
    return found


async def _collect(networks: list[str], probe: bytes, wait_s: float) -> _Answers:
    loop = asyncio.get_running_loop()
    inbox = _Inbox()
    transports: list[asyncio.DatagramTransport] = []
    try:
        for own in networks:
            # An address may be gone by now.
            with contextlib.suppress(OSError):
                transport, _ = await loop.create_datagram_endpoint(lambda: inbox, sock=_asking_from(own))
                transports.append(transport)
        for _ in range(_PROBES):
            for transport in transports:
                transport.sendto(probe, _GROUP)
            await asyncio.sleep(wait_s / _PROBES)
    finally:
        for transport in transports:
            transport.abort()
    return inbox.answers


def _asking_from(own: str) -> socket.socket:
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asking.setblocking(False)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        asking.bind((own, 0))
    except OSError:
        asking.close()
        raise
    return asking


class _Inbox(asyncio.DatagramProtocol):
    """Keeps what arrives; of many senders and of one who sends much the later answers are lost."""

    def __init__(self) -> None:
        self.answers: _Answers = {}

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if len(data) > _ANSWER_LIMIT or (addr[0] not in self.answers and len(self.answers) >= _MOST_SENDERS):
            return
        kept = self.answers.setdefault(addr[0], [])
        if len(kept) < _MOST_OF_ONE and data not in kept:
            kept.append(data)


def _read(answers: _Answers, rules: AddressRules, parse: Callable[[Any], Any], clock: Clock) -> list[Discovered]:
    """The first answer of everybody comes before the second of anybody, and there is an end to it."""
    end_s = clock.monotonic() + _READING_S
    found: dict[str, Discovered] = {}
    for data in _in_turn(answers):
        if clock.monotonic() > end_s or len(found) >= _MOST_DEVICES:
            break
        for device in _devices(data, rules, parse):
            found.setdefault(device.address, device)
    return sorted(found.values(), key=lambda device: _order(device.address))[:_MOST_DEVICES]


def _in_turn(answers: _Answers) -> Iterator[bytes]:
    for turn in range(_MOST_OF_ONE):
        yield from (kept[turn] for kept in answers.values() if turn < len(kept))


def _devices(data: bytes, rules: AddressRules, parse: Callable[[Any], Any]) -> list[Discovered]:
    if not _in_order(data):
        return []
    try:
        matches = parse(minidom.parseString(data)).getProbeResolveMatches()
    except (expat.ExpatError, ValueError, LookupError, AttributeError, TypeError):
        return []
    found = []
    for match in matches:
        address = next((url for xaddr in match.getXAddrs()[:8] if (url := _allowed_address(xaddr, rules))), None)
        scopes = [scope.getValue() for scope in match.getScopes()[:_MOST_SCOPES]]
        kinds = {kind.getLocalname() for kind in match.getTypes()}
        # Some devices leave their kind out.
        if address and (_KIND[1] in kinds or any(scope.startswith(_SCOPES) for scope in scopes)):
            said = _said(scopes)
            found.append(Discovered(address, said["name"], said["hardware"], said["location"]))
    return found


def _in_order(data: bytes) -> bool:
    """Whether this is small, flat XML without a document type: the library takes its time over anything else."""
    count = Counter[str]()

    def opened(_name: str, _attributes: dict[str, str]) -> None:
        count["elements"] += 1
        count["depth"] += 1
        if count["elements"] > _MOST_ELEMENTS or count["depth"] > _DEEPEST:
            raise ValueError

    def closed(_name: str) -> None:
        count["depth"] -= 1

    def declared(*_: object) -> None:
        raise ValueError

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _allowed_address(xaddr: str, rules: AddressRules) -> str | None:
    if len(xaddr) > TEXT_LIMIT or not xaddr.isprintable():
        return None
    try:
        parts = urlsplit(xaddr)
        allowed = parts.scheme in ("http", "https") and parts.port != 0 and rules.allows(_host(xaddr))
    except ValueError:
        return None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if allowed else None


def _host(url: str) -> Address:
    """Raises ValueError for a name."""
    return ip_address((urlsplit(url).hostname or "").partition("%")[0])


def _order(url: str) -> tuple[int, int, str]:
    host = _host(url)
    return host.version, int(host), url


def _said(scopes: list[str]) -> dict[str, str]:
    """What the scopes tell; a device may have several of a kind."""
    told: dict[str, list[str]] = {"name": [], "hardware": [], "location": []}
    for scope in scopes:
        kind, _, value = scope.removeprefix(_SCOPES).partition("/")
        if scope.startswith(_SCOPES) and kind in told:
            told[kind].append(unquote(value))
    return {kind: clipped(", ".join(values)) for kind, values in told.items()}
