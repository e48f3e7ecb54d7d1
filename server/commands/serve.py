"""`rollcall serve` and `rollcall demo`: the server in this process until SIGTERM or Ctrl-C."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn
from starlette.types import ASGIApp

from server.app import make_app
from server.clock import SystemClock
from server.commands.configuration import read_settings, secrets_of
from server.demo.clips import make_clips
from server.demo.seed import LOGIN, PASSWORD, seed_demo
from server.errors import Conflict, Unavailable
from server.events.framing import framed
from server.lifespan import open_parts
from server.masking import register_secret
from server.parts import Parts
from server.settings import Settings, unknown_names
from server.telemetry import set_up_logging
from server.tls import FOLDER, Certificate, given, own_names, self_signed

HOST = "127.0.0.1"
PORT = 8000
STOP_WITHIN_S = 4  # of requests; the cameras' readers may take ten seconds more
WORK_THREADS = 32
Prepare = Callable[[Parts], Awaitable[None]]


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = PORT,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate for HTTPS, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, PEM.")] = None,
    tls_self_signed: Annotated[bool, typer.Option("--tls-self-signed", help="HTTPS with a certificate made here.")] = (
        False
    ),
) -> None:
    """The server, configured by the environment and .env; brings the database up to date first."""
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key go together")
    if tls_cert is not None and tls_self_signed:
        raise typer.BadParameter("give a certificate or ask for a self-signed one, not both")

    def change(settings: Settings) -> Settings:
        if tls_cert is None and not tls_self_signed:
            return settings
        chosen = {"cert": tls_cert, "key": tls_key, "self_signed": tls_self_signed}
        return settings.model_copy(update={"tls": settings.tls.model_copy(update=chosen)})

    settings = read_settings(change)
    certificate = _certificate(settings, host)
    asyncio.run(_serve(_secured(settings, certificate), host, port, certificate=certificate))


def demo(port: Annotated[int, typer.Option(help="Port to listen on.")] = PORT) -> None:
    """A running example: two cameras that show real faces, one person enrolled, one for you to name."""
    settings = read_settings()
    if settings.production:
        raise Conflict("The demo has a known password; it does not run in production.")
    folder = settings.data_dir.absolute() / "demo"
    typer.echo("Preparing the demo: the clips of its two cameras are made once, which takes a moment.")
    clips = make_clips(folder)
    roots = (*settings.media.roots, folder)
    changed: dict[str, object] = {"media": settings.media.model_copy(update={"roots": roots})}
    if "sightings" not in settings.model_fields_set:
        # The faces of the films are away for seconds only; so each time they come is a sighting of its own.
        changed["sightings"] = settings.sightings.model_copy(update={"gap_s": 2.0})
    settings = settings.model_copy(update=changed)

    async def prepare(parts: Parts) -> None:
        await seed_demo(parts.store, parts.access, parts.enrolment, clips)

    asyncio.run(_serve(settings, HOST, port, prepare=prepare, welcome=_welcome(port)))


def _welcome(port: int) -> str:
    return f"""
  Rollcall is running:  http://{HOST}:{port}/
  Sign in with          {LOGIN}  and the password  {PASSWORD}

  Try next
  - Live: Eileen Collins is enrolled and gets her name; the other face is not known yet.
    Click it in the list beside the cameras and say who it is. From then on it has a name.
  - Kiosk: open http://{HOST}:{port}/kiosk in a second window, and wait for her to come in.
  - People: enrol yourself, with photos or with this device's camera.
  - Programs: subscribe to ws://{HOST}:{port}/ws, described in http://{HOST}:{port}/asyncapi.json

  Ctrl-C stops it. What it knows is kept in the data folder.
