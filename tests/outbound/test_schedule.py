"""When something is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from server.outbound.messages import Answer, Verdict
from server.outbound.schedule import FOR, failed, next_try, retry_after_s, turned
from server.store.deliveries import BACK, KEEPS_FAILING

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
AGAIN = Verdict("again", "http_500")


def test_a_day_of_tries() -> None:
    """Pauses double from five seconds to two hours; the last try is when the day is over."""
    at, give_up_at, pauses = NOW, NOW + FOR, []
    tries = 0
    while True:
        tries += 1
        following = next_try(at, tries, give_up_at, lambda: 0.0)
        if following is None:
            break
        pauses.append((following - at).total_seconds())
        at = following
    assert pauses[:5] == [5, 10, 20, 40, 80]
    assert max(pauses) == 7200
    assert at == give_up_at
    assert tries == 23


def test_chance_shortens_pauses() -> None:
    """So that many who wait do not come back together."""
    assert next_try(NOW, 1, NOW + FOR, lambda: 1.0) == NOW + timedelta(seconds=3.5)


def test_success_forgives() -> None:
    """Nothing rests after it."""
    after = turned(Verdict("delivered", "taken"), Answer(200, "taken"), now=NOW, tries=3, failures=9, give_up_at=NOW)
    assert (after.failures, after.resumes_at, after.next_at) == (0, None, None)


@pytest.mark.parametrize(("failures", "rest_s"), [(0, 2), (1, 4), (3, 16), (5, 60), (50, 60)])
def test_a_receiver_that_fails_is_left_alone_for_a_while(failures: int, rest_s: int) -> None:
    """Longer each time, and never longer than a minute."""
    after = turned(
        AGAIN, Answer(500, ""), now=NOW, tries=1, failures=failures, give_up_at=NOW + FOR, chance=lambda: 0.0
    )
    assert after.resumes_at == NOW + timedelta(seconds=rest_s)
    assert after.failures == failures + 1


@pytest.mark.parametrize(
    ("verdict", "status", "failures", "rests"),
    [
        (Verdict("again", "http_400"), 400, 0, False), (Verdict("again", "http_400"), 400, 18, False),
        (Verdict("again", "http_400"), 400, 19, True), (Verdict("again", KEEPS_FAILING), 500, 0, False),
        (Verdict("again", KEEPS_FAILING), 500, 19, True), (Verdict("again", "http_429"), 429, 0, True),
        (Verdict("again", "timed_out"), None, 0, True), (Verdict("again", "redirected"), 302, 0, True),
    ],
)  # fmt: skip
def test_one_event_that_is_refused_holds_up_no_other(
    verdict: Verdict, status: int | None, failures: int, rests: bool
) -> None:
    """The event waits, the receiver does not rest, unless it refuses whatever it gets."""
    after = turned(
        verdict, Answer(status, ""), now=NOW, tries=1, failures=failures, give_up_at=NOW + FOR, chance=lambda: 0.0
    )
    assert (after.resumes_at is not None, after.failures) == (rests, failures + 1)
    assert after.next_at == NOW + timedelta(seconds=5)


def test_one_that_fails_whenever_the_receiver_is_back() -> None:
    """Is itself the reason; not what is refused, and not where the receiver asks for patience."""
    for before, status, result in (
        (None, 500, "x"), ("http_500", 500, "x"), (BACK, 500, KEEPS_FAILING), (KEEPS_FAILING, None, KEEPS_FAILING),
        (BACK, 400, "x"), (BACK, 429, "x"),
    ):  # fmt: skip
        assert failed(before, Verdict("again", "x"), Answer(status, "x")).result == result
    taken = Verdict("delivered", "taken")
    assert failed(BACK, taken, Answer(200, "taken")) == taken


def test_what_the_receiver_asks_for() -> None:
    """Counts if it is longer; more than a day is not waited for."""
    for asked_s, waits_s in ((1.0, 2.0), (3600.0, 3600.0), (1e9, 86400.0)):
        after = turned(
            AGAIN, Answer(429, "", b"", asked_s), now=NOW, tries=1, failures=0, give_up_at=NOW + FOR, chance=lambda: 0.0
        )
        assert after.resumes_at == NOW + timedelta(seconds=waits_s)
        assert after.next_at is not None
        assert after.next_at >= NOW + timedelta(seconds=min(asked_s, 86400.0))


def test_retry_after() -> None:
    """Seconds or a date; anything else is as if it were not there."""
    assert retry_after_s("120", NOW) == 120
    assert retry_after_s("Mon, 05 Jan 2026 08:01:00 GMT", NOW) == 60
    assert retry_after_s("Mon, 05 Jan 2026 07:00:00 GMT", NOW) == 0
    far = ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", f"Mon, 01 Jan {'9' * 30} 00:00:00 GMT")
    for nothing in (None, "", "soon", "-5", "1.5", *far):
        assert retry_after_s(nothing, NOW) is None
