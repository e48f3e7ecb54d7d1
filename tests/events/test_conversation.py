"""The protocol without I/O."""

import math
from datetime import timedelta

import orjson
import pytest

from server.events.conversation import (
    Action,
    Authenticate,
    Close,
    Conversation,
    ConversationLimits,
    Drop,
    Open,
    Send,
)
from server.events.log import Opened
from server.events.schema import CloseCode
from tests.events.scenes import AT, Somebody


def said(actions: list[Action]) -> list[dict[str, object]]:
    return [orjson.loads(action.message.encode()) for action in actions if isinstance(action, Send)]


def talk(somebody: Somebody | None = None, limits: ConversationLimits | None = None) -> Conversation:
    """A conversation in which somebody was let in at second 0."""
    conversation = Conversation("connection", 0.0, limits)
    conversation.authenticated(somebody or Somebody(), 0.0, AT)
    return conversation


def subscribe(conversation: Conversation, topic: str = "alerts", number: int = 1, extra: str = "") -> list[Action]:
    return conversation.receive(f'{{"type":"subscribe","id":{number},"topic":"{topic}"{extra}}}', 0.0)


def error_of(actions: list[Action]) -> tuple[object, object]:
    (message,) = said(actions)
    assert message["type"] == "error"
    return message["code"], message.get("id")


def test_welcome_then_auth_then_ready() -> None:
    """The order of the contract."""
    conversation = Conversation("connection", 0.0)
    assert said([conversation.welcome(AT)]) == [
        {"type": "welcome", "connectionId": "connection", "serverTime": "2026-01-05T08:00:00Z"}
    ]
    assert conversation.receive('{"type":"auth","token":"t"}', 1.0) == [Authenticate("t")]
    ready = said(conversation.authenticated(Somebody("ada"), 1.0, AT))
    assert ready == [{"type": "ready", "user": {"email": "ada@example.com", "role": None}}]


def test_who_does_not_authenticate_in_time_is_closed() -> None:
    """After five seconds, with 4501; not before, and not if he did."""
    conversation = Conversation("connection", 0.0)
    assert conversation.deadline == 5.0
    assert conversation.due(4.9) == []
    (close,) = conversation.due(5.0)
    assert isinstance(close, Close)
    assert close.code is CloseCode.NOT_AUTHENTICATED
    assert conversation.deadline == math.inf
    assert conversation.authenticated(Somebody(), 5.1, AT) == []
    assert not any(isinstance(action, Close) for action in talk().due(5.1))


def test_who_is_being_looked_up_when_the_time_is_over_comes_back() -> None:
    """They have said who they are: that the database is slow is no reason to stay away."""
    by_token, by_cookie = Conversation("one", 0.0), Conversation("other", 0.0)
    by_token.receive('{"type":"auth","token":"t"}', 4.0)
    by_cookie.asking()
    for conversation in (by_token, by_cookie):
        (close,) = conversation.due(5.0)
        assert isinstance(close, Close)
        assert close.code is CloseCode.RESTARTING
        assert close.code.come_back
        assert conversation.authenticated(Somebody(), 5.1, AT) == []


def test_a_cookie_that_tells_nothing_is_no_excuse() -> None:
    """Who has been looked up, and says nothing more, has not authenticated."""
    conversation = Conversation("connection", 0.0)
    conversation.asking()
    conversation.nobody()
    (close,) = conversation.due(5.0)
    assert isinstance(close, Close)
    assert close.code is CloseCode.NOT_AUTHENTICATED


def test_nothing_before_auth_but_ping() -> None:
    """An error; too many of them close."""
    conversation = Conversation("connection", 0.0)
    assert said(conversation.receive('{"type":"ping"}', 0.0)) == [{"type": "pong"}]
    assert error_of(subscribe(conversation)) == ("not_authenticated", 1)


