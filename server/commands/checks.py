"""What `rollcall doctor` looks at: one function a thing, each with what it found and what to do about it."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar

import av
import redis.asyncio
from aioice.ice import get_host_addresses
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from server.access.secrets import FILE_NAME
from server.chosen import Role, chosen_name, chosen_pack
from server.clock import SystemClock
from server.errors import Invalid, RollcallError
from server.opening import open_storage, open_store
from server.settings import Settings
from server.store import migrate
from server.store.engine import Store
from server.tls import FOLDER, given, kept_in
from server.vision.session import available_providers, choose_providers
from server.vision.verify import verify

T = TypeVar("T")
State = Literal["ok", "warning", "failed"]
ASK_WITHIN_S = 4.0
LITTLE_DISK = 5_000_000_000
NO_DISK = 200_000_000
RENEW_SOON = timedelta(days=14)
CODECS = ("h264", "hevc", "mjpeg", "vp8")
LONGEST_ANSWER = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is, and what to do where it is not well."""

    state: State
    message: str
    advice: str = ""


def ok(message: str) -> Finding:
    return Finding("ok", message)


def warning(message: str, advice: str) -> Finding:
    return Finding("warning", message, advice)


def failed(message: str, advice: str) -> Finding:
    return Finding("failed", message, advice)


