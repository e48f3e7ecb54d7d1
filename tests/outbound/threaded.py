"""The same receiver for tests without a loop of their own: on threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.outbound.receiver import Got


@dataclass
class ThreadedReceiver:
    """Answers `status`, once `open` is set."""

    url: str = ""
    status: int = 200
    got: list[Got] = field(default_factory=list)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]


@contextmanager
def threaded_receiver() -> Iterator[ThreadedReceiver]:
    """On a free port of loopback."""
    receiver = ThreadedReceiver()
    receiver.open.set()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got("POST", self.path, headers, body))
            receiver.came.release()
            receiver.open.wait(120)
            try:
                self.send_response(receiver.status)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"thanks")
            except OSError:
                pass  # whoever asked has been killed

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.open.set()
            server.shutdown()
            thread.join()
