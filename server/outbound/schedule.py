"""When something is tried again: pauses that double for a day, and what the receiver itself asks for. Pure."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from server.outbound.messages import INTERNAL_ERROR, Answer, Turned, Verdict
from server.store.deliveries import BACK, KEEPS_FAILING
from server.supervise import Backoff

FOR = timedelta(days=1)
TOO_MANY = 429
FIRST_S, LONGEST_S = 5.0, 7200.0  # between two tries of one event
REST_FIRST_S, REST_LONGEST_S = 2.0, 60.0  # between any two requests to a receiver that fails
DOWN_AFTER = 2  # so many failures one after another, and a success after them sets free what waits
# So many events refused one after another, without one that is taken: it is not them, and the receiver is left alone.
ALL_REFUSED_AFTER = 20


def failed(before: str | None, verdict: Verdict, answer: Answer) -> Verdict:
    """What came of a try, knowing what was `before`. One that was tried anew because the receiver was back, and for
    which it fails again, is itself the reason as far as can be told."""
    if verdict.outcome == "again" and _away(answer) and answer.status != TOO_MANY and before in (BACK, KEEPS_FAILING):
        return Verdict("again", KEEPS_FAILING)
    return verdict


def next_try(now: datetime, tries: int, give_up_at: datetime, chance: Callable[[], float]) -> datetime | None:
    """After so many tries; the last one is when the time is over. None: it is dead."""
    if now >= give_up_at:
        return None
    pause_s = Backoff(FIRST_S * 2.0 ** min(tries - 1, 20), LONGEST_S, jitter=0.3, chance=chance).next()
    return min(now + timedelta(seconds=pause_s), give_up_at)


def turned(
    verdict: Verdict, answer: Answer, *, now: datetime, tries: int, failures: int, give_up_at: datetime,
    chance: Callable[[], float] = random.random,
) -> Turned:  # fmt: skip
    """How it goes on after a try, the `tries`-th of its event. A receiver that fails rests as a whole; one that refuses
    an event is asked for the next one at once."""
    if verdict.outcome != "again":
        return Turned(0 if verdict.outcome == "delivered" else failures, None, None)
    asked = timedelta(seconds=min(answer.retry_after_s, FOR.total_seconds())) if answer.retry_after_s else timedelta()
    rest = asked
    if (_away(answer) and verdict.result != KEEPS_FAILING) or failures + 1 >= ALL_REFUSED_AFTER:
        rest_s = Backoff(REST_FIRST_S * 2.0 ** min(failures, 10), REST_LONGEST_S, jitter=0.3, chance=chance).next()
        rest = max(asked, timedelta(seconds=rest_s))
    following = next_try(now, tries, give_up_at, chance)
    return Turned(failures + 1, now + rest if rest else None, max(following, now + asked) if following else None)


def _away(answer: Answer) -> bool:
    """No answer, or one that says nothing of the event: 4xx but 429 does, and a fault of ours says nothing of it."""
    if answer.reason == INTERNAL_ERROR:
        return False
    return answer.status is None or not 400 <= answer.status < 500 or answer.status == TOO_MANY


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds, of either form of the header; None where there is none that can be read."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        return max(0.0, (at - now).total_seconds()) if at.tzinfo is not None else None
    except (ValueError, OverflowError):  # years and zones may have any number of digits
        return None
