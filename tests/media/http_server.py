"""A camera on loopback over HTTP: MJPEG, an endless transport stream or a file, that can be silent, die and return."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av


class HttpCamera:
    """Paths: /mjpeg, /live.ts (endless, real time), /film/<name> (once, as fast as it goes), /silent, /locked, /away.

    Everything else is 404; /text answers something that is not video; /away/<host>/<port>/<path> redirects there.
    """

    def __init__(self, folder: Path, film: Path) -> None:
        self._folder = folder
        self._film = film
        self.port = 0
        self.paused = False
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; on the same port again after a stop."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._accept, listener)

    def stop(self) -> None:
        """Listener and connections are gone at once."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        clients, self._clients = self._clients, []
        for client in clients:
            _cut(client)
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(5)

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._clients.append(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            request = client.recv(8192).decode()
            path = request.split(" ")[1]
            if path == "/silent":
                client.recv(1)
            elif path == "/mjpeg":
                self._mjpeg(client)
            elif path == "/live.ts":
                self._live(client)
            elif path.startswith("/film/"):
                content = (self._folder / path.removeprefix("/film/")).read_bytes()
                client.sendall(_head("200 OK", "video/mp4", f"Content-Length: {len(content)}\r\n") + content)
            elif path == "/text":
                client.sendall(_head("200 OK", "text/plain", "Content-Length: 2000\r\n") + b"no video " * 222 + b"..")
            elif path == "/locked":
                client.sendall(_head("401 Unauthorized", "text/plain", 'WWW-Authenticate: Basic realm="camera"\r\n'))
            elif path.startswith("/away/"):
                host, port, then = path.removeprefix("/away/").split("/", 2)
                away = f"Location: http://{host}:{port}/{then}\r\n"
                client.sendall(_head("302 Found", "text/plain", away))
            else:
                client.sendall(_head("404 Not Found", "text/plain"))
        except (OSError, IndexError):
            pass
        finally:
            _cut(client)

    def _mjpeg(self, client: socket.socket) -> None:
        client.sendall(_head("200 OK", "multipart/x-mixed-replace; boundary=picture"))
        for picture in self._pictures():
            part = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            client.sendall(part.encode() + picture + b"\r\n")

    def _live(self, client: socket.socket) -> None:
        client.sendall(_head("200 OK", "video/mp2t"))
        content = self._film.with_suffix(".ts").read_bytes()
        while True:
            # The film lasts a second; each round its timestamps jump back, as they do when a camera restarts.
            for at in range(0, len(content), 188):
                client.sendall(content[at : at + 188])
                while self.paused:
                    time.sleep(0.02)
                time.sleep(188 / len(content))

    def _pictures(self, name: str = "") -> Iterator[bytes]:
        with av.open(str(self._film.with_name(name) if name else self._film.with_suffix(".avi"))) as container:
            pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        while True:
            for picture in pictures:
                while self.paused:
                    time.sleep(0.02)
                yield picture
                time.sleep(0.04)


def _head(status: str, kind: str, more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Connection: close\r\n\r\n".encode()


def _cut(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    client.close()
