"""What a broker is told."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson

from server.outbound import mqtt_words as words
from server.outbound.mqtt_words import Broker
from server.store.tables import EventRow

BROKER = Broker("127.0.0.1", 1883, False, None, None, "site/rollcall", "homeassistant", False)
AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def event(type_: str = "attendance.checked_in", **data: object) -> EventRow:
    said = {"at": "2026-01-05T08:00:00.000Z", "person": {"id": "p", "fullName": "Ada", "employeeId": "7"}} | data
    return EventRow(topic="attendance", offset=1, id="e", type=type_, time=AT, source="cameras/c", data=said)


def test_nobody_is_named_unless_it_is_wanted() -> None:
    """Somebody came: that is all. With people, who it was, and the whole event."""
    (said,) = words.of_event(BROKER, event())
    assert said.topic == "site/rollcall/arrival"
    assert not said.retain
    assert b"Ada" not in said.payload
    assert orjson.loads(said.payload)["event_type"] == "checked_in"
    arrival, whole = words.of_event(replace(BROKER, people=True), event())
    assert orjson.loads(arrival.payload)["person"] == "Ada"
    assert (whole.topic, orjson.loads(whole.payload)["id"]) == ("site/rollcall/events/attendance", "e")
    assert words.of_event(BROKER, event("attendance.refused")) == []
    (erased,) = words.of_event(BROKER, event(person=None))
    assert "person" not in orjson.loads(erased.payload)


def test_home_assistant_finds_it() -> None:
    """Retained, with an id of its own, and away while we are."""
    config, state = words.present(BROKER, 3, "Works")
    assert (config.topic, config.retain) == ("homeassistant/sensor/site_rollcall/present/config", True)
    told = orjson.loads(config.payload)
    assert (told["unique_id"], told["state_topic"]) == ("site_rollcall_present", "site/rollcall/present")
    assert (told["availability_topic"], told["device"]["name"]) == ("site/rollcall/availability", "Works")
    assert (state.topic, state.payload, state.retain) == ("site/rollcall/present", b"3", True)
    (arrival,) = words.arrivals(BROKER, "Works")
    assert orjson.loads(arrival.payload)["event_types"] == ["checked_in", "checked_out"]


def test_without_home_assistant() -> None:
    """Nothing is said under its prefix, and nothing taken back."""
    quiet = replace(BROKER, discovery="")
    assert [one.topic for one in words.present(quiet, 3, "Works")] == ["site/rollcall/present"]
    assert words.arrivals(quiet, "Works") == []
    assert [one.topic for one in words.camera_gone(quiet, "c1")] == ["site/rollcall/cameras/c1/online"]
    assert [one.payload for one in words.camera_gone(BROKER, "c1")] == [b"", b""]
