"""An event becomes bytes once; what differs between subscribers is joined around it."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

import orjson
from websockets.frames import Frame, Opcode

from server.events.limits import EVERYTHING, Reach, about, reduced
from server.events.schema import Filter, StoredEvent
from server.wire import rfc3339

CLOSING = b"}"
SHARED_VOLATILE = 16
DEFLATED_FROM_BYTES = 128  # what is shorter hardly gets shorter
DEFLATED_TO_BYTES = 256 * 2**10  # what is longer would hold up the loop for longer than it saves
LEVEL, MEMORY_LEVEL = 3, 5
COMPRESSED = 0x40  # the bit of a frame's first byte that says so
EMPTY_BLOCK = b"\x00\x00\xff\xff"  # ends every message, so that nobody sends it


def encode_body(event_id: str, event_type: str, time: datetime, source: str, data: dict[str, object]) -> bytes:
    """The `event` of an event message, as JSON."""
    return orjson.dumps({"id": event_id, "type": event_type, "time": rfc3339(time), "source": source, "data": data})


def event_body(event: StoredEvent) -> dict[str, object]:
    """The same as plain JSON values."""
    body: dict[str, object] = orjson.loads(encode_body(event.id, event.type, event.time, event.source, event.data))
    return body


def frame(payload: bytes) -> bytes:
    """One unmasked text frame, as a server sends it. Without compression it is the same for every client."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def deflated_frame(payload: bytes, window_bits: int) -> bytes:
    """The same, compressed by itself (RFC 7692, without context takeover): so it is the same for every client that has
    agreed on that window, and nothing is kept between two messages."""
    if not DEFLATED_FROM_BYTES <= len(payload) <= DEFLATED_TO_BYTES:
        return frame(payload)
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -window_bits, MEMORY_LEVEL)
    packed = (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(EMPTY_BLOCK)
    if len(packed) >= len(payload):
        return frame(payload)
    plain = frame(packed)
    return bytes((plain[0] | COMPRESSED,)) + plain[1:]


class Encoded:
    """An event in bytes, with the few values that filters and limits look at."""

    __slots__ = (
        "_present", "_reduced", "_volatile", "about", "body", "camera_id", "offset", "person_id", "topic", "type",
    )  # fmt: skip

    def __init__(
        self, body: bytes, event_type: str, data: dict[str, object], topic: str, offset: int, source: str = ""
    ) -> None:
        self.body = body
        self.topic = topic
        self.about = about(topic, source, data)
        self.offset = offset
        self.type = event_type
        self.camera_id = self.about.camera_id or data.get("cameraId")
        person = data.get("person")
        self._volatile: dict[int, Batch] = {}
        present = data.get("present")
        self._present = about(topic, source, present) if isinstance(present, dict) else None
        self._reduced: Encoded | None = None
        named = person.get("id") if isinstance(person, dict) else None
        self.person_id = data.get("personId") or named or self.about.person_id

    @classmethod
    def of(cls, event: StoredEvent) -> "Encoded":
        body = encode_body(event.id, event.type, event.time, event.source, event.data)
        return cls(body, event.type, event.data, event.topic, event.offset, event.source)

    def matches(self, wanted: Filter | None, reach: Reach = EVERYTHING) -> bool:
        """All that the filter names must be equal, and it must be within the reader's limits."""
        if not self.about.within(reach):
            return False
        return wanted is None or (
            (wanted.type is None or wanted.type == self.type)
            and (wanted.camera_id is None or wanted.camera_id == self.camera_id)
            and (wanted.person_id is None or wanted.person_id == self.person_id)
            and (wanted.department_id is None or wanted.department_id == self.about.department_id)
        )

    def shown_to(self, reach: Reach) -> "Encoded":
        """As somebody of that reach may see it, see `limits.reduced`: there is one such form, made once for all."""
        nameless = self.type == "tracks.updated" and reach.departments is not None
        if not nameless and (self._present is None or self._present.within(reach)):
            return self
        if self._reduced is None:
            said = orjson.loads(self.body)
            said["data"] = reduced(reach, self.topic, said["data"])
            shown = Encoded(orjson.dumps(said), self.type, said["data"], self.topic, self.offset)
            shown.about = self.about
            self._reduced = shown
        return self._reduced

    def stored_message(self, subscription_id: int, previous: int) -> bytes:
        """The message of a durable topic."""
        head = b'{"type":"event","id":%d,"offset":%d,"previous":%d,"event":' % (subscription_id, self.offset, previous)
        return head + self.body + CLOSING

    def volatile_message(self, subscription_id: int) -> "Batch":
        """The message of a volatile topic: no place in any order. Most clients use the same few ids."""
        found = self._volatile.get(subscription_id)
        if found is None:
            found = Batch((b'{"type":"event","id":%d,"event":' % subscription_id + self.body + CLOSING,))
            if len(self._volatile) < SHARED_VOLATILE:
                self._volatile[subscription_id] = found
        return found


class Batch:
    """Messages that go out together, shared by all who are to get exactly these."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self._deflated: dict[int, bytes] = {}  # by window: there are seven

    @cached_property
    def frames(self) -> bytes:
        """All of them as frames, one after another: a single write."""
        return b"".join([frame(payload) for payload in self.payloads])

    def deflated(self, window_bits: int) -> bytes:
        """The same for those who have agreed on compression with that window: once for all of them, too."""
        found = self._deflated.get(window_bits)
        if found is None:
            found = b"".join([deflated_frame(payload, window_bits) for payload in self.payloads])
            self._deflated[window_bits] = found
        return found