"""


def _certificate(settings: Settings, host: str) -> Certificate | None:
    """For HTTPS, where it is asked for."""
    chosen = settings.tls
    if chosen.cert is not None and chosen.key is not None:
        return given(chosen.cert, chosen.key)
    if not chosen.self_signed:
        return None
    settings.make_data_dir()
    return self_signed(settings.data_dir.absolute() / FOLDER, own_names(host, chosen.names), SystemClock().now())


def _secured(settings: Settings, certificate: Certificate | None) -> Settings:
    """With HTTPS cookies are for it alone; and no browser is bound to a certificate that it cannot check."""
    if certificate is None:
        return settings
    changed: dict[str, object] = {"security": settings.security.model_copy(update={"secure_cookies": True})}
    if certificate.self_signed:
        changed["tls"] = settings.tls.model_copy(update={"hsts_days": 0})
    return settings.model_copy(update=changed)


async def _serve(
    settings: Settings,
    host: str,
    port: int,
    *,
    certificate: Certificate | None = None,
    prepare: Prepare | None = None,
    welcome: str | None = None,
) -> None:
    set_up_logging(settings.log.format, settings.log.level)
    _warn(settings, certificate)
    # Decoded frames, pictures, passwords and name look-ups share it: one that hangs must not keep the others waiting.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WORK_THREADS, thread_name_prefix="work"))
    async with AsyncExitStack() as stack:
        with _cancelled_by_sigterm():
            parts = await stack.enter_async_context(open_parts(settings))
            for secret in secrets_of(settings):  # one that was made just now too
                register_secret(secret)
            if prepare is not None:
                await prepare(parts)
        locales = settings.data_dir / "locales"
        app = make_app(parts, cors_origins=settings.http.cors_origins, locales=locales)
        config = uvicorn_config(app, settings, host, port, certificate)
        # What is loaded by now stays: modules, models, routes. The collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        with _listening(host, port) as listener:
            shown = welcome or await _hello(parts, host, listener.getsockname()[1], certificate)
            server = _Server(config, shown, parts.stopping)
            await server.serve(sockets=[listener])
        if server.lifespan.shutdown_failed:
            raise Unavailable("A part of the server has died, so it has stopped. The log has the reason.")


def uvicorn_config(
    app: ASGIApp, settings: Settings, host: str, port: int, certificate: Certificate | None = None
) -> uvicorn.Config:
    """How uvicorn serves the application. By itself it would believe every proxy on this machine."""
    proxies = [str(network) for network in settings.http.trusted_proxies]
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        ws=framed(settings.realtime.window_bits),
        ws_max_size=64 * 1024,
        ws_ping_interval=settings.realtime.ping_every_s,
        ws_ping_timeout=settings.realtime.ping_timeout_s,
        ws_per_message_deflate=settings.realtime.compression,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        ssl_certfile=certificate.cert if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )


def _warn(settings: Settings, certificate: Certificate | None) -> None:
    """What does not keep the server from starting, and should be known."""
    log = structlog.get_logger(__name__)
    for name in unknown_names():
        log.warning("unknown_setting", name=name)
    if certificate is not None and (reason := certificate.untimely(SystemClock().now())):
        log.warning("certificate_out_of_its_time", reason=reason)
    if settings.production and not settings.security.secure_cookies:
        log.warning("no_https", reason="Logins and faces go over the network in clear. See docs/deployment.md.")
    if certificate is None and settings.security.secure_cookies and not settings.http.trusted_proxies:
        reason = "Everybody has the address of the proxy. Name it in ROLLCALL_HTTP__TRUSTED_PROXIES."
        log.warning("proxy_not_named", reason=reason)


async def _hello(parts: Parts, host: str, port: int, certificate: Certificate | None) -> str:
    """Where it is; how to know its certificate; and who comes first. On standard output, which is not the log."""
    shown = f"[{host}]" if ":" in host else host
    lines = [f"Rollcall listens on {shown}:{port}"]
    if certificate is not None and certificate.self_signed:
        lines += [f"HTTPS with the certificate {certificate.cert}", f"SHA-256 fingerprint {certificate.fingerprint}"]
    if await parts.access.first_admin.needed():
        here = "localhost" if host in ("", "0.0.0.0", "::") else shown
        scheme = "https" if certificate is not None else "http"
        lines.append(f"There is no user yet. Open {scheme}://{here}:{port}/setup?code={parts.access.setup_code()}")
    return "\n" + "".join(f"  {line}\n" for line in lines)


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """While the server starts, before uvicorn listens to signals, a SIGTERM cancels this task."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _listening(host: str, port: int) -> socket.socket:
    """The listening socket, made before uvicorn would exit with a status of its own."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # asyncio sets it only on sockets that say that they are TCP, and what this one accepts does not: an answer in
        # two writes would wait 40 ms for the acknowledgement of the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise OSError(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from None


class _Server(uvicorn.Server):
    """Says where it is once it can be reached, and ends well when it is asked to stop."""

    def __init__(self, config: uvicorn.Config, welcome: str, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._welcome = welcome
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Answers without an end would hold up the others."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(self._welcome)
            sys.stdout.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn raises the signal again once it has stopped, which would kill us before the parts are closed."""
        asked_by = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in asked_by}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
