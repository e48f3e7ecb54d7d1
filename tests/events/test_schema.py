"""The messages, both ways."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from server.events.schema import (
    CLIENT_MESSAGES,
    SERVER_MESSAGES,
    Auth,
    CloseCode,
    Cursor,
    Filter,
    NewEvent,
    Ping,
    Ready,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from tests.events.scenes import AT


def test_the_messages_of_the_contract_are_understood() -> None:
    """Word for word as CONTRACTS.md writes them."""
    read = CLIENT_MESSAGES.validate_json
    assert read('{"type":"auth","token":"abc"}') == Auth(type="auth", token="abc")
    assert read('{"type":"ping"}') == Ping(type="ping")
    assert read('{"type":"unsubscribe","id":1}') == Unsubscribe(type="unsubscribe", id=1)
    asked = read(
        '{"type":"subscribe","id":1,"topic":"attendance","since":{"epoch":"e","offset":41},'
        '"filter":{"cameraId":"c"},"snapshot":false}'
    )
    assert asked == Subscribe(
        type="subscribe", id=1, topic="attendance", since=Cursor(epoch="e", offset=41), filter=Filter(camera_id="c")
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"type":"shout"}',
        '{"type":"ping","extra":1}',
        '{"type":"auth"}',
        '{"type":"auth","token":""}',
        '{"type":"unsubscribe","id":"1"}',
        '{"type":"unsubscribe","id":true}',
        '{"type":"unsubscribe","id":-1}',
        '{"type":"subscribe","id":1,"topic":"jobs","filter":{"camera":"c"}}',
        '{"type":"subscribe","id":1,"topic":"jobs","since":{"epoch":"e","offset":1.5}}',
        '{"type":"subscribe","id":1,"topic":"jobs","since":{"epoch":"e"}}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Unknown types and fields, wrong kinds of values."""
    with pytest.raises(ValidationError):
        CLIENT_MESSAGES.validate_json(text)


def test_messages_go_out_in_camel_case_without_what_is_absent() -> None:
    """But what is null within somebody's data stays."""
    assert Subscribed(id=1, topic="system/stats").encode() == b'{"type":"subscribed","id":1,"topic":"system/stats"}'
    assert Ready(user={"fullName": None}).encode() == b'{"type":"ready","user":{"fullName":null}}'
    assert SERVER_MESSAGES.validate_json(Ready(user={}).encode()) == Ready(user={})


def test_close_codes_say_whether_to_come_back() -> None:
    """Below 4500 yes, from there on no."""
    assert [int(code) for code in CloseCode if code.come_back] == [1011, 1012, 4001, 4002]
    assert [int(code) for code in CloseCode if not code.come_back] == [4501, 4503, 4510, 4520]


def test_an_empty_filter_is_none() -> None:
    """It asks for nothing."""
    assert not Filter()
    assert Filter(type="alert.raised")


def test_an_event_needs_a_zone_and_a_topic_that_knows_it() -> None:
    """Mistakes of ours show where they are made."""
    with pytest.raises(ValueError, match="zone"):
        NewEvent("alerts", "alert.raised", "test", {}, datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="happen"):
        NewEvent("alerts", "job.done", "test", {}, AT)
