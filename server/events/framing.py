"""uvicorn's WebSocket protocol with one more door: frames that are made already, for many clients at once."""

from asyncio import AbstractEventLoop, BaseTransport
from collections.abc import Callable
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.protocol import State

from server.events.encoding import MEMORY_LEVEL
from server.events.outlet import EXTENSION

READ_AT_ONCE_BYTES = 4096


class FramedWebSockets(WebSocketsSansIOProtocol):
    """Give it to uvicorn as `ws=`. Offers itself as an ASGI extension; without it all works, but slower."""

    window_bits: ClassVar[int] = 12
    on_writable: Callable[[], None] | None = None

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        if config.ws_per_message_deflate:
            # Every message by itself, in both directions: one that goes to many is compressed once for all of them,
            # and no connection holds a window between two messages.
            self.conn.available_extensions = [
                ServerPerMessageDeflateFactory(
                    server_no_context_takeover=True, client_no_context_takeover=True,
                    server_max_window_bits=self.window_bits, client_max_window_bits=self.window_bits,
                    compress_settings={"memLevel": MEMORY_LEVEL},
                )
            ]  # fmt: skip

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        # asyncio reads 256 KiB at once. Thousands of small messages fit in there, and taking them apart would hold up
        # everybody else. (Under TLS the size is another's, and nothing happens.)
        if hasattr(transport, "max_size"):
            transport.max_size = READ_AT_ONCE_BYTES

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # The application's task was made, but has not begun: it finds the extension.
        if hasattr(self, "scope"):
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = {"wire": self}

    @property
    def deflates(self) -> int | None:
        """The window on which the client has agreed; None where nothing is compressed for it."""
        agreed = [one for one in self.conn.extensions if isinstance(one, PerMessageDeflate)]
        # Below 9 bits zlib has no raw stream: such a client gets its messages as they are.
        return agreed[0].local_max_window_bits if agreed and agreed[0].local_max_window_bits > 8 else None

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

    def keepalive_timeout(self) -> None:
        """The client has not answered. What is left for it is not waited for: it may never be taken."""
        super().keepalive_timeout()
        self.transport.abort()

    def abort(self) -> None:
        """Ends a connection whose client takes nothing, not even the close frame."""
        self.transport.abort()


def framed(window_bits: int) -> type[FramedWebSockets]:
    """The same with another window of its compression."""
    return type("FramedWebSockets", (FramedWebSockets,), {"window_bits": window_bits})
