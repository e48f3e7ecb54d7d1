"""OWASP ASVS 5.0, item by item: those that this project names, each shown from outside."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network, summarize_address_range
from pathlib import Path

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from server.address import AddressRules
from server.clock import ManualClock, SystemClock
from server.ids import new_id
from server.media.source import SourceSpec
from server.media.stream import Stream
from server.parts import Parts
from server.routes.endpoint import SESSION_COOKIE
from server.routes.gate import SocketGate
from server.supervise import supervise
from tests.events.scenes import serving
from tests.opened import PASSWORD, client_of
from tests.servers import free_port
from tests.test_telemetry import logging_as

API = "/api/v1"
ADMIN = {"username": "admin@example.com", "password": PASSWORD}
VIEWER = {"username": "viewer@example.com", "password": PASSWORD}
DAY_S = 86_400


async def sign_in(client: httpx.AsyncClient, who: dict[str, str] = ADMIN) -> dict[str, str]:
    answer = await client.post(f"{API}/auth/login", json=who)
    assert answer.status_code == 200, answer.text
    data: dict[str, str] = answer.json()["data"]
    return data


async def status_with(client: httpx.AsyncClient, token: str) -> int:
    answer = await client.get(f"{API}/auth/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(f"{API}/auth/refresh", json={"refreshToken": token})


async def test_10_4_5_a_refresh_token_used_twice_ends_its_family(
    anyone: httpx.AsyncClient, admin: httpx.AsyncClient, clock: ManualClock
) -> None:
    """The tokens of both who hold one are refused, an alert is raised, and the audit tells of it."""
    first = await sign_in(anyone, VIEWER)
    second = (await refreshed(anyone, first["refreshToken"])).json()["data"]
    clock.advance(60)
    assert (await refreshed(anyone, first["refreshToken"])).status_code == 401
    assert (await refreshed(anyone, second["refreshToken"])).status_code == 401
    assert await status_with(anyone, second["accessToken"]) == 401
    alerts = (await admin.get(f"{API}/alerts")).json()["data"]
    assert [(one["kind"], one["severity"]) for one in alerts] == [("refresh_token_reused", "critical")]
    rows = (await admin.get(f"{API}/audit", params={"action": "session.refresh_reused"})).json()["data"]
    assert len(rows) == 1


async def test_10_4_5_two_tabs_at_once_are_no_attack(anyone: httpx.AsyncClient, clock: ManualClock) -> None:
    """Within ten seconds the same refresh token brings the same successor, and nobody is thrown out."""
    first = await sign_in(anyone)
    one = (await refreshed(anyone, first["refreshToken"])).json()["data"]
    clock.advance(9)
    other = (await refreshed(anyone, first["refreshToken"])).json()["data"]
    assert one["refreshToken"] == other["refreshToken"]
    assert await status_with(anyone, other["accessToken"]) == 200


async def test_10_4_8_a_session_ends_absolutely(anyone: httpx.AsyncClient, clock: ManualClock) -> None:
    """However often it is refreshed, after its absolute lifetime somebody has to sign in again."""
    tokens = await sign_in(anyone)
    for _ in range(8):
        clock.advance(10 * DAY_S)
        answer = await refreshed(anyone, tokens["refreshToken"])
        assert answer.status_code == 200
        tokens = answer.json()["data"]
    clock.advance(10 * DAY_S + 1)
    assert (await refreshed(anyone, tokens["refreshToken"])).status_code == 401


async def test_7_4_1_logout_ends_token_cookie_and_refresh(anyone: httpx.AsyncClient) -> None:
    """Nothing that was handed out for the session is good any more."""
    tokens = await sign_in(anyone)
    cookie = anyone.cookies[SESSION_COOKIE]
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    assert (await anyone.post(f"{API}/auth/logout", headers=bearer)).status_code == 204
    anyone.cookies.clear()
    assert await status_with(anyone, tokens["accessToken"]) == 401
    assert (await refreshed(anyone, tokens["refreshToken"])).status_code == 401
    by_cookie = await anyone.get(f"{API}/auth/me", headers={"Cookie": f"{SESSION_COOKIE}={cookie}"})
    assert by_cookie.status_code == 401


async def test_7_4_2_a_disabled_user_is_out(anyone: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """Sessions and API keys of a user who is disabled stop at once."""
    tokens = await sign_in(anyone, VIEWER)
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    anyone.cookies.clear()
    user = (await anyone.get(f"{API}/auth/me", headers=bearer)).json()["data"]
    form = {"email": user["email"], "fullName": user["fullName"], "role": user["role"], "active": False}
    assert (await admin.put(f"{API}/users/{user['id']}", json=form)).status_code == 200
    assert await status_with(anyone, tokens["accessToken"]) == 401
    assert (await refreshed(anyone, tokens["refreshToken"])).status_code == 401
    assert (await anyone.post(f"{API}/auth/login", json=VIEWER)).status_code == 401


def forged(
    token: str, claims: dict[str, object], *, key: bytes = b"k" * 32, header: dict[str, str] | None = None
) -> str:
    """A token that says what the given one says, save for what is changed, signed by somebody else."""
    said = jwt.decode(token, options={"verify_signature": False}) | claims
    return jwt.encode(said, key, "HS256", headers=jwt.get_unverified_header(token) | (header or {}))


def without_signature(token: str) -> str:
    said = token.split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{said}."


def with_hs512(token: str, key: bytes) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS512", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    body = f"{head}.{token.split('.')[1]}"
    signature = base64.urlsafe_b64encode(hmac.new(key, body.encode(), hashlib.sha512).digest()).rstrip(b"=").decode()
    return f"{body}.{signature}"


async def test_9_1_signature_and_algorithm_are_checked(anyone: httpx.AsyncClient, parts: Parts) -> None:
    """Unsigned, signed by others, with another algorithm, under an unknown key id: all refused."""
    token = (await sign_in(anyone))["accessToken"]
    anyone.cookies.clear()
    _, key = parts.access.keyring.signing("token:access")
    bad = [
        without_signature(token),
        forged(token, {}),
        forged(token, {}, header={"kid": "another"}),
        with_hs512(token, key),
        token[:-4] + "AAAA",
        "x" * 5000,
    ]
    assert [await status_with(anyone, one) for one in bad] == [401] * len(bad)
    assert await status_with(anyone, token) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"use": "refresh"},
        {"exp": 1},
        {"iat": 9_999_999_999, "exp": 9_999_999_999},
    ],
)
async def test_9_2_issuer_audience_type_and_times(
    anyone: httpx.AsyncClient, parts: Parts, claims: dict[str, object]
) -> None:
    """With the right key too: each claim has to be ours."""
    token = (await sign_in(anyone))["accessToken"]
    anyone.cookies.clear()
    _, key = parts.access.keyring.signing("token:access")
    assert await status_with(anyone, forged(token, {}, key=key)) == 200
    assert await status_with(anyone, forged(token, claims, key=key)) == 401


async def test_9_2_a_token_is_good_for_its_use_only(anyone: httpx.AsyncClient) -> None:
    """A refresh token opens nothing, an access token refreshes nothing."""
    tokens = await sign_in(anyone)
    anyone.cookies.clear()
    assert await status_with(anyone, tokens["refreshToken"]) == 401
    assert (await refreshed(anyone, tokens["accessToken"])).status_code == 401


async def test_6_3_1_guessing_is_stopped(anyone: httpx.AsyncClient, clock: ManualClock) -> None:
    """After ten wrong passwords the right one is refused too, with the time to wait; then it lets in again."""
    for _ in range(10):
        wrong = await anyone.post(f"{API}/auth/login", json=ADMIN | {"password": "not the right one"})
        assert wrong.status_code == 401
    refused = await anyone.post(f"{API}/auth/login", json=ADMIN)
    assert refused.status_code == 429
    wait_s = int(refused.headers["Retry-After"])
    clock.advance(wait_s + 1)
    assert (await anyone.post(f"{API}/auth/login", json=ADMIN)).status_code == 200


async def test_6_3_1_one_address_cannot_try_all_accounts(anyone: httpx.AsyncClient) -> None:
    """Fifty wrong ones from one address close it, whichever accounts they were for."""
    for number in range(50):
        tried = {"username": f"user{number}@example.com", "password": "not the right one"}
        assert (await anyone.post(f"{API}/auth/login", json=tried)).status_code == 401
    assert (await anyone.post(f"{API}/auth/login", json=ADMIN)).status_code == 429


async def close_code(url: str, **options: object) -> int | None:
    """The code with which the server closes, or None where it lets in."""
    async with connect(url, subprotocols=[Subprotocol("rollcall.v1")], proxy=None, **options) as socket:  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(10):
                while True:
                    if json.loads(await socket.recv())["type"] == "ready":
                        return None
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def test_4_4_the_socket_checks_origin_and_token(
    anyone: httpx.AsyncClient, parts: Parts, clock: ManualClock
) -> None:
    """The cookie lets in from our own pages only; a ticket once; a token in the address never."""
    tokens = await sign_in(anyone)
    cookie = {"Cookie": f"{SESSION_COOKIE}={anyone.cookies[SESSION_COOKIE]}"}
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    ticket = (await anyone.post(f"{API}/auth/ticket", headers=bearer)).json()["data"]["ticket"]
    async with serving(parts.hub, SocketGate(parts.access)) as url:
        own = Origin(re.sub(r"^ws(.*)/ws$", r"http\1", url))
        assert await close_code(url, origin=own, additional_headers=cookie) is None
        assert await close_code(f"{url}?ticket={ticket}") is None
        assert await close_code(f"{url}?ticket={ticket}") == 4501
        async with asyncio.TaskGroup() as tasks:
            foreign = close_code(url, origin=Origin("http://evil.example"), additional_headers=cookie)
            waiting = [
                tasks.create_task(foreign), tasks.create_task(close_code(f"{url}?token={tokens['accessToken']}")),
            ]  # fmt: skip
            while not all(one.done() for one in waiting):
                await asyncio.sleep(0.1)
                clock.advance(1)
        assert [one.result() for one in waiting] == [4501, 4501]


async def test_14_2_1_what_is_in_an_address_lives_shortly(
    anyone: httpx.AsyncClient, parts: Parts, clock: ManualClock
) -> None:
    """The API takes no token from the query, and a ticket is good for half a minute."""
    tokens = await sign_in(anyone)
    anyone.cookies.clear()
    for name in ("token", "access_token", "accessToken"):
        answer = await anyone.get(f"{API}/auth/me", params={name: tokens["accessToken"]})
        assert answer.status_code == 401
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
    given = (await anyone.post(f"{API}/auth/ticket", headers=bearer)).json()["data"]
    assert given["expiresIn"] <= 30
    clock.advance(31)
    assert await parts.access.by_ticket(given["ticket"]) is None


async def test_8_2_2_access_is_checked_for_each_object(parts: Parts, admin: httpx.AsyncClient) -> None:
    """A user limited to one camera finds the other neither in the list nor by its id."""
    made = []
    for name in ("Entrance", "Vault"):
        form = {"name": name, "kind": "push", "source": "", "enabled": False}
        made.append((await admin.post(f"{API}/cameras", json=form)).json()["data"]["id"])
    user = next(one for one in (await admin.get(f"{API}/users")).json()["data"] if one["email"] == "viewer@example.com")
    form = {key: user[key] for key in ("email", "fullName", "role", "active")} | {"cameraIds": [made[0]]}
    assert (await admin.put(f"{API}/users/{user['id']}", json=form)).status_code == 200
    async with client_of(parts, "Viewer") as viewer:
        assert [one["id"] for one in (await viewer.get(f"{API}/cameras")).json()["data"]] == [made[0]]
        assert (await viewer.get(f"{API}/cameras/{made[0]}")).status_code == 200
        assert (await viewer.get(f"{API}/cameras/{made[1]}")).status_code == 404
        assert (await viewer.get(f"{API}/cameras/{new_id()}")).json()["error"]["code"] == "camera_not_found"


async def _opened_in_vain(source: str, written: Callable[[], str]) -> str:
    """What the server logs of a camera whose address nobody answers at."""
    stream = Stream(
        SourceSpec("c1", "rtsp", source, open_timeout_s=2.0, read_timeout_s=2.0),
        rules=AddressRules(allowed_networks=(ip_network("127.0.0.0/8"),)),
        clock=SystemClock(),
    )
    said = ""
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stream.run())
        while "camera_opens_again" not in said:
            await asyncio.sleep(0.02)
            said += written()
        running.cancel()
    return said


async def test_16_2_5_no_secret_reaches_the_log(
    parts: Parts,
    anyone: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Requests, a camera that does not open, a part that fails and a crash, each with all there is to give away: the
    lines of the log hold neither passwords nor tokens nor cookies."""
    port = free_port()
    source = f"rtsp://root:hunter22@127.0.0.1:{port}/1?token=hunter33"
    with logging_as("json", capsys) as written:
        tokens = await sign_in(anyone)
        cookie = anyone.cookies[SESSION_COOKIE]
        headers = {"Authorization": f"Bearer {tokens['accessToken']}", "Cookie": f"{SESSION_COOKIE}={cookie}"}
        form = {"name": "Yard", "kind": "rtsp", "source": source.replace("127.0.0.1", "10.0.0.9"), "enabled": False}
        assert (await admin.post(f"{API}/cameras", json=form)).status_code == 201
        said = await _opened_in_vain(source, written)

        async def fails(*_given: object, **_named: object) -> None:
            raise OSError(f"Cannot open {source} of {headers} for {ADMIN} with {tokens}.")

        async def never_again(_pause_s: float) -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await supervise("cameras", fails, sleep=never_again)
        monkeypatch.setattr(parts.access.accounts, "page", fails)
        assert (await anyone.get(f"{API}/users", headers=headers)).status_code == 500
        said += written()
    for event in ("request", "camera_opens_again", "part_starts_again", "request_crashed"):
        assert f'"event":"{event}"' in said
    assert f"127.0.0.1:{port}" in said, "the errors were logged with what they say"
    for secret in (PASSWORD, tokens["accessToken"], tokens["refreshToken"], cookie, "hunter22", "hunter33"):
        assert secret not in said