def test_a_first_token_that_is_not_valid_closes() -> None:
    """With the code that the gate's refusal means."""
    conversation = Conversation("connection", 0.0)
    assert conversation.refused(CloseCode.NOT_ALLOWED, "no") == [Close(CloseCode.NOT_ALLOWED, "no")]
    assert conversation.refused(CloseCode.NOT_ALLOWED, "no") == []


def test_a_later_token_that_is_not_valid_is_an_error() -> None:
    """The old one still counts; and nobody becomes somebody else."""
    conversation = talk(Somebody("ada", expires_at=AT + timedelta(seconds=60)))
    assert error_of(conversation.refused(CloseCode.NOT_AUTHENTICATED, "no")) == ("not_authenticated", None)
    assert error_of(conversation.authenticated(Somebody("eve"), 1.0, AT)) == ("forbidden", None)
    assert conversation.principal is not None
    assert conversation.principal.id == "ada"


def test_a_token_that_runs_out_closes_unless_it_was_renewed() -> None:
    """4002 at its end; auth again moves it."""
    conversation = talk(Somebody(expires_at=AT + timedelta(seconds=60)))
    assert conversation.deadline == 60.0
    renewed = Somebody(expires_at=AT + timedelta(seconds=120))
    assert said(conversation.authenticated(renewed, 50.0, AT + timedelta(seconds=50)))[0]["type"] == "ready"
    assert conversation.due(119.0) == []
    (close,) = conversation.due(120.0)
    assert isinstance(close, Close)
    assert close.code is CloseCode.TOKEN_RAN_OUT


def test_a_session_that_has_ended() -> None:
    """4510, once; who was not let in has none. A token that ran out is renewed, whoever finds it first."""
    conversation = talk()
    assert conversation.deadline == math.inf
    (close,) = conversation.ended(AT)
    assert close.code is CloseCode.SESSION_ENDED
    assert conversation.ended(AT) == []
    assert Conversation("another", 0.0).ended(AT) == []
    (close,) = talk(Somebody(expires_at=AT)).ended(AT)
    assert close.code is CloseCode.TOKEN_RAN_OUT


def test_subscribe_and_unsubscribe() -> None:
    """Open, then subscribed with the place; drop, then unsubscribed."""
    conversation = talk()
    (asked,) = subscribe(conversation)
    assert isinstance(asked, Open)
    assert said(conversation.opened(asked.request, Opened("e", 57, True), {"open": []})) == [
        {
            "type": "subscribed",
            "id": 1,
            "topic": "alerts",
            "epoch": "e",
            "offset": 57,
            "recovered": True,
            "snapshot": {"open": []},
        }
    ]
    actions = conversation.receive('{"type":"unsubscribe","id":1}', 0.0)
    assert actions[0] == Drop(1)
    assert said(actions) == [{"type": "unsubscribed", "id": 1}]
    assert error_of(conversation.receive('{"type":"unsubscribe","id":1}', 0.0)) == ("unknown_id", 1)


def test_a_volatile_topic_has_no_place() -> None:
    """Nor a since."""
    conversation = talk()
    (asked,) = subscribe(conversation, "system/stats")
    assert isinstance(asked, Open)
    assert said(conversation.opened(asked.request, None, None)) == [
        {"type": "subscribed", "id": 1, "topic": "system/stats"}
    ]
    since = ',"since":{"epoch":"e","offset":1}'
    assert error_of(subscribe(conversation, "cameras/c/tracks", 2, since)) == ("not_durable", 2)


@pytest.mark.parametrize(
    ("topic", "permission"),
    [
        ("sightings", "sightings:read"),
        ("attendance", "attendance:read"),
        ("cameras", "cameras:read"),
        ("cameras/c/tracks", "cameras:read"),
        ("alerts", "alerts:read"),
        ("system/stats", "system:read"),
        ("kiosks/k", "kiosks:read"),
    ],
)
def test_every_topic_needs_its_permission(topic: str, permission: str) -> None:
    """With it and nothing else it opens; with everything else it does not, and the connection stays."""
    assert isinstance(subscribe(talk(Somebody(permissions=[permission])), topic)[0], Open)
    others = [name for name in ("sightings:read", "attendance:read", "cameras:read", "alerts:read", "jobs:read",
                                "system:read", "kiosks:read") if name != permission]  # fmt: skip
    assert error_of(subscribe(talk(Somebody(permissions=others)), topic)) == ("forbidden", 1)


