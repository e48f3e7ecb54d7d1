"""How a subscriber of each kind subscribes, and what it counts: a `talk` for each connection."""

from collections.abc import Callable

import orjson

from bench.parts.fanout_brokers import MQTT_CONNECT, SUBJECT, packet, text

Send = Callable[..., None]

EVENTS_FROM = 200  # bytes: welcome, ready and subscribed are smaller, events larger
NONE_IS_LARGE = 2**62
TEXT, BINARY = 1, 2


class Talk:
    """Rollcall's protocol, for whoever is let in at once. A frame larger than `large` is an event, counted unread."""

    path = "/ws"
    subprotocol = ""
    large = EVENTS_FROM

    def opened(self, send: Send) -> None:
        """The connection is a WebSocket now."""
        send(b'{"type":"subscribe","id":1,"topic":"alerts"}')

    def hear(self, payload: bytes, send: Send) -> int:
        """A frame that is not large: what it counts for, an answer to the subscription for one."""
        return int(b'"subscribed"' in payload)


class TokenTalk(Talk):
    """Says who it is by an access token; nothing but `subscribed` counts."""

    large = NONE_IS_LARGE

    def __init__(self, token: str) -> None:
        self._token = token

    def opened(self, send: Send) -> None:
        send(orjson.dumps({"type": "auth", "token": self._token}))

    def hear(self, payload: bytes, send: Send) -> int:
        if payload.startswith(b'{"type":"ready"'):
            super().opened(send)
        return super().hear(payload, send)


class SinceTalk(Talk):
    """Asks for everything of the log's life, when told to and not before."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._send: Send | None = None

    def opened(self, send: Send) -> None:
        self._send = send

    def hear(self, payload: bytes, send: Send) -> int:
        return int(b'"welcome"' in payload)

    def resume(self) -> None:
        assert self._send is not None
        since = {"epoch": self._epoch, "offset": 0}
        self._send(orjson.dumps({"type": "subscribe", "id": 1, "topic": "alerts", "since": since}))


class SocketIoTalk(Talk):
    """Engine.IO 4 by WebSocket alone."""

    path = "/socket.io/?EIO=4&transport=websocket"

    def opened(self, send: Send) -> None:
        """The server speaks first."""

    def hear(self, payload: bytes, send: Send) -> int:
        if payload.startswith(b"0{"):
            send(b"40")
        elif payload == b"2":
            send(b"3")
        return int(payload.startswith(b"40"))


class StreamTalk(Talk):
    """A protocol to whom frames are pieces of a stream."""

    large = NONE_IS_LARGE

    def __init__(self) -> None:
        self._rest = b""

    def hear(self, payload: bytes, send: Send) -> int:
        data = self._rest + payload if self._rest else payload
        count, at = 0, 0
        while (found := self.next(data, at, send)) is not None:
            at = found[0]
            count += found[1]
        self._rest = data[at:]
        return count

    def next(self, data: bytes, at: int, send: Send) -> tuple[int, int] | None:
        """Where the message ends that begins there, and what it counts for; None until all of it is there."""
        raise NotImplementedError


class NatsTalk(StreamTalk):
    """The client protocol of NATS."""

    path = "/"

    def opened(self, send: Send) -> None:
        send(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB %b 1\r\nPING\r\n' % SUBJECT, BINARY)

    def next(self, data: bytes, at: int, send: Send) -> tuple[int, int] | None:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        if data.startswith(b"MSG ", at):
            after = end + 4 + int(data[data.rfind(b" ", at, end) + 1 : end])
            return (after, 1) if after <= len(data) else None
        if data.startswith(b"PING", at):
            send(b"PONG\r\n", BINARY)
        elif data.startswith(b"-ERR", at):
            raise RuntimeError(data[at:end].decode())
        return end + 2, int(data.startswith(b"PONG", at))


class MqttTalk(StreamTalk):
    """MQTT 3.1.1 at QoS 0."""

    path = "/mqtt"
    subprotocol = "mqtt"

    def opened(self, send: Send) -> None:
        send(MQTT_CONNECT, BINARY)

    def next(self, data: bytes, at: int, send: Send) -> tuple[int, int] | None:
        size, shift, start = 0, 0, at + 1
        while start < len(data):
            digit = data[start]
            size |= (digit & 127) << shift
            shift += 7
            start += 1
            if digit < 128:
                break
        else:
            return None
        if start + size > len(data):
            return None
        kind = data[at] >> 4
        if kind == 2:  # CONNACK
            send(packet(0x82, b"\x00\x01" + text(SUBJECT) + b"\x00"), BINARY)
        return start + size, int(kind in (3, 9))  # PUBLISH, SUBACK
