"""Standard Webhooks: what is signed, with what, and how answers are read."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook as Checker
from standardwebhooks.webhooks import WebhookVerificationError

from server.clock import SystemClock
from server.outbound.messages import Answer, Message, Request
from server.outbound.standard import StandardReceiver, new_secret, signed
from server.store.tables import Webhook
from server.store.webhooks import Target

OLD, NEW = new_secret(), new_secret()


def webhook(previous_until: datetime | None = None) -> Webhook:
    return Webhook(name="x", kind="standard", url="u", types=[], previous_until=previous_until)


def message(at: datetime) -> Message:
    return Message("m1", "alert.raised", at, "cameras/1", {"message": "Kälte — 冷"}, at)


def test_the_example_of_the_specification() -> None:
    """A signature that is known from the specification's own documents."""
    at = datetime.fromtimestamp(1674087231, UTC)
    body = b'{"type": "contact.created","timestamp":"2022-11-03T20:26:10.344522Z","data":{"id":"1f81eb52-5198-4599-803e-771906343485","type":"contact","name":"John Smith","email":"john.smith@example.com"}}'  # noqa: E501 - to the byte
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    assert headers["webhook-timestamp"] == "1674087231"
    checked = Checker("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body.decode())
    assert headers["webhook-signature"] == checked


@pytest.mark.parametrize(("ago", "good"), [(timedelta(minutes=-1), True), (timedelta(minutes=1), False)])
def test_two_secrets_while_one_is_changed(ago: timedelta, good: bool) -> None:
    """Each of the two checks, until the time of the older one is over."""
    now = SystemClock().now()
    row = webhook(previous_until=now - ago)
    request = StandardReceiver().request(row, Target("http://x/", NEW, OLD), message(now))
    assert isinstance(request, Request)
    Checker(NEW).verify(request.body, dict(request.headers))
    if good:
        Checker(OLD).verify(request.body, dict(request.headers))
    else:
        with pytest.raises(WebhookVerificationError):
            Checker(OLD).verify(request.body, dict(request.headers))


def test_a_changed_body_is_noticed() -> None:
    """A letter more, and the signature is none."""
    request = StandardReceiver().request(webhook(), Target("http://x/", NEW), message(SystemClock().now()))
    assert isinstance(request, Request)
    with pytest.raises(WebhookVerificationError):
        Checker(NEW).verify(request.body + b" ", dict(request.headers))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (301, "again"), (400, "again"), (404, "again"),
     (410, "gone"), (429, "again"), (500, "again"), (None, "again")],
)  # fmt: skip
def test_answers(status: int | None, outcome: str) -> None:
    """2xx is success, 410 is the end, and everything else comes again."""
    assert StandardReceiver().judge(Answer(status, "x")).outcome == outcome


def test_secrets_are_as_long_as_the_specification_asks() -> None:
    """Between 24 and 64 bytes, and never the same."""
    assert OLD != NEW
    assert OLD.startswith("whsec_")
    assert len(OLD) == len("whsec_") + 44
