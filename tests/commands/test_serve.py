"""`rollcall serve`: starts, says where it is, and stops within its time."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from server.commands import serve
from server.errors import Unavailable
from server.events.hub import Hub
from server.loading import Models
from server.settings import Settings
from server.tls import Certificate
from tests.commands.conftest import Run
from tests.opened import models, parts_in
from tests.servers import free_port, plain_environment


@pytest.fixture
def served(tmp_path: Path) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """A server in its own process, and its address."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("rollcall")), "serve", "--port", str(port), "--data", str(tmp_path)]
    process = subprocess.Popen(
        command,
        env=plain_environment() | {"ROLLCALL_COLOUR": "red"},
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{url}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield process, url
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_it_serves_and_stops_on_sigterm(served: "tuple[subprocess.Popen[str], str]") -> None:
    """Exit status 0 within 15 s; it has said where it listens, and warned of a setting that it does not know."""
    process, url = served
    assert httpx.get(f"{url}/health/live").status_code == 200
    assert httpx.get(f"{url}/", follow_redirects=False).headers["location"].startswith("/login")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0, output
    assert f"listens on {url.removeprefix('http://')}" in output
    assert "ROLLCALL_COLOUR" in output
    assert "Traceback" not in output


def test_a_port_that_is_taken_is_one_line(served: "tuple[subprocess.Popen[str], str]", rollcall: Run) -> None:
    """The second server says which port, and exits with 1."""
    port = served[1].rpartition(":")[2]
    result = rollcall("serve", "--port", port)
    assert result.returncode == 1
    assert port in result.stderr
    assert "Traceback" not in result.stderr


def test_the_demo_does_not_run_in_production(rollcall: Run) -> None:
    """Its password is known to everybody."""
    result = rollcall("demo", ROLLCALL_PRODUCTION="true")
    assert result.returncode == 1
    assert "production" in result.stderr


def test_sigterm_while_it_starts_is_a_stop_too(tmp_path: Path) -> None:
    """Exit status 0, without a traceback, whenever it comes."""
    command = [
        str(Path(sys.executable).with_name("rollcall")),
        "serve",
        "--port",
        "0",
        "--data",
        str(tmp_path / "state"),
    ]
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not (tmp_path / "state").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0, output
    assert "Traceback" not in output


async def test_a_part_that_dies_ends_the_server_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever supervises the process sees that it did not stop because it was asked to."""

    async def dies(_self: Hub) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Hub, "run", dies)
    monkeypatch.setattr(serve, "set_up_logging", lambda *_: None)
    loaded = models()
    monkeypatch.setattr(Models, "load", lambda _: loaded)
    with pytest.raises(Unavailable):
        await serve._serve(Settings(data_dir=tmp_path), "127.0.0.1", 0)


def _certificate(self_signed: bool) -> Certificate:
    day = datetime(2020, 1, 1, tzinfo=UTC)
    return Certificate(Path("c.pem"), Path("k.pem"), frozenset(), day, day, "AA:BB", self_signed)


def test_https_means_secure_cookies_and_a_promise_to_stay() -> None:
    """The promise only with a certificate that browsers can check: otherwise nobody could visit any more."""
    plain = serve._secured(Settings(), None)
    assert (plain.security.secure_cookies, plain.tls.hsts_days) == (False, 180)
    trusted = serve._secured(Settings(), _certificate(self_signed=False))
    assert (trusted.security.secure_cookies, trusted.tls.hsts_days) == (True, 180)
    own = serve._secured(Settings(), _certificate(self_signed=True))
    assert (own.security.secure_cookies, own.tls.hsts_days) == (True, 0)


@pytest.mark.parametrize(
    ("settings", "certificate", "events"),
    [
        ({}, None, set()),
        ({"production": True}, None, {"no_https"}),
        ({"security": {"secure_cookies": True}}, None, {"proxy_not_named"}),
        ({"security": {"secure_cookies": True}, "http": {"trusted_proxies": ["10.0.0.2/32"]}}, None, set()),
        (
            {"production": True, "security": {"secure_cookies": True}},
            _certificate(False),
            {"certificate_out_of_its_time"},
        ),
    ],
)
def test_what_is_doubtful_is_warned_of(
    settings: dict[str, object], certificate: Certificate | None, events: set[str]
) -> None:
    """It keeps nobody from starting."""
    with capture_logs() as lines:
        serve._warn(Settings.model_validate(settings), certificate)
    assert {line["event"] for line in lines if line["event"] != "unknown_setting"} == events


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost"), ("::", "localhost"), ("fd00::1", "[fd00::1]")],
)
async def test_the_first_start_says_how_to_go_on(tmp_path: Path, host: str, address: str) -> None:
    """As long as there is no user; with an address that can be opened."""
    async with parts_in(tmp_path, users=False) as parts:
        said = await serve._hello(parts, host, 8000, None)
        assert f"http://{address}:8000/setup?code={parts.access.setup_code()}" in said
        await parts.access.accounts.create(
            email="ada@example.com", full_name="Ada", role="Admin", password="a long enough phrase"
        )
        assert "setup" not in await serve._hello(parts, host, 8000, None)


async def test_answers_do_not_wait_for_acknowledgements() -> None:
    """What the listening socket accepts sends small pieces at once, also those that asyncio does not take for TCP."""
    with serve._listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
