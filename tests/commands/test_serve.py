"""`rollcall serve`: starts, says where it is, and stops within its time."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server import lifespan
from server.commands import serve
from server.errors import Unavailable
from server.events.hub import Hub
from server.settings import Settings
from tests.commands.conftest import Run
from tests.opened import models
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
    monkeypatch.setattr(lifespan, "_load_models", lambda _: models())
    with pytest.raises(Unavailable):
        await serve._serve(Settings(data_dir=tmp_path), "127.0.0.1", 0)
