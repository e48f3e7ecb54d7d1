"""Events as bytes."""

import random

import orjson
import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from server.events.encoding import DEFLATED_TO_BYTES, Batch, Encoded, deflated_frame, encode_body, event_body, frame
from server.events.limits import EVERYTHING, Reach
from server.events.schema import SERVER_MESSAGES, EventMessage, Filter
from tests.events.scenes import AT, stored_event


def test_a_message_is_joined_around_the_body() -> None:
    """What comes out is the class of the schema, and the body is the same object for everybody."""
    encoded = Encoded.of(stored_event(58))
    message = SERVER_MESSAGES.validate_json(encoded.stored_message(7, 55))
    assert isinstance(message, EventMessage)
    assert (message.id, message.offset, message.previous) == (7, 58, 55)
    assert message.event.data["number"] == 58
    assert list(orjson.loads(encoded.stored_message(7, 55))) == ["type", "id", "offset", "previous", "event"]
    assert orjson.loads(encoded.stored_message(7, 55))["event"] == event_body(stored_event(58))


def test_a_volatile_message_has_no_place() -> None:
    """Neither offset nor previous; made once for all who use the same id."""
    body = encode_body("x", "system.stats", AT, "system", {"cameras": 2})
    encoded = Encoded(body, "system.stats", {"cameras": 2}, "system/stats", 0)
    batch = encoded.volatile_message(3)
    assert encoded.volatile_message(3) is batch
    assert orjson.loads(batch.payloads[0]) == {
        "type": "event",
        "id": 3,
        "event": {
            "id": "x",
            "type": "system.stats",
            "time": "2026-01-05T08:00:00.000Z",
            "source": "system",
            "data": {"cameras": 2},
        },
    }


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (None, True),
        (Filter(), True),
        (Filter(camera_id="c1"), True),
        (Filter(camera_id="c2"), False),
        (Filter(person_id="p1"), True),
        (Filter(person_id="p2"), False),
        (Filter(type="alert.raised", camera_id="c1"), True),
        (Filter(type="alert.cleared", camera_id="c1"), False),
    ],
)
def test_filters(wanted: Filter | None, matches: bool) -> None:
    """All that a filter names must be equal."""
    assert Encoded.of(stored_event(1)).matches(wanted) is matches


def test_filters_know_where_the_ids_are() -> None:
    """A camera's own event has it as `id`; a person may be nested or flat, or nobody."""
    body = b"{}"
    camera = Encoded(body, "camera.online", {"id": "c1"}, "cameras", 1)
    assert camera.matches(Filter(camera_id="c1"))
    flat = Encoded(body, "sighting.closed", {"personId": "p1", "person": None}, "sightings", 1)
    assert flat.matches(Filter(person_id="p1"))
    assert not Encoded(body, "sighting.unknown", {"personId": None}, "sightings", 1).matches(Filter(person_id="p1"))


@pytest.mark.parametrize(
    ("topic", "source", "data", "wanted"),
    [
        ("alerts", "system", {"subject": "cameras/c1"}, Filter(camera_id="c1")),
        ("alerts", "system", {"subject": "people/p1/days/2026-01-05", "departmentId": "d1"}, Filter(person_id="p1")),
        ("alerts", "system", {"subject": "people/p1"}, Filter(person_id="p1")),
        ("kiosks/k1", "cameras/c1", {"name": "Ada"}, Filter(camera_id="c1")),
        ("cameras/c1/tracks", "cameras/c1", {"cameraId": "c1"}, Filter(camera_id="c1")),
    ],
)
def test_filters_know_what_it_is_about(topic: str, source: str, data: dict[str, object], wanted: Filter) -> None:
    """Also where it stands in the subject or the source; another one's is passed over."""
    encoded = Encoded(b"{}", "some.type", data, topic, 1, source)
    assert encoded.matches(wanted)
    assert not encoded.matches(Filter(camera_id="c2") if wanted.camera_id else Filter(person_id="p2"))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_frame_is_what_a_client_reads(size: int) -> None:
    """Several frames in one write arrive as several messages."""
    payloads = [b"x" * size, b"last"]
    client = Protocol(Side.CLIENT, state=State.OPEN)
    client.receive_data(Batch(payloads).frames)
    received = client.events_received()
    assert [(got.opcode, bytes(got.data)) for got in received] == [(Opcode.TEXT, payload) for payload in payloads]  # type: ignore[union-attr]
    assert Batch([payloads[0]]).frames == frame(payloads[0])


