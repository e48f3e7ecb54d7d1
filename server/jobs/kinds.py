"""What a kind of job is: its work, how often it is tried, how long it may take, and when it comes round by itself."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from server.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, RollcallError
from server.events.limits import Reach
from server.masking import mask_text

# What is wrong with such a job is wrong the next time too.
NOT_TRIED_AGAIN = (BadRequest, Conflict, Forbidden, Invalid, NotFound)
LONGEST_ERROR = 300
Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "normal", "low")  # the order in which they are looked for
_FIRST_SLOT = datetime(2020, 1, 1, tzinfo=UTC)


# What was done by then: figures, and what the result would hold; asked for in a thread.
SoFar = Callable[[], tuple[Mapping[str, int], bytes | None]]


class Work(Protocol):
    """One try of one job, as the function that does it sees it."""

    @property
    def job_id(self) -> str: ...

    @property
    def arguments(self) -> Mapping[str, object]: ...

    @property
    def asked_by(self) -> str | None:
        """The id of a user; None: the schedule."""

    async def progress(self, done: int, total: int | None = None, reached: int | None = None) -> None:
        """How far it is. Call it as often as you like: it is stored and told about once a second.

        A job that gets further each time it is begun is tried on and on. Where `done` begins anew with each time,
        `reached` is the figure that says so.
        """

    async def result_key(self, folder: str, ending: str) -> str:
        """A key of the object storage for the result. It is noted before it is answered, so that nothing stays behind
        when the job is removed; of a try that fails or loses its job, the object is removed."""

    def tell_if_cancelled(self, so_far: SoFar) -> None:
        """What is kept of a job that is cancelled while it runs. Without it, nothing is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: a few figures, and whether there is an object under the key that was asked for."""

    figures: Mapping[str, int] = field(default_factory=dict)


Do = Callable[[Work], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Every:
    """A schedule: moments that are `period` apart, one of them `at` after midnight UTC."""

    period: timedelta
    at: timedelta = timedelta(0)

    def slot(self, now: datetime) -> datetime:
        """The newest of its moments that has come. What was missed before it is not made up for."""
        first = _FIRST_SLOT + self.at
        return first + (now - first) // self.period * self.period


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    A job may be begun more than once: its worker may die at the very end. So `do` must come to the same when it is
    repeated, must not block the loop (asyncio.to_thread), and must let a cancel through.
    """

    name: str
    do: Do
    # A worker has room for some of each, which no other priority takes: so none waits for another, nor is one starved.
    priority: Priority = "normal"
    tries: int = 3  # that fail one after another, without getting further
    limit_s: float = 600.0
    pause_s: float = 5.0  # before the second try; doubles, and is shortened by chance
    longest_pause_s: float = 600.0
    every: Every | None = None
    permission: str | None = None  # needed to have its result, besides jobs:read
    open_at_once: int = 5  # of one user
    askers_own: bool = False  # its result tells of nothing but what was sent with it, so whoever asked may have it
    departments: Callable[[Mapping[str, object]], Reach] | None = None  # of its arguments: whom its result is about
    stays: str | None = None  # why one that is open may not be cancelled, in a sentence

    def open_to(self, reach: Reach, arguments: Mapping[str, object]) -> bool:
        """Whether whoever has asked for it, and is limited to that reach by now, may have its result."""
        if self.departments is None:
            return self.askers_own
        made = self.departments(arguments).departments
        return reach.departments is None or (made is not None and made <= reach.departments)


def reason_of(error: Exception, limit_s: float) -> str:
    """One line for people, without anything secret and without a traceback."""
    if isinstance(error, TimeLimit):
        return f"It took longer than {limit_s:g} s."
    text = error.message if isinstance(error, RollcallError) else f"{type(error).__name__}: {error}"
    line = mask_text(" ".join(text.split()))
    return line if len(line) <= LONGEST_ERROR else f"{line[: LONGEST_ERROR - 1]}…"


class TimeLimit(Exception):
    """A try took longer than its kind allows."""
