"""Beneath the messages: what is agreed on when a client offers it, and what becomes of one that answers no more."""

import socket
import time
from urllib.parse import urlsplit

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.uri import parse_uri

from tests.conformance.site import Client, Site

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
DEAD_WITHIN_S = 40.0


def is_compressed(client: Client) -> bool:
    return any(isinstance(one, PerMessageDeflate) for one in client.socket.protocol.extensions)


def test_compression_is_for_whoever_offers_it(site: Site) -> None:
    """Both hear the same."""
    with site.let_in() as one, site.let_in(compression=None) as other:
        assert (is_compressed(one), is_compressed(other)) == (True, False)
        one.subscribe(1, "cameras")
        other.subscribe(1, "cameras")
        camera = site.add_camera()
        heard = one.events(1)
        assert heard == other.events(1)
        assert heard[0]["event"]["data"]["id"] == camera["id"]


def test_who_does_not_answer_is_dropped(site: Site) -> None:
    """Asked now and then whether it is still there, a client that says nothing has 40 s at most."""
    address = urlsplit(site.url)
    if address.scheme != "http":
        pytest.skip("the connection is looked at without TLS")
    protocol = ClientProtocol(parse_uri(f"ws://{address.netloc}/ws?ticket={ticket(site)}"))
    protocol.send_request(protocol.connect())
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=DEAD_WITHIN_S) as peer:
        peer.sendall(b"".join(protocol.data_to_send()))
        began = time.monotonic()
        while data := peer.recv(65536):  # it hears the pings, and answers none
            protocol.receive_data(data)
            assert time.monotonic() - began < DEAD_WITHIN_S
    assert protocol.handshake_exc is None
    assert [one for one in protocol.events_received() if getattr(one, "opcode", None) == 9], "it was never asked"


def ticket(site: Site) -> str:
    found: str = site.http.post("/api/v1/auth/ticket").json()["data"]["ticket"]
    return found
