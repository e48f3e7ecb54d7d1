"""A web server on loopback with one file: knows ranges, counts requests, and can end connections early."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Served:
    """What is served, how, and what was asked for."""

    content: bytes
    url: str = ""
    ranges: bool = True
    # Each connection ends after so many bytes of the file, until this list is empty.
    cuts: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve(content: bytes) -> Iterator[Served]:
    """The server while the block runs."""
    served = Served(content)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            served.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and served.ranges else 0
            if start >= len(served.content) or self.path == "/nothing":
                self.send_error(416 if self.path != "/nothing" else 404)
                return
            body = served.content[start:]
            self.send_response(206 if wanted and served.ranges else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cuts.pop(0)] if served.cuts else body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        served.url = f"http://127.0.0.1:{server.server_port}/network.onnx"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