@pytest.mark.parametrize(
    "source",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8000/metrics",
        "rtsp://[::1]/live",
        "http://93.184.216.34/video",
        "concat:/etc/passwd",
        "exec:/bin/sh",
    ],
)
async def test_1_3_6_cameras_are_where_they_may_be(admin: httpx.AsyncClient, source: str) -> None:
    """An address outside the allowed networks, or of another scheme, is refused by name."""
    kind = "rtsp" if source.startswith("rtsp") else "http"
    answer = await admin.post(f"{API}/cameras", json={"name": "x", "kind": kind, "source": source, "enabled": False})
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["source"]


def test_17_1_1_the_relay_does_not_reach_inside() -> None:
    """The TURN server of compose.yaml relays to nothing but the one address of the server itself: every other one,
    private, loopback and link-local included, lies in a denied range."""
    text = (Path(__file__).parents[2] / "compose.yaml").read_text()
    relay = text[text.index("coturn:") : text.index("\nnetworks:")]
    ranges = re.findall(r"--denied-peer-ip=([\da-f.:]+)-([\da-f.:]+)", relay)
    denied = [net for low, high in ranges for net in summarize_address_range(ip_address(low), ip_address(high))]
    for inside in ("10.0.0.1", "172.16.0.1", "172.31.251.11", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0",
                   "100.64.0.1", "8.8.8.8", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "2001:db8::1"):  # fmt: skip
        assert any(ip_address(inside) in net for net in denied), inside
    assert re.findall(r"--allowed-peer-ip=(\S+)", relay) == ['"$$TURN_PEER"']
    assert "--no-multicast-peers" in relay