def test_names_are_taken_out_once() -> None:
    """For all who are limited to departments; everybody else, and other events, get the same object as ever."""
    data: dict[str, object] = {"cameraId": "c1", "tracks": [{"personId": "p1", "name": "Ada", "state": "recognized"}]}
    body = encode_body("x", "tracks.updated", AT, "cameras/c1", data)
    tracks = Encoded(body, "tracks.updated", data, "cameras/c1/tracks", 0)
    limited = tracks.shown_to(Reach(departments=frozenset({"night"})))
    assert limited is tracks.shown_to(Reach(departments=frozenset()))
    assert b"Ada" not in limited.body
    assert b"p1" not in limited.body
    assert orjson.loads(limited.body) | {"data": None} == orjson.loads(body) | {"data": None}
    assert tracks.shown_to(EVERYTHING) is tracks
    assert tracks.shown_to(Reach(cameras=frozenset({"c1"}))) is tracks
    stats = Encoded(b"{}", "system.stats", {}, "system/stats", 0)
    assert stats.shown_to(Reach(departments=frozenset())) is stats


def test_limits_come_before_filters() -> None:
    """Nobody finds with a filter what is out of reach."""
    camera = Encoded(b"{}", "camera.online", {"id": "c1"}, "cameras", 1)
    assert camera.matches(Filter(camera_id="c1"), Reach(cameras=frozenset({"c1"})))
    assert not camera.matches(Filter(camera_id="c1"), Reach(cameras=frozenset({"c2"})))


@pytest.mark.parametrize(
    ("data", "topic", "department", "matches"),
    [
        ({"person": {"id": "ada", "departmentId": "night"}}, "sightings", "night", True),
        ({"person": {"id": "ada", "departmentId": "night"}}, "attendance", "day", False),
        ({"person": {"id": "ada", "departmentId": None}}, "attendance", "day", False),
        ({"person": None, "cameraId": "c1"}, "sightings", "night", False),
        ({"subject": "people/ada", "departmentId": "night"}, "alerts", "night", True),
        ({"subject": "cameras/c1"}, "alerts", "night", False),
        ({"id": "c1"}, "cameras", "night", False),
    ],
)
def test_a_department(data: dict[str, object], topic: str, department: str, matches: bool) -> None:
    """That of the person that an event is about; what is about nobody is of none."""
    event = Encoded(b"{}", "x", data, topic, 1)
    assert event.matches(Filter(department_id=department)) is matches


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_compressed_once_and_the_same_for_all(bits: int) -> None:
    """As RFC 7692 has it without context takeover: any client that has agreed reads each message by itself."""
    long = orjson.dumps({"number": list(range(300))})
    batch = Batch([b"short", long, long, b"x" * (DEFLATED_TO_BYTES + 1)])
    assert batch.deflated(bits) is batch.deflated(bits)
    assert len(batch.deflated(bits)) < len(batch.frames) - len(long)
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    client.extensions = [PerMessageDeflate(True, True, bits, bits)]
    client.receive_data(batch.deflated(bits))
    frames = client.events_received()
    assert [one.data for one in frames if isinstance(one, Frame)] == list(batch.payloads)


def test_what_does_not_get_shorter_stays_as_it_is() -> None:
    """Such as what is random."""
    noise = random.Random(1).randbytes(400)
    assert deflated_frame(noise, 12) == frame(noise)
