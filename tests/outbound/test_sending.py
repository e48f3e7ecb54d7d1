"""One request: where it may go, and what can go wrong with it."""

import asyncio
import socket
from ipaddress import ip_network

import pytest
from aiohttp import web

from server.address import ReceiverRules
from server.clock import SystemClock
from server.outbound.messages import Answer, Request
from server.outbound.sending import LONGEST_ANSWER, open_sender
from tests.outbound.conftest import LOOPBACK
from tests.outbound.receiver import Receiver

PUBLIC = ReceiverRules()


async def sent(url: str, rules: ReceiverRules = LOOPBACK, within_s: float = 20.0) -> Answer:
    async with open_sender(rules, SystemClock(), within_s=within_s) as sender:
        return await sender.send(Request(url, {"X-Test": "1"}, b"{}"))


INSIDE = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433"]


@pytest.mark.parametrize("host", INSIDE)
async def test_nothing_internal_is_connected_to(receiver: Receiver, host: str) -> None:
    """In whatever shape the address is written, the connection itself is refused: the name was looked up by then."""
    answer = await sent(f"http://{host}:{receiver.port}/", PUBLIC)
    assert answer.status is None
    assert answer.reason in ("address_not_allowed", "unknown_name", "malformed_address")
    assert receiver.got == []


async def test_a_name_that_points_elsewhere_by_now(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the name meant when it was checked does not count: what is connected to does. The resolver is the only thing
    that is made up here."""
    real = socket.getaddrinfo

    def rebound(host: object, *rest: object, **more: object) -> object:
        return real("127.0.0.1" if host == "receiver.example" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    answer = await sent(f"http://receiver.example:{receiver.port}/", PUBLIC)
    assert answer.reason == "address_not_allowed"
    assert receiver.got == []
    assert (await sent(f"http://receiver.example:{receiver.port}/")).status == 200


async def test_redirects_lead_nowhere(receiver: Receiver) -> None:
    """One to an address inside, or to anywhere, is an answer like another."""
    receiver.statuses, receiver.headers = [302], {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
    answer = await sent(receiver.url)
    assert (answer.status, answer.reason, len(receiver.got)) == (302, "redirected", 1)


async def test_an_answer_has_an_end(receiver: Receiver) -> None:
    """However much comes, so much is read."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    receiver.answer = endless
    answer = await sent(receiver.url)
    assert (answer.status, answer.reason, len(answer.body)) == (500, "http_500", LONGEST_ANSWER)


async def test_an_answer_that_never_ends_in_time(receiver: Receiver) -> None:
    """Its status has come, so it counts; one of which nothing came has timed out."""
    seen: list[str] = []

    async def dripping(request: web.Request) -> web.StreamResponse:
        seen.append(request.path)
        if request.path != "/silent":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"well")
        await asyncio.Event().wait()
        raise AssertionError

    receiver.answer = dripping
    answer = await sent(receiver.url, within_s=2.0)
    assert (answer.status, answer.body) == (200, b"well")
    silent = await sent(f"http://127.0.0.1:{receiver.port}/silent", within_s=0.5)
    assert (silent.status, silent.reason, seen[-1]) == (None, "timed_out", "/silent")


async def test_nobody_is_there() -> None:
    """A port at which nobody listens, a name that nobody has, and TLS where there is none."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: it stays free of others
        assert (await sent(f"http://127.0.0.1:{held.getsockname()[1]}/")).reason == "refused"
    assert (await sent("http://nobody.invalid/")).reason == "unknown_name"


async def test_no_tls_there(receiver: Receiver) -> None:
    """https:// to a port that speaks plain HTTP."""
    assert (await sent(f"https://127.0.0.1:{receiver.port}/")).reason in ("tls_failed", "disconnected")


async def test_no_cookies_are_kept_and_no_proxy_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers learn nothing of each other, and what the environment says of proxies does not count."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    receiver.headers = {"Set-Cookie": "a=b"}
    async with open_sender(LOOPBACK, SystemClock()) as sender:
        for _ in range(2):
            assert (await sender.send(Request(receiver.url, {}, b"{}"))).status == 200
    assert all("cookie" not in one.headers for one in receiver.got)
    assert receiver.got[0].headers["user-agent"] == "Rollcall"


def test_what_is_public() -> None:
    """The rule itself is held against its table in tests/test_address.py."""
    assert ReceiverRules((ip_network("10.0.0.0/8"),)) != PUBLIC