def test_of_jobs_everybody_hears_of_their_own() -> None:
    """So it opens without the permission, but not to a kiosk or a key; what goes out is the reach's business."""
    assert isinstance(subscribe(talk(Somebody(permissions=[])), "jobs")[0], Open)
    assert error_of(subscribe(talk(Somebody(kiosk_id="k1")), "jobs")) == ("forbidden", 1)
    assert error_of(subscribe(talk(Somebody(permissions=[], key_id="k1")), "jobs")) == ("forbidden", 1)


def test_a_kiosk_reads_its_own_topic_and_nothing_else() -> None:
    """Whatever else it may."""
    conversation = talk(Somebody(kiosk_id="k1"))
    assert isinstance(subscribe(conversation, "kiosks/k1")[0], Open)
    for topic in ("kiosks/k2", "attendance", "cameras/k1/tracks"):
        assert error_of(subscribe(conversation, topic, 2)) == ("forbidden", 2)


def test_wrong_topics_ids_and_too_many() -> None:
    """Each with its code; an id is free again where opening failed."""
    conversation = talk(limits=ConversationLimits(subscriptions=2))
    assert error_of(subscribe(conversation, "people")) == ("unknown_topic", 1)
    (asked,) = subscribe(conversation)
    assert isinstance(asked, Open)
    assert error_of(subscribe(conversation)) == ("id_in_use", 1)
    assert error_of(conversation.failed(asked.request)) == ("unavailable", 1)
    assert isinstance(subscribe(conversation)[0], Open)
    assert isinstance(subscribe(conversation, number=2)[0], Open)
    assert error_of(subscribe(conversation, number=3)) == ("too_many_subscriptions", 3)


def test_a_permission_that_is_gone_ends_its_subscriptions() -> None:
    """When the new token does not carry it any more."""
    conversation = talk(Somebody(permissions=["alerts:read", "jobs:read"]))
    subscribe(conversation, "alerts", 1)
    subscribe(conversation, "jobs", 2)
    actions = conversation.authenticated(Somebody(permissions=["jobs:read"]), 1.0, AT)
    assert [action for action in actions if isinstance(action, Drop)] == [Drop(1)]
    assert [message["type"] for message in said(actions)] == ["ready", "error"]


def test_bad_messages_are_answered_until_they_are_too_many() -> None:
    """Ten within a minute are borne; what was sent is not repeated in the answer."""
    conversation = talk()
    for number in range(10):
        (message,) = said(conversation.receive('{"type":"auth","tocken":"secret"}', float(number)))
        assert message["code"] == "bad_request"
        assert "secret" not in str(message)
    (close,) = conversation.receive(None, 20.0)
    assert isinstance(close, Close)
    assert close.code is CloseCode.TOO_MANY_BAD_MESSAGES
    assert conversation.receive('{"type":"ping"}', 21.0) == []


def test_bad_messages_long_apart_are_forgiven() -> None:
    """One every ten seconds is no attack."""
    conversation = talk()
    assert all(said(conversation.receive("{", number * 10.0)) for number in range(100))


def test_messages_that_come_fast_are_read_more_slowly() -> None:
    """So many at once, and then as many as have become free. It is said once, and each of them is answered."""
    conversation = talk(limits=ConversationLimits(messages_at_once=5, messages_per_s=2.0))
    for _ in range(5):
        assert said(conversation.receive('{"type":"ping"}', 10.0)) == [{"type": "pong"}]
        assert conversation.pace_s(10.0) == 0
    told, answer = said(conversation.receive('{"type":"ping"}', 10.0))
    assert (told["type"], told["code"], answer) == ("error", "rate_limited", {"type": "pong"})
    assert conversation.pace_s(10.0) == 0.5
    assert conversation.pace_s(10.3) == pytest.approx(0.2)
    now = 10.5
    for _ in range(20):
        assert said(conversation.receive('{"type":"ping"}', now)) == [{"type": "pong"}]
        assert conversation.pace_s(now) == 0.5
        now += 0.5
    assert conversation.pace_s(now + 60) == 0
    for _ in range(5):
        conversation.receive('{"type":"ping"}', now + 60)
    assert [one["type"] for one in said(conversation.receive('{"type":"ping"}', now + 60))] == ["error", "pong"]


