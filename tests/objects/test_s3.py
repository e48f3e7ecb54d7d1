"""A bucket as object storage: what it says when it is away, refuses or is not there, and what it never says."""

import asyncio
import socket
import socketserver
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import httpx
import pytest
import structlog

from server.clock import ManualClock, SystemClock
from server.errors import Invalid, NotFound, Unavailable
from server.objects import s3
from server.objects.objects import Objects
from server.objects.s3 import S3Objects, S3Place
from tests.s3_server import ACCESS_KEY, SECRET_KEY, S3Server
from tests.servers import free_port

Attempt = Callable[[Objects], Awaitable[object]]


async def listed(objects: Objects) -> list[str]:
    return [key async for key in objects.keys("")]


ATTEMPTS: dict[str, Attempt] = {
    "put": lambda objects: objects.put("x/y.jpg", b"1"),
    "get": lambda objects: objects.get("x/y.jpg"),
    "open": lambda objects: objects.open("x/y.jpg"),
    "delete": lambda objects: objects.delete("x/y.jpg"),
    "keys": listed,
    "check": lambda objects: objects.check(),
}


@pytest.fixture
def silent() -> Iterator[str]:
    """Somebody who takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class Half(socketserver.BaseRequestHandler):
    """Begins an answer, and goes no further until it may close."""

    def handle(self) -> None:
        assert isinstance(self.server, HalfServer)
        self.request.recv(10_000)
        self.request.sendall(
            b'HTTP/1.1 200 OK\r\nContent-Length: 500000\r\nETag: "1"\r\n'
            b"Last-Modified: Mon, 05 Jan 2026 08:00:00 GMT\r\n\r\n" + b"1" * 400_000
        )
        self.server.closes.wait(10)


class HalfServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    closes: threading.Event

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone meanwhile."""


@pytest.fixture
def half() -> Iterator[tuple[str, threading.Event]]:
    """Its address, and what lets it close."""
    with HalfServer(("127.0.0.1", 0), Half) as server:
        server.closes = threading.Event()  # before anybody is served
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", server.closes
        server.closes.set()
        server.shutdown()


def at(endpoint: str, bucket: str = "rollcall", clock: ManualClock | None = None) -> S3Objects:
    return S3Objects(S3Place(bucket, "", endpoint, "us-east-1", ACCESS_KEY, SECRET_KEY), clock or SystemClock())