async def in_thread(work: Callable[[], T]) -> T:
    """Like asyncio.to_thread, but one that hangs is left behind: it keeps neither the check nor the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(set_it: Callable[..., None], value: object) -> None:
        if not done.done():
            set_it(value)

    def run() -> None:
        try:
            outcome = (done.set_result, work())
        except Exception as error:  # noqa: BLE001 - handed on to whoever waits
            outcome = (done.set_exception, error)  # type: ignore[assignment]
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, daemon=True, name="check").start()
    return await done


def data_folder(settings: Settings) -> Finding:
    """Writable, for its owner alone, on a disk with room."""
    folder = settings.data_dir.absolute()
    if not folder.exists():
        above = next(one for one in folder.parents if one.exists())
        if not os.access(above, os.W_OK):
            return failed(f"{folder} is not there and cannot be made", f"Make it, or let this user write to {above}.")
        return ok(f"{folder} is made at the first start")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return failed(f"{folder} cannot be written: {error.strerror}", "Give it to the user that runs the server.")
    free = shutil.disk_usage(folder).free
    room = f"{free / 1e9:.1f} GB free"
    if free < NO_DISK:
        return failed(f"{folder}: {room}", "Make room: nothing can be recorded.")
    if open_to_others := [one for one in (folder, folder / FILE_NAME) if one.exists() and one.stat().st_mode & 0o077]:
        names = " ".join(map(str, open_to_others))
        return warning(f"Others can read {names}; {room}", f"chmod go= {names}")
    if free < LITTLE_DISK:
        return warning(f"{folder}: {room}", "Make room before it is full.")
    return ok(f"{folder}, {room}")


async def port(host: str, number: int) -> Finding:
    """Free, or taken by a Rollcall that runs already."""
    try:
        family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        socket.create_server((host, number), family=family).close()
    except OSError as error:
        if await in_thread(lambda: _is_rollcall(host, number)):
            return ok(f"Rollcall answers on {host}:{number}")
        return failed(f"{host}:{number}: {error.strerror or error}", "End the other program, or give another --port.")
    return ok(f"{host}:{number} is free")


def _is_rollcall(host: str, number: int) -> bool:
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{here}]" if ":" in here else here
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE  # who it is, is all that is asked
    for scheme in ("http", "https"):
        handlers = urllib.request.HTTPSHandler(context=blind), urllib.request.ProxyHandler({})
        opener = urllib.request.build_opener(*handlers)
        try:
            with opener.open(f"{scheme}://{shown}:{number}/health/live", timeout=ASK_WITHIN_S / 2) as answer:
                return bool(json.loads(answer.read(LONGEST_ANSWER))["data"]["status"] == "ok")
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return False


def certificate(settings: Settings) -> Finding:
    """There, whole, and good for a while."""
    chosen, now = settings.tls, SystemClock().now()
    if chosen.cert is not None and chosen.key is not None:
        try:
            found = given(chosen.cert, chosen.key)
        except Invalid as error:
            return failed(error.message, "Check ROLLCALL_TLS__CERT and ROLLCALL_TLS__KEY.")
        if reason := found.untimely(now):
            return failed(reason, "Put a new one in its place, and restart.")
        if found.expires - now < RENEW_SOON:
            return warning(f"{found.cert} is good until {found.expires:%Y-%m-%d} only", "Renew it, and restart.")
        return ok(f"{found.cert}, good until {found.expires:%Y-%m-%d}")
    if chosen.self_signed:
        kept = kept_in(settings.data_dir.absolute() / FOLDER, now)
        if kept is None:
            return ok("A self-signed certificate is made at the next start")
        return ok(f"Self-signed, good until {kept.expires:%Y-%m-%d}, SHA-256 {kept.fingerprint}")
    if settings.security.secure_cookies:
        return ok("By a proxy, as secure cookies say")
    advice = "Set ROLLCALL_TLS__CERT and ROLLCALL_TLS__KEY, or ROLLCALL_TLS__SELF_SIGNED, or put a proxy in front."
    return warning("No HTTPS: logins go in clear, and browsers give no page the camera except on localhost", advice)


async def database(settings: Settings) -> Finding:
    """Can be reached, is at the newest revision, and set up as it should be."""
    url = make_url(settings.database_url)
    is_file = url.drivername.startswith("sqlite")
    if is_file and _not_there(url.database):
        return ok(f"{url.database} is made at the first start")
    try:
        async with open_store(settings) as store:
            remark = await (_about_sqlite if is_file else _about_postgresql)(store, settings)
        revision = await migrate.current(settings.database_url)
    except (SQLAlchemyError, OSError) as error:
        reason = (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]
        return failed(f"It cannot be reached: {reason}", "Check ROLLCALL_DATABASE__URL, and that the database runs.")
    return remark if remark.state != "ok" else _about_revision(revision, settings, remark.message)


def _not_there(path: str | None) -> bool:
    return bool(path) and not Path(str(path)).exists()


async def _about_sqlite(store: Store, _settings: Settings) -> Finding:
    async with store.read() as session:
        connection = await session.connection()
        mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar_one()
    if mode != "wal":
        return failed(f"SQLite's journal is {mode} instead of WAL", "Put the data folder on a local disk.")
    return ok("SQLite in WAL mode")


async def _about_postgresql(store: Store, settings: Settings) -> Finding:
    names = ("server_version", "server_encoding", "max_connections", "superuser_reserved_connections")
    async with store.read() as session:
        connection = await session.connection()
        found = [str((await connection.execute(text(f"SHOW {name}"))).scalar_one()) for name in names]
    release, encoding, most, reserved = found
    if encoding != "UTF8":
        return failed(f"The database is encoded in {encoding}", "Create it again with ENCODING 'UTF8'.")
    if settings.database.pool_size > int(most) - int(reserved):
        message = f"A pool of {settings.database.pool_size}, but PostgreSQL lets in {int(most) - int(reserved)}"
        return warning(message, "Lower ROLLCALL_DATABASE__POOL_SIZE, or raise max_connections.")
    return ok(f"PostgreSQL {release.split()[0]}")


def _about_revision(revision: str | None, settings: Settings, what: str) -> Finding:
    script = ScriptDirectory.from_config(migrate.alembic_config())
    head = script.get_current_head()
    if revision == head:
        return ok(f"{what}, revision {revision}")
    known = {one.revision for one in script.walk_revisions()}
    if revision is not None and revision not in known:
        return failed(f"{what}, revision {revision} of a newer version", "Install that version, or restore a backup.")
    if settings.database.migrate_at_start:
        return ok(f"{what}, revision {revision or 'none'}; the next start brings it to {head}")
    return failed(f"{what}, revision {revision or 'none'} instead of {head}", "rollcall db upgrade")


async def bus(settings: Settings) -> Finding:
    """Redis answers, where it is configured."""
    if settings.bus.url.startswith("memory://"):
        if settings.database_url.startswith("postgresql"):
            advice = "For several servers or workers set ROLLCALL_BUS__URL to a Redis."
            return ok(f"In this process. {advice}")
        return ok("In this process")
    client = redis.asyncio.from_url(settings.bus.url, socket_connect_timeout=ASK_WITHIN_S, socket_timeout=ASK_WITHIN_S)
    try:
        async with client:
            release = (await client.info("server"))["redis_version"]
    except (RedisError, OSError, TimeoutError) as error:
        return failed(f"Redis does not answer: {error}", "Check ROLLCALL_BUS__URL, and that Redis runs.")
    return ok(f"Redis {release}")


async def storage(settings: Settings) -> Finding:
    """A small object is written, read and deleted."""
    is_folder = settings.storage_url.startswith("file://")
    if is_folder and not settings.storage.url and not settings.data_dir.exists():
        return ok("A folder that is made at the first start")
    try:
        await open_storage(settings, SystemClock()).check()
    except (RollcallError, OSError) as error:
        return failed(str(error), "Check the ROLLCALL_STORAGE__ settings: address, bucket, keys, and its rights.")
    return ok("Written, read and deleted in " + ("a folder" if is_folder else "S3"))


def pack(settings: Settings, role: Role) -> Finding:
    """The chosen model gives the results that its reference says, on the device that was asked for."""
    name = ""
    try:
        name = chosen_name(settings, role)
        report = verify(chosen_pack(settings, role), list(settings.inference.providers) or None)
        wanted = choose_providers(list(settings.inference.providers) or None)[0]
    except RollcallError as error:
        return failed(error.message, f"rollcall models build {name} or pull {name}; or choose another pack.")
    said = f"{name} on {report.provider}, {report.took_ms:.0f} ms"
    if report.provider != wanted:
        return warning(f"{said}; {wanted} could not start", "See that the libraries and the driver of that device fit.")
    return ok(said)


def providers(settings: Settings) -> Finding:
    """What onnxruntime can run on, and what is asked of it."""
    installed = ", ".join(available_providers())
    try:
        chosen = choose_providers(list(settings.inference.providers) or None)
    except RollcallError as error:
        return failed(error.message, "Install the extra of that device (gpu, openvino), or change the setting.")
    return ok(f"{chosen[0]}; then: {', '.join(chosen[1:]) or 'nothing else'}; installed: {installed}")


def ffmpeg() -> Finding:
    """The libraries inside of PyAV, and the decoders that cameras need."""
    missing = [name for name in CODECS if not _decodes(name)]
    if missing:
        return failed(
            f"No decoder for {', '.join(missing)}", "Install av from its wheel: pip install --only-binary av av"
        )
    libraries = (f"{name} {'.'.join(map(str, version))}" for name, version in sorted(av.library_versions.items()))
    return ok(f"PyAV {av.__version__}: " + ", ".join(one for one in libraries if one.startswith(("libavc", "libavf"))))


def _decodes(name: str) -> bool:
    try:
        av.codec.Codec(name, "r")
    except ValueError:
        return False
    return True


def webrtc(settings: Settings) -> Finding:
    """A datagram gets from one socket of this machine to another, and browsers could know where to."""
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
        ):
            here.bind(("127.0.0.1", 0))
            here.settimeout(1)
            there.sendto(b"rollcall", here.getsockname())
            here.recv(16)
    except OSError as error:
        return failed(f"No UDP: {error}", "Allow this process UDP; without it live video is single pictures.")
    addresses = ", ".join(get_host_addresses(use_ipv4=True, use_ipv6=True))
    relayed = any(url.startswith("turn") for server in settings.webrtc.ice_servers for url in server.urls)
    advice = "Use host networking or TURN; see docs/deployment.md."
    if not relayed and not addresses:
        return warning("This machine has no address but its own", advice)
    if not relayed and Path("/.dockerenv").exists():
        return warning(f"In a container, and no TURN: browsers may not reach {addresses} over UDP", advice)
    return ok(f"UDP on {addresses or 'no address'}" + (", and TURN" if relayed else ""))
