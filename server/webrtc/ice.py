"""Finding a way to the browser: on loopback too, without any server by default, and heard or given up.

What aiortc and aioice do not offer is reached through their inner names, all of them here and in `sender.py` and
`intake.py`; the tests of this room fail when they change.
"""

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCIceTransport, RTCPeerConnection
from aiortc.sdp import candidate_from_sdp

_LOOPBACK = "127.0.0.1"
_GATHER_WITHIN_S = 1.5
_MOST_CANDIDATES = 64
_MOST_WAITING = 4096
_LEAST_BYTES = 8


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, for us and for browsers."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


def configuration(servers: Sequence[IceServer]) -> RTCConfiguration:
    """For a connection that uses these servers and no others: aiortc would ask a public one."""
    known = [RTCIceServer(list(one.urls), one.username, one.credential) for one in servers]
    return RTCConfiguration(iceServers=known, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


def transport_of(connection: RTCPeerConnection) -> RTCIceTransport:
    """The one that everything is bundled on."""
    transport: RTCIceTransport = connection.getTransceivers()[0].receiver.transport.transport
    return transport


class Ear:
    """When anything last came from the peer: media, its reports, or a check of the path."""

    def __init__(self) -> None:
        self._heard_s = time.monotonic()

    def listen_at(self, transport: RTCIceTransport) -> None:
        """Once its sockets are there, and before the peer knows of them."""
        inner: Any = transport._connection  # noqa: SLF001
        for protocol in inner._protocols:  # noqa: SLF001
            vars(protocol)["datagram_received"] = self._before(protocol.datagram_received, inner._queue)  # noqa: SLF001

    @property
    def silent_s(self) -> float:
        return time.monotonic() - self._heard_s

    def _before(self, received: Any, waiting: Any) -> Any:
        def datagram_received(data: bytes, address: Any) -> None:
            # An empty datagram would end the connection, and what comes before it stands would be kept without limit.
            if len(data) < _LEAST_BYTES or waiting.qsize() >= _MOST_WAITING:
                return
            self._heard_s = time.monotonic()
            try:
                received(data, address)
            except Exception as error:  # noqa: BLE001 - anybody can send a broken check to an open port
                structlog.get_logger(__name__).debug("datagram_refused", reason=type(error).__name__)

        return datagram_received


def add_loopback(transport: RTCIceTransport) -> None:
    """aioice leaves 127.0.0.1 out of its candidates; on a machine without a network it is the only one.

    No server can be asked from there, so it is gathered apart; one that does not answer holds nobody up for long.
    """
    inner: Any = transport._connection  # noqa: SLF001
    gather = inner.get_component_candidates

    async def with_loopback(component: int, addresses: list[str]) -> Any:
        servers = inner.stun_server, inner.turn_server
        inner.stun_server = inner.turn_server = None
        found = await gather(component=component, addresses=[_LOOPBACK])
        inner.stun_server, inner.turn_server = servers
        return [*await gather(component=component, addresses=addresses, timeout=_GATHER_WITHIN_S), *found]

    vars(inner)["get_component_candidates"] = with_loopback


async def add_candidates(transport: RTCIceTransport, text: str) -> None:
    """Those of an offer or a trickled fragment that can be used. Raises ValueError for one that cannot be read."""
    for line in text.splitlines():
        candidate = line.strip().removeprefix("a=")
        if not candidate.startswith("candidate:") or not is_usable(candidate):
            continue
        if len(transport.getRemoteCandidates()) >= _MOST_CANDIDATES:
            return
        await transport.addRemoteCandidate(candidate_from_sdp(candidate.removeprefix("candidate:")))


def is_usable(candidate: str) -> bool:
    """UDP, and an address: a name that ends in .local would have to be asked for on the network, and is not needed.

    The checks that the browser sends by itself show where it is. Raises ValueError for what is no candidate.
    """
    parts = candidate.split()
    if len(parts) < 8:
        raise ValueError("a candidate has at least eight parts")
    component, protocol, host, port = parts[1], parts[2], parts[4], int(parts[5])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    reachable = not (address.is_multicast or address.is_unspecified or (address.version == 6 and address.is_link_local))
    return component == "1" and protocol.lower() == "udp" and 0 < port < 65536 and reachable