async def failure_of(attempt: Attempt, objects: Objects) -> str:
    """The message of the failure. Nothing of it, nor of the log, tells a key."""
    with structlog.testing.capture_logs() as logs, pytest.raises(Unavailable) as failed:
        await attempt(objects)
    assert failed.value.code == "storage_unavailable"
    everything = "".join(traceback.format_exception(failed.value)) + str(logs)
    assert SECRET_KEY not in everything
    assert ACCESS_KEY not in everything
    assert "127.0.0.1" not in failed.value.message
    return failed.value.message


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_nobody_there(name: str) -> None:
    """A refused connection is told within seconds, whatever was asked."""
    async with asyncio.timeout(8):
        message = await failure_of(ATTEMPTS[name], at(f"http://127.0.0.1:{free_port()}"))
    assert message == "The object storage does not answer."


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_nobody_answers(name: str, silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless wait ends."""
    monkeypatch.setattr(s3, "DEADLINE_S", 0.3)
    async with asyncio.timeout(5):
        assert await failure_of(ATTEMPTS[name], at(silent)) == "The object storage does not answer."


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_refused(name: str, s3_server: S3Server) -> None:
    """Wrong keys are told by S3's own word for it."""
    objects = s3_server.objects(s3_server.make_bucket())
    with s3_server.refusing():
        message = await failure_of(ATTEMPTS[name], objects)
    assert message.startswith(("The object storage refuses this server", "The object storage fails (InvalidAccessKey"))
    await objects.check()


@pytest.mark.parametrize("name", [name for name in ATTEMPTS if name != "delete"])
async def test_no_such_bucket(name: str, s3_server: S3Server) -> None:
    """A missing bucket is a fault of the settings: objects are not told to be missing."""
    message = await failure_of(ATTEMPTS[name], s3_server.objects("nobody-made-this"))
    assert "no such bucket" in message or "NoSuchBucket" in message


@pytest.mark.parametrize("attempt", ["get", "open"])
async def test_an_answer_that_breaks_off_is_no_object(
    half: tuple[str, threading.Event], attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as a whole nor in pieces: half a picture is none. An endless pause within it ends, too."""
    monkeypatch.setattr(s3, "STALL_S", 0.3)
    monkeypatch.setattr(s3, "DEADLINE_S", 1.0)
    endpoint, closes = half

    async def in_pieces(objects: Objects) -> None:
        stored = await objects.open("x/y.jpg")
        assert stored.size == 500_000
        async for piece in stored.pieces:
            assert piece.strip(b"1") == b""

    wanted = ATTEMPTS["get"] if attempt == "get" else in_pieces
    async with asyncio.timeout(20):
        assert await failure_of(wanted, at(endpoint)) == "The object storage does not answer."
        closes.set()
        assert await failure_of(wanted, at(endpoint)) == "The object storage does not answer."


async def test_who_does_not_answer_is_left_alone_for_a_while(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cameras do not each wait for it; afterwards it is asked again."""
    monkeypatch.setattr(s3, "DEADLINE_S", 0.2)
    clock = ManualClock()
    objects = at(silent, clock=clock)
    await failure_of(ATTEMPTS["put"], objects)
    monkeypatch.setattr(s3, "DEADLINE_S", 60)
    async with asyncio.timeout(1):
        for name in ("put", "get", "open", "delete", "keys"):
            assert await failure_of(ATTEMPTS[name], objects) == "The object storage does not answer."
    monkeypatch.setattr(s3, "DEADLINE_S", 0.2)
    clock.advance(s3.REST_S)
    started = asyncio.get_running_loop().time()
    await failure_of(ATTEMPTS["put"], objects)
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_a_check_asks_also_then(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is back, the check says so at once, and so does everything else."""
    objects = s3_server.objects(s3_server.make_bucket(), clock=ManualClock())
    monkeypatch.setattr(s3, "DEADLINE_S", 0.0)
    await failure_of(ATTEMPTS["put"], objects)
    monkeypatch.undo()
    await failure_of(ATTEMPTS["put"], objects)
    await objects.check()
    await objects.put("x/y.jpg", b"1")


async def test_a_missing_object_is_no_failure(s3_server: S3Server) -> None:
    """It says nothing about the storage: the next one is asked for as ever, and nothing is logged."""
    objects = s3_server.objects(s3_server.make_bucket(), clock=ManualClock())
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(NotFound):
                await objects.get("x/y.jpg")
    assert logs == []


async def test_objects_lie_under_the_prefix_with_their_type(s3_server: S3Server) -> None:
    """Sites may share a bucket; who may look into it finds pictures that are pictures, and nobody else may."""
    bucket = s3_server.make_bucket()
    one, other = s3_server.objects(bucket, "site-1"), s3_server.objects(bucket, "site-10")
    await one.put("people/a/b.jpg", b"1")
    assert s3_server.names(bucket) == ["site-1/people/a/b.jpg"]
    signed = await one._obstore.sign_async(one._store, "GET", "people/a/b.jpg", timedelta(minutes=1))
    async with httpx.AsyncClient() as client:
        assert (await client.get(signed)).headers["Content-Type"] == "image/jpeg"
        assert (await client.get(signed.partition("?")[0])).status_code == 403
    assert await listed(one) == ["people/a/b.jpg"]
    assert await listed(other) == []
    with pytest.raises(NotFound):
        await other.get("people/a/b.jpg")


async def test_more_are_deleted_than_one_request_takes(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 takes a thousand at once."""
    monkeypatch.setattr(s3, "PAGE", 10)
    objects = s3_server.objects(s3_server.make_bucket())
    keys = [f"x/{number}.jpg" for number in range(25)]
    await asyncio.gather(*(objects.put(key, b"1") for key in keys))
    await objects.delete(*keys)
    assert await listed(objects) == []


async def test_settings_win_over_the_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_… names of another program on this machine lead nowhere else, and mix no identities."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_BUCKET_NAME", "somebody-elses")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOMEBODYELSE")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody's")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")
    bucket = s3_server.make_bucket()
    await s3_server.objects(bucket).put("x/y.jpg", b"1")
    assert s3_server.names(bucket) == ["x/y.jpg"]


async def test_without_keys_those_of_the_environment_count(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As other programs on Amazon's machines have it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    bucket = s3_server.make_bucket()
    objects = S3Objects(S3Place(bucket, endpoint=s3_server.endpoint), SystemClock())
    await objects.check()


async def test_the_environment_may_ask_for_encryption(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each object, where the bucket's own default is not enough."""
    monkeypatch.setenv("AWS_SERVER_SIDE_ENCRYPTION", "AES256")
    objects = s3_server.objects(s3_server.make_bucket())
    await objects.put("x/y.jpg", b"1")
    signed = await objects._obstore.sign_async(objects._store, "GET", "x/y.jpg", timedelta(minutes=1))
    async with httpx.AsyncClient() as client:
        assert (await client.get(signed)).headers["x-amz-server-side-encryption"] == "AES256"


async def test_plain_http_only_where_it_is_said(s3_server: S3Server) -> None:
    """An endpoint with https is spoken to in TLS or not at all."""
    secure = s3_server.endpoint.replace("http://", "https://")
    assert "does not answer" in await failure_of(ATTEMPTS["put"], at(secure, s3_server.make_bucket()))


def test_a_place_does_not_show_its_secret() -> None:
    """Whoever logs it logs no key."""
    assert SECRET_KEY not in repr(S3Place("rollcall", "", "", "us-east-1", ACCESS_KEY, SECRET_KEY))


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs without obstore until somebody wants a bucket."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(Invalid, match=r"\.\[s3\]") as missing:
        at("http://127.0.0.1:9000")
    assert missing.value.details[0].field == "storage.url"
