"""server/media/discovery.py: which cameras answer. The cameras are fakes on the multicast of loopback."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from ipaddress import IPv4Network

import pytest

from server.address import AddressRules
from server.clock import ManualClock
from server.errors import Unavailable
from server.media import discovery
from server.media.discovery import Discovered, discover
from server.media.onvif import extra
from tests.media.onvif_device import Responder, match, nothing_left_open, probe_match

SCOPES = "onvif://www.onvif.org/Profile/Streaming "
NAMED = f"{SCOPES}onvif://www.onvif.org/name/Front%20door onvif://www.onvif.org/hardware/X-100%2FB"
PLACED = f"{SCOPES}onvif://www.onvif.org/location/country/caf%C3%A9 onvif://www.onvif.org/location/floor%202"


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """The group of WS-Discovery on a port of this test, so that tests beside it are not heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        place = ("239.255.255.250", free.getsockname()[1])
    monkeypatch.setattr(discovery, "_GROUP", place)
    return place


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """The whole test leaves nothing open."""
    async with nothing_left_open():
        yield


def read(*answers: bytes, rules: AddressRules) -> list[Discovered]:
    """As if each answer had another sender."""
    senders = {str(number): [answer] for number, answer in enumerate(answers)}
    return discovery._read(senders, rules, extra("wsdiscovery.actions").parseProbeMatchMessage, ManualClock())


@pytest.mark.usefixtures("nothing_left")
async def test_discover(group: tuple[str, int], rules: AddressRules) -> None:
    """Devices by address, each once, with what their scopes tell; one that is not allowed is left out."""
    with (
        Responder(group, [probe_match("http://127.0.0.9/onvif/device_service", PLACED)]) as first,
        Responder(group, [probe_match("http://127.0.0.10:8080/onvif http://127.0.0.10/second", NAMED)] * 2),
        Responder(group, [probe_match("http://192.168.1.64/onvif/device_service", NAMED)]),
    ):
        found = await discover(rules, wait_s=0.4)
    assert found == [
        Discovered("http://127.0.0.9/onvif/device_service", "", "", "country/café, floor 2"),
        Discovered("http://127.0.0.10:8080/onvif", "Front door", "X-100/B", ""),
    ]
    assert len(first.probes) == 2
    assert all(b"NetworkVideoTransmitter" in probe for probe in first.probes)


@pytest.mark.usefixtures("nothing_left")
async def test_nobody(group: tuple[str, int], rules: AddressRules) -> None:
    """Nobody answers, or there is no network to ask on; both end in time, and meanwhile the loop goes on."""
    loop = asyncio.get_running_loop()
    started, turns = loop.time(), 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(count())
        assert await discover(rules, wait_s=0.3) == []
        assert await discover(AddressRules(allowed_networks=()), wait_s=0.1) == []
        counting.cancel()
    assert loop.time() - started < 20
    assert turns > 10
    assert group != ("239.255.255.250", 3702)


@pytest.mark.usefixtures("nothing_left")
async def test_cancelled(group: tuple[str, int], rules: AddressRules) -> None:
    """A search that is given up closes its sockets at once."""
    with Responder(group, []), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await discover(rules, wait_s=30)


@pytest.mark.usefixtures("nothing_left")
async def test_flood(group: tuple[str, int], rules: AddressRules) -> None:
    """A sender who sends without end is heard a few times, too large an answer not at all, and it ends in time."""
    flood = [probe_match(f"http://127.0.0.1/{number}") for number in range(2000)]
    loop = asyncio.get_running_loop()
    with Responder(group, [probe_match("http://127.0.0.2/" + "<!-- -->" * 2000), *flood]):
        started = loop.time()
        found = await discover(rules, wait_s=0.4)
        assert loop.time() - started < 20
    assert 0 < len(found) <= 8


def test_where_it_asks() -> None:
    """On loopback only where that is allowed by name; on others where a camera there could be allowed."""
    assert discovery._networks(AddressRules(allowed_networks=(IPv4Network("127.0.0.0/8"),))) == ["127.0.0.1"]
    assert "127.0.0.1" not in discovery._networks(AddressRules(allowed_networks=(IPv4Network("0.0.0.0/0"),)))
    assert discovery._networks(AddressRules(allowed_networks=())) == []


def test_addresses(rules: AddressRules) -> None:
    """Only HTTP to an allowed IP address; a login in it is dropped, and no name is looked up."""
    for wrong in (
        "",
        "rtsp://127.0.0.1/",
        "http://camera.local/onvif",
        "http://169.254.169.254/latest",
        "http://[::1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/" + "a" * 200,
        "javascript:alert(1)",
    ):
        assert read(probe_match(wrong, NAMED), rules=rules) == []
    both = probe_match("http://[fe80::1]/x http://u:p@127.0.0.3/onvif", NAMED)
    assert [one.address for one in read(both, rules=rules)] == ["http://127.0.0.3/onvif"]


def test_other_kinds(rules: AddressRules) -> None:
    """A printer is no camera; a camera that leaves its kind out is told by its scopes."""
    assert read(probe_match("http://127.0.0.1/", "urn:x", types="dn:Printer"), rules=rules) == []
    assert len(read(probe_match("http://127.0.0.1/", SCOPES, types="dn:Device"), rules=rules)) == 1


def test_many(rules: AddressRules) -> None:
    """At most 200 devices, of however many answers; what they say is cut and holds no control characters."""
    many = [
        probe_match(f"http://127.0.{a}.1/", more="".join(match(f"http://127.0.{a}.{b}/") for b in range(2, 12)))
        for a in range(200)
    ]
    assert len(read(*many, rules=rules)) == 200
    loud = f"onvif://www.onvif.org/name/{'n' * 3000} onvif://www.onvif.org/hardware/%1B%5B2J%0A%00%FF"
    (found,) = read(probe_match("http://127.0.0.1/", loud), rules=rules)
    assert found.name == "n" * 200
    assert found.hardware == "[2J\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello",
        b"\xff" * 1000,
        b"<a>" * 2000,
        b"<a>" + b"<b/>" * 1500 + b"</a>",
        probe_match("http://127.0.0.1/")[:-30],
        probe_match("http://127.0.0.1/").replace(b"RelatesTo", b"Other"),
        probe_match("http://127.0.0.1/").replace(b"urn:uuid:3", b""),
        b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + probe_match("http://127.0.0.1/").partition(b"?>")[2],
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
)
def test_garbage(rules: AddressRules, answer: bytes) -> None:
    """What is not in order is left out and takes nothing else with it."""
    good = probe_match("http://127.0.0.7/", NAMED)
    assert [one.address for one in read(answer, good, rules=rules)] == ["http://127.0.0.7/"]


def test_time_to_read(rules: AddressRules) -> None:
    """Reading ends when its time is over, whatever is left."""

    class Running:
        """A clock that is a second later each time."""

        def __init__(self) -> None:
            self.at = 0.0

        def monotonic(self) -> float:
            self.at += 1
            return self.at

    senders = {"a": [probe_match("http://127.0.0.1/")]}
    assert discovery._read(senders, rules, lambda _: None, Running()) == []  # type: ignore[arg-type]


async def test_not_installed(rules: AddressRules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra there is one sentence that says what to do."""
    monkeypatch.setitem(sys.modules, "wsdiscovery.actions", None)
    with pytest.raises(Unavailable, match=r"\.\[onvif\]") as absent:
        await discover(rules)
    assert absent.value.code == "not_installed"