def test_whoever_comes_back_may_ask_for_everything_at_once() -> None:
    """All the subscriptions that one may have, changed once more, are not too fast."""
    conversation = talk()
    for number in range(64):
        assert isinstance(subscribe(conversation, number=number)[0], Open)
    for number in range(64):
        assert Drop(number) in conversation.receive(f'{{"type":"unsubscribe","id":{number}}}', 0.0)
        assert isinstance(subscribe(conversation, number=number)[0], Open)
    assert conversation.pace_s(0.0) == 0


def test_a_message_that_is_too_large_is_not_read() -> None:
    """Counted in bytes."""
    conversation = talk(limits=ConversationLimits(message_bytes=100))
    assert error_of(conversation.receive('{"type":"auth","token":"' + "é" * 50 + '"}', 0.0)) == ("too_large", None)


def test_the_tracks_of_a_camera_that_is_out_of_reach() -> None:
    """Forbidden; of one's own cameras they are not. A topic that became out of reach is told and dropped."""
    door = Somebody(only_cameras=frozenset({"door"}))
    conversation = talk(door)
    assert error_of(subscribe(conversation, "cameras/yard/tracks")) == ("forbidden", 1)
    assert isinstance(subscribe(conversation, "cameras/door/tracks", 1)[0], Open)
    assert error_of(subscribe(conversation, "cameras/yard/tracks", 1)) == ("forbidden", 1)
    narrowed = conversation.authenticated(Somebody(only_cameras=frozenset()), 1.0, AT)
    assert Drop(1) in narrowed
    assert error_of(narrowed[2:]) == ("forbidden", 1)


def test_what_turned_out_to_be_out_of_reach() -> None:
    """Is an error to that request, whose id is free again."""
    conversation = talk()
    (asked,) = subscribe(conversation, "kiosks/k")
    assert isinstance(asked, Open)
    assert error_of(conversation.outside(asked.request)) == ("forbidden", 1)
    assert isinstance(subscribe(conversation)[0], Open)


@pytest.mark.parametrize(("field", "narrowed"), [("cameraId", "only_cameras"), ("departmentId", "only_departments")])
def test_a_filter_out_of_reach(field: str, narrowed: str) -> None:
    """Is refused by its name at the beginning; and dropped when somebody's limits become narrower."""
    own = {narrowed: frozenset({"own"})}
    conversation = talk(Somebody(**own))  # type: ignore[arg-type]
    refused = subscribe(conversation, "sightings", extra=f',"filter":{{"{field}":"other"}}')
    assert error_of(refused) == ("forbidden", 1)
    assert f"filter.{field}" in str(refused)
    assert isinstance(subscribe(conversation, "sightings", extra=f',"filter":{{"{field}":"own"}}')[0], Open)
    now = conversation.authenticated(Somebody(**{narrowed: frozenset({"another"})}), 1.0, AT)  # type: ignore[arg-type]
    assert Drop(1) in now
    assert error_of(now[2:]) == ("forbidden", 1)


def test_what_is_wrong_with_a_filter_is_named() -> None:
    """By the field."""
    for field, value in (("departmentId", "5"), ("departmentId", f'"{"x" * 65}"'), ("department", '"x"')):
        answer = subscribe(talk(), "sightings", extra=f',"filter":{{"{field}":{value}}}')
        assert error_of(answer) == ("bad_request", None)
        assert f"filter.{field}" in str(answer)
