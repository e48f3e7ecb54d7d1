"""Cameras over HTTP that misbehave: silent, slower than anybody waits, truncated, damaged, or without an end."""

import random
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from socket import socket

from tests.media.http_server import HttpCamera, _cut, _head

DRIBBLE_S = 0.3
_MULTIPART = _head("200 OK", "multipart/x-mixed-replace; boundary=picture")
_PART = b"--picture\r\nContent-Type: image/jpeg\r\n"
# As much of a JPEG as FFmpeg needs to take it for one: its beginning, a frame header of 64x64, a scan.
_JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x11\x08\x00\x40\x00\x40\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
)
_NO_MARKER = bytes(range(1, 255)) * 256
_FILLER = (b"X-Filler: " + b"x" * 90 + b"\r\n") * 100


class SlowHttp(HttpCamera):
    """Paths: the names of `_answers`; those that begin with /then play the film for a second before.

    `sent` is how many bytes went out. /turning shows the film `other.avi` once `turned` is set, in the same stream.
    """

    sent = 0
    turned = False

    def _answers(self) -> dict[str, Callable[[], Iterator[bytes]]]:
        return {
            "/nothing": _nothing,
            "/dribbled-head": lambda: _dribbled(_head("200 OK", "video/mp2t")),
            "/then-nothing": lambda: chain(self._film_once(), _nothing()),
            "/then-dribbled": lambda: chain(self._film_once(), _dribbled(b"\x47" * 100_000)),
            "/endless-head": lambda: chain([b"HTTP/1.1 200 OK\r\n"], repeat(_FILLER)),
            "/endless-part": lambda: chain([_MULTIPART, _PART], repeat(_FILLER)),
            "/endless-picture": lambda: chain([_MULTIPART, _PART, b"\r\n", _JPEG], repeat(_NO_MARKER)),
            "/endless-motion": lambda: chain(
                [_head("200 OK", "video/x-motion-jpeg")], islice(self._pictures(), 25), [_JPEG], repeat(_NO_MARKER)
            ),
            "/then-endless-picture": lambda: chain(self._pictures_once(), [_PART, b"\r\n", _JPEG], repeat(_NO_MARKER)),
            "/turning": self._turning,
            "/truncated.mp4": lambda: self._half(".mp4"),
            "/truncated.ts": lambda: self._half(".ts"),
            "/damaged.ts": self._damaged,
            "/noise": lambda: chain([_head("200 OK", "video/mp2t")], (random.randbytes(4096) for _ in repeat(0))),
        }

    def _serve(self, client: socket) -> None:
        try:
            path = client.recv(8192).decode().split(" ")[1]
            for chunk in self._answers()[path]():
                client.sendall(chunk)
                self.sent += len(chunk)
        except (OSError, IndexError, KeyError):
            pass
        finally:
            _cut(client)

    def _film_once(self) -> Iterator[bytes]:
        yield _head("200 OK", "video/mp2t")
        yield from _paced(self._film.with_suffix(".ts").read_bytes())

    def _pictures_once(self) -> Iterator[bytes]:
        yield _MULTIPART
        for picture in islice(self._pictures(), 25):
            yield _PART + f"Content-Length: {len(picture)}\r\n\r\n".encode() + picture + b"\r\n"

    def _turning(self) -> Iterator[bytes]:
        yield _MULTIPART
        for first, second in zip(self._pictures(), self._pictures("other.avi"), strict=False):
            picture = second if self.turned else first
            yield _PART + f"Content-Length: {len(picture)}\r\n\r\n".encode() + picture + b"\r\n"

    def _half(self, ending: str) -> Iterator[bytes]:
        """As long as it says, and cut off in the middle."""
        content = self._film.with_suffix(ending).read_bytes()
        yield _head("200 OK", "video/mp4", f"Content-Length: {len(content)}\r\n")
        yield content[: len(content) // 2]

    def _damaged(self) -> Iterator[bytes]:
        """Round after round, in real time, one byte in a thousand wrong: headers, tables and pictures alike."""
        yield _head("200 OK", "video/mp2t")
        content = self._film.with_suffix(".ts").read_bytes()
        chance = random.Random(7)
        while True:
            damaged = bytearray(content)
            for _ in range(len(content) // 1000):
                damaged[chance.randrange(len(content))] = chance.randrange(256)
            yield from _paced(bytes(damaged))


def _nothing() -> Iterator[bytes]:
    """Until somebody cuts the connection; an empty chunk sends nothing, and fails then."""
    while True:
        yield b""
        time.sleep(0.05)


def _dribbled(content: bytes) -> Iterator[bytes]:
    """A byte now and then: never silent for as long as anybody waits, and never done."""
    for at in range(len(content)):
        yield content[at : at + 1]
        time.sleep(DRIBBLE_S)


def _paced(content: bytes) -> Iterator[bytes]:
    """A second of film in a second."""
    for at in range(0, len(content), 188):
        yield content[at : at + 188]
        time.sleep(188 / len(content))
