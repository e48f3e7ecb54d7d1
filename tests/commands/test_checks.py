"""What the doctor finds: each thing when it is well, and what it says when it is not."""

import asyncio
import json
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from server.commands import checks
from server.commands.checks import Finding
from server.settings import Settings
from server.store import migrate
from server.tls import self_signed
from tests.databases import databases as databases
from tests.databases import empty_url as empty_url
from tests.servers import free_port

NAMES = {"localhost"}


def settings_in(folder: Path, **sections: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, **sections})


def says(finding: Finding, state: str, *words: str) -> None:
    """In that state, with these words; and whoever reads it knows what to do."""
    assert finding.state == state, finding
    assert all(word in f"{finding.message} {finding.advice}" for word in words), finding
    assert state == "ok" or finding.advice


def test_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not made yet, private, open to others, full, or no folder at all."""
    folder = tmp_path / "state"
    settings = settings_in(folder)
    says(checks.data_folder(settings), "ok", "made at the first start")
    assert not folder.exists()
    settings.make_data_dir()
    says(checks.data_folder(settings), "ok", "GB free")
    (folder / "secret.key").write_text("x")
    (folder / "secret.key").chmod(0o644)
    says(checks.data_folder(settings), "warning", "secret.key", "chmod")
    (folder / "secret.key").chmod(0o600)
    usage = shutil.disk_usage(folder)
    for free, state in ((10_000_000, "failed"), (1_000_000_000, "warning")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        says(checks.data_folder(settings), state, "room")
    (tmp_path / "file").write_text("")
    says(checks.data_folder(settings_in(tmp_path / "file")), "failed", "cannot be written")


class _Answer(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """Another program on a port of this machine."""
    server = HTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"body": body}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_the_port() -> None:
    """Free, taken by a Rollcall, taken by another program, or one of an address that is not here."""
    says(await checks.port("127.0.0.1", free_port()), "ok", "free")
    with answering(json.dumps({"success": True, "data": {"status": "ok"}}).encode()) as port:
        says(await checks.port("127.0.0.1", port), "ok", "Rollcall answers")
    with answering(b"<html>hello</html>") as port:
        says(await checks.port("127.0.0.1", port), "failed", str(port), "--port")
    says(await checks.port("192.0.2.77", 8000), "failed", "192.0.2.77")


def test_https(tmp_path: Path) -> None:
    """None, by a proxy, of our own, and one that is given in every state of its life."""
    says(checks.certificate(settings_in(tmp_path)), "warning", "localhost")
    says(checks.certificate(settings_in(tmp_path, security={"secure_cookies": True})), "ok", "proxy")
    own = settings_in(tmp_path, tls={"self_signed": True})
    says(checks.certificate(own), "ok", "next start")
    made = self_signed(tmp_path / "tls", NAMES, datetime.now(UTC))
    says(checks.certificate(own), "ok", made.fingerprint)
    given = {"cert": made.cert, "key": made.key}
    says(checks.certificate(settings_in(tmp_path, tls=given)), "ok", "good until")
    for age, state, word in ((820, "warning", "Renew"), (830, "failed", "out of date")):
        old = self_signed(tmp_path / str(age), NAMES, datetime.now(UTC) - timedelta(days=age))
        given = {"cert": old.cert, "key": old.key}
        says(checks.certificate(settings_in(tmp_path, tls=given)), state, word)
    given = {"cert": made.cert, "key": tmp_path / "nowhere"}
    says(checks.certificate(settings_in(tmp_path, tls=given)), "failed", "nowhere")


async def test_a_database_in_a_file(tmp_path: Path) -> None:
    """Not made yet, at the newest revision, behind it, of a newer version, and none at all."""
    settings = settings_in(tmp_path)
    says(await checks.database(settings), "ok", "first start")
    assert not (tmp_path / "rollcall.db").exists()
    await migrate.upgrade(settings.database_url)
    says(await checks.database(settings), "ok", "WAL", "revision")
    await migrate.downgrade(settings.database_url, "0001")
    says(await checks.database(settings), "ok", "next start")
    by_hand = settings_in(tmp_path, database={"migrate_at_start": False})
    says(await checks.database(by_hand), "failed", "rollcall db upgrade")
    with closing(sqlite3.connect(tmp_path / "rollcall.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    says(await checks.database(settings), "failed", "newer version")
    (tmp_path / "other.db").write_text("this is no database at all, but a text of some length" * 50)
    other = settings_in(tmp_path, database={"url": f"sqlite+aiosqlite:///{tmp_path}/other.db"})
    says(await checks.database(other), "failed", "cannot be reached")


async def test_a_database_on_a_server(empty_url: str, tmp_path: Path) -> None:
    """Empty, migrated, with too small a server, and away; its password is not told."""
    settings = settings_in(tmp_path, database={"url": empty_url, "pool_size": 5})
    if empty_url.startswith("sqlite"):
        pytest.skip("that is a file")
    says(await checks.database(settings), "ok", "PostgreSQL", "next start")
    await migrate.upgrade(empty_url)
    says(await checks.database(settings), "ok", "PostgreSQL", "revision")
    large = settings_in(tmp_path, database={"url": empty_url, "pool_size": 500})
    says(await checks.database(large), "warning", "max_connections")
    away = "postgresql+asyncpg://rollcall:hunter2@127.0.0.1:1/x"
    found = await checks.database(settings_in(tmp_path, database={"url": away}))
    says(found, "failed", "DATABASE__URL")
    assert "hunter2" not in found.message


async def test_the_bus(redis_server: str, tmp_path: Path) -> None:
    """In memory, on Redis, and on a Redis that is not there."""
    says(await checks.bus(settings_in(tmp_path)), "ok", "process")
    says(await checks.bus(settings_in(tmp_path, bus={"url": redis_server})), "ok", "Redis")
    says(await checks.bus(settings_in(tmp_path, bus={"url": "redis://127.0.0.1:1"})), "failed", "BUS__URL")


async def test_storage(tmp_path: Path) -> None:
    """Not made yet, a folder, a folder that cannot be one, and an S3 that is away."""
    says(await checks.storage(settings_in(tmp_path / "state")), "ok", "first start")
    assert not (tmp_path / "state").exists()
    says(await checks.storage(settings_in(tmp_path)), "ok", "deleted")
    (tmp_path / "file").write_text("")
    says(await checks.storage(settings_in(tmp_path, storage={"url": f"file://{tmp_path}/file"})), "failed", "STORAGE__")
    s3 = {"url": "s3://bucket", "endpoint": "http://127.0.0.1:1", "access_key": "AKIA", "secret_key": "hunter2-secret"}
    found = await checks.storage(settings_in(tmp_path, storage=s3))
    says(found, "failed")
    assert "hunter2" not in found.message


def test_models_and_what_they_run_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proved by their references; one that is not known, and a device that is not installed."""
    settings = settings_in(tmp_path)
    says(checks.pack(settings, "detector"), "ok", "ms")
    says(checks.pack(settings_in(tmp_path, inference={"embedder": "nobody"}), "embedder"), "failed", "nobody")
    says(checks.providers(settings), "ok", "CPUExecutionProvider")
    # No machine of the tests has a device that is installed and does not start.
    monkeypatch.setattr(checks, "choose_providers", lambda wanted: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    says(checks.pack(settings, "embedder"), "warning", "CUDAExecutionProvider could not start")
    monkeypatch.undo()
    wrong = settings_in(tmp_path, inference={"providers": ["MoonExecutionProvider"]})
    says(checks.providers(wrong), "failed", "MoonExecutionProvider")


def test_ffmpeg_and_udp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoders are there, and datagrams pass; where they do not, it is said."""
    says(checks.ffmpeg(), "ok", "libavcodec", "libavformat")
    turn = {"ice_servers": [{"urls": ["turn:a"], "username": "u", "credential": "c"}]}
    says(checks.webrtc(settings_in(tmp_path, webrtc=turn)), "ok", "TURN")
    monkeypatch.setattr(checks, "get_host_addresses", lambda **_: [])
    says(checks.webrtc(settings_in(tmp_path)), "warning", "TURN")
    monkeypatch.setattr(checks, "CODECS", ("h264", "moonvideo"))
    says(checks.ffmpeg(), "failed", "moonvideo")

    def refuses(*_: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuses)
    says(checks.webrtc(settings_in(tmp_path)), "failed", "UDP")


async def test_work_in_a_thread_hands_on_what_happened() -> None:
    """Its result, or its error; and one that hangs is not waited for."""
    assert await checks.in_thread(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        await checks.in_thread(lambda: 1 // 0)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await checks.in_thread(lambda: time.sleep(60))
    assert time.monotonic() - started < 30
