"""uvicorn's WebSocket protocol with one more door: frames that are made already, for many clients at once."""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from server.events.outlet import EXTENSION


class FramedWebSockets(WebSocketsSansIOProtocol):
    """Give it to uvicorn as `ws=`. Offers itself as an ASGI extension; without it all works, but slower."""

    on_writable: Callable[[], None] | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # The application's task was made, but has not begun: it finds the extension.
        if hasattr(self, "scope"):
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = {"wire": self}

    @property
    def is_writable(self) -> bool:
        return self.writable.is_set()

    def write_frames(self, frames: bytes) -> None:
        """Bytes of whole frames. The caller minds `is_writable`."""
        if not self.close_sent and self.conn.state is State.OPEN and not self.transport.is_closing():
            self.transport.write(frames)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_writable is not None:
            self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # Whoever waits for the client to take more finds out that it has gone.
        if self.on_writable is not None:
            self.on_writable()

    def abort(self) -> None:
        """Ends a connection whose client takes nothing, not even the close frame."""
        self.transport.abort()
