"""`rollcall serve` with HTTPS: its own certificate, a certificate that is given, and what goes wrong with one."""

import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from websockets.sync.client import connect

from server.tls import self_signed
from tests.commands.conftest import Run
from tests.journeys.client import SUBPROTOCOL
from tests.servers import free_port, plain_environment

EMAIL, PASSWORD = "admin@site.example", "a long enough pass phrase"


@contextmanager
def serving(folder: Path, *options: str) -> "Iterator[tuple[int, subprocess.Popen[str], Path]]":
    """A server in a process of its own: its port, the process, and the file with what it prints."""
    port, output = free_port(), folder / "output"
    rollcall = str(Path(sys.executable).with_name("rollcall"))
    with output.open("w") as file:
        process = subprocess.Popen(
            [rollcall, "serve", "--port", str(port), "--data", str(folder / "state"), *options], cwd=folder,
            env=plain_environment() | {"ROLLCALL_LOG__FORMAT": "json"}, stdout=file, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
    try:
        until = time.monotonic() + 90
        while "listens on" not in output.read_text() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        assert process.poll() is None, output.read_text()
        yield port, process, output
        process.terminate()
        assert process.wait(15) == 0, output.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_certificate_of_its_own(tmp_path: Path) -> None:
    """Somebody who trusts it sets the server up, signs in and listens, all verified; its fingerprint is printed."""
    with serving(tmp_path, "--tls-self-signed") as (port, _, output):
        path = tmp_path / "state/tls/certificate.pem"
        found = x509.load_pem_x509_certificate(path.read_bytes())
        said = output.read_text()
        assert found.fingerprint(SHA256()).hex(":").upper() in said
        trusting = ssl.create_default_context(cafile=path)
        code = re.search(rf"https://127\.0\.0\.1:{port}/setup\?code=(\S+)", said)
        assert code is not None
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trusting) as client:
            admin = {"code": code.group(1), "email": EMAIL, "fullName": "Ada", "password": PASSWORD}
            assert client.post("/api/v1/setup", json=admin).status_code == 201
            answer = client.post("/api/v1/auth/login", json={"username": EMAIL, "password": PASSWORD})
            assert answer.status_code == 200
            assert all("secure" in cookie.lower() for cookie in answer.headers.get_list("set-cookie"))
            assert answer.headers.get_list("set-cookie")
            assert "strict-transport-security" not in answer.headers
            token = answer.json()["data"]["accessToken"]
        with connect(f"wss://127.0.0.1:{port}/ws", ssl=trusting, subprotocols=[SUBPROTOCOL]) as socket:
            assert orjson.loads(socket.recv(10))["type"] == "welcome"
            socket.send(orjson.dumps({"type": "auth", "token": token}).decode())
            assert orjson.loads(socket.recv(10))["type"] == "ready"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://127.0.0.1:{port}/health/live")
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/health/live")
        assert code.group(1) not in "".join(line for line in output.read_text().splitlines() if line.startswith("{"))
    with serving(tmp_path, "--tls-self-signed") as (port, _, output):
        assert x509.load_pem_x509_certificate(path.read_bytes()) == found
        assert "setup?code" not in output.read_text()


def test_a_certificate_that_is_given(tmp_path: Path) -> None:
    """By options; what is spoken is the newest TLS."""
    made = self_signed(tmp_path / "given", {"localhost", "127.0.0.1"}, datetime.now(UTC))
    with serving(tmp_path, "--tls-cert", str(made.cert), "--tls-key", str(made.key)) as (port, _, _):
        trusting = ssl.create_default_context(cafile=made.cert)
        assert httpx.get(f"https://localhost:{port}/health/live", verify=trusting).status_code == 200
        plain = socket.create_connection(("127.0.0.1", port))
        with trusting.wrap_socket(plain, server_hostname="localhost") as wrapped:
            assert wrapped.version() == "TLSv1.3"


def test_a_certificate_that_does_not_fit_is_one_line(rollcall: Run, tmp_path: Path) -> None:
    """From options and from settings, with exit status 1; options that contradict one another are wrong usage."""
    one = self_signed(tmp_path / "one", {"localhost"}, datetime.now(UTC))
    other = self_signed(tmp_path / "other", {"localhost"}, datetime.now(UTC))
    given = rollcall("serve", "--tls-cert", str(one.cert), "--tls-key", str(other.key))
    settings = {"ROLLCALL_TLS__CERT": str(one.cert), "ROLLCALL_TLS__KEY": str(other.key)}
    for result in (given, rollcall("serve", **settings)):
        assert result.returncode == 1
        (line,) = result.stderr.strip().splitlines()
        assert "is not the key of" in line
    assert rollcall("serve", "--tls-cert", str(one.cert)).returncode == 2
    both = rollcall("serve", "--tls-self-signed", "--tls-cert", str(one.cert), "--tls-key", str(one.key))
    assert both.returncode == 2
