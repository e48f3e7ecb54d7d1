"""A camera on loopback: RTSP over TCP, H.264 in single NAL units and FU-A, that can be silent, stall and die."""

import base64
import contextlib
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.bitstream import BitStreamFilterContext

_LIMIT = 1200


@dataclass
class RtspCamera:
    """Serves one film at rtsp://127.0.0.1:<port>/live in a loop and in real time.

    `login` asks for user:password; `silent` accepts and answers nothing; `paused` keeps the session but sends nothing.
    """

    film: Path
    port: int = 0
    login: str | None = None
    silent: bool = False
    paused: bool = False
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._units, self._step_s = _read(self.film)
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

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
        """The camera loses its power: listener and sessions are gone at once."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.drop()
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(5)

    def drop(self) -> None:
        """Cut the sessions; who comes back is let in."""
        clients, self._clients = self._clients, []
        for client in clients:
            _cut(client)

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            client = _Whole(fileno=accepted.detach())
            self._clients.append(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        playing = threading.Event()
        buffer = b""
        try:
            while chunk := client.recv(4096):
                buffer += chunk
                while buffer and not self.silent:
                    if buffer[:1] == b"$":
                        length = 4 + int.from_bytes(buffer[2:4], "big") if len(buffer) >= 4 else 1 << 20
                        if len(buffer) < length:
                            break
                        buffer = buffer[length:]
                        continue
                    head, separator, rest = buffer.partition(b"\r\n\r\n")
                    if not separator:
                        break
                    buffer = rest
                    if self._answer(client, head.decode()) and not playing.is_set():
                        playing.set()
                        self._spawn(self._play, client)
        except OSError:
            pass
        finally:
            _cut(client)

    def _answer(self, client: socket.socket, request: str) -> bool:
        """Answers one request; true when it was PLAY."""
        method, url, _ = request.split("\r\n", 1)[0].split(" ")
        self.requests.append(method)
        sequence = re.search(r"(?i)^cseq: *(\d+)", request, re.MULTILINE)
        status, headers, body = "200 OK", "Session: 1;timeout=60\r\n", ""
        if self.login is not None and method != "OPTIONS" and not self._knows(request):
            status, headers = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
        elif "/live" not in url:
            status, headers = "404 Not Found", ""
        elif method == "OPTIONS":
            headers = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"
        elif method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n"
            body += f"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1{self._sets()}\r\na=control:track1\r\n"
            headers = f"Content-Base: {self.url}/\r\nContent-Type: application/sdp\r\n"
        elif method == "SETUP":
            headers += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        answer = f"RTSP/1.0 {status}\r\nCSeq: {sequence[1] if sequence else 0}\r\n{headers}"
        client.sendall(f"{answer}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return method == "PLAY" and status.startswith("200")

    def _knows(self, request: str) -> bool:
        given = re.search(r"(?i)^authorization: *basic *(\S+)", request, re.MULTILINE)
        return given is not None and base64.b64decode(given[1]).decode() == self.login

    def _sets(self) -> str:
        sets = [unit for unit in self._units[0] if unit[0] & 31 in (7, 8)]
        return ";sprop-parameter-sets=" + ",".join(base64.b64encode(unit).decode() for unit in sets)

    def _packed(self, units: list[bytes]) -> list[bytes]:
        """Parameter sets only in the description, as many cameras have it."""
        return [part for unit in units if unit[0] & 31 < 6 for part in _fragments(unit)]

    def _play(self, client: socket.socket) -> None:
        number, stamp, due_s = 0, 1000, time.monotonic()
        try:
            while client.fileno() >= 0:
                for units in self._units:
                    payloads = self._packed(units)
                    for index, payload in enumerate([] if self.paused else payloads):
                        marker = 0x80 if index == len(payloads) - 1 else 0
                        head = struct.pack("!BBHII", 0x80, 96 | marker, number & 0xFFFF, stamp, 7)
                        client.sendall(b"$\x00" + struct.pack("!H", len(head) + len(payload)) + head + payload)
                        number += 1
                    stamp = (stamp + round(self._step_s * 90000)) & 0xFFFFFFFF
                    due_s += self._step_s
                    time.sleep(max(0.0, due_s - time.monotonic()))
        except OSError:
            return


class _Whole(socket.socket):
    """What is sent stays in one piece: answers to requests and pictures come from two threads."""

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self._sending = threading.Lock()

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override]  # bytes are enough here
        with self._sending:
            super().sendall(data, flags)


def _cut(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    client.close()


def _read(film: Path) -> tuple[list[list[bytes]], float]:
    """The NAL units of each picture, and the seconds from one to the next."""
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", video)
        pictures = []
        for packet in container.demux(video):
            if packet.size:
                for whole in to_annex_b.filter(packet):
                    pictures.append([unit for unit in re.split(b"\x00\x00\x00?\x01", bytes(whole)) if unit])
        return pictures, float(1 / (video.average_rate or 25))


def _fragments(unit: bytes) -> list[bytes]:
    """One NAL unit as RTP payloads (RFC 6184)."""
    if len(unit) <= _LIMIT:
        return [unit]
    indicator, kind = (unit[0] & 0xE0) | 28, unit[0] & 31
    parts = [unit[at : at + _LIMIT] for at in range(1, len(unit), _LIMIT)]
    last = len(parts) - 1
    return [
        bytes([indicator, kind | (0x80 if at == 0 else 0) | (0x40 if at == last else 0)]) + part
        for at, part in enumerate(parts)
    ]
