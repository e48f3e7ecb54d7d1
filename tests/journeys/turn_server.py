"""coturn on loopback, for peers that may only meet at a relay."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port

NAME, PASSWORD = "door", "relayed"
_BINDING = bytes.fromhex("000100002112a442") + b"0123456789ab"


@contextmanager
def turn_server(folder: Path) -> Iterator[str]:
    """Its address. Skips where coturn is not installed."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no coturn here: apt-get install coturn")
    port = free_port()
    command = [
        program, "-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", str(port),
        "--lt-cred-mech", "--user", f"{NAME}:{PASSWORD}", "--realm", "rollcall.test", "--allow-loopback-peers",
        "--no-tls", "--no-dtls", "--no-cli", "--no-tcp-relay", "--log-file", str(folder / "turn.log"), "--simple-log",
        "--pidfile", str(folder / "turn.pid"), "--userdb", str(folder / "turn.db"),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_answers(port)
        yield f"turn:127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def _wait_until_it_answers(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        asking.connect(("127.0.0.1", port))
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                asking.send(_BINDING)
                if asking.recv(1500)[:2] == b"\x01\x01":
                    return
            except OSError:
                time.sleep(0.1)
    raise RuntimeError("coturn does not answer.")
