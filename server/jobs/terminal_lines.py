"""Lines of terminals that waited for people who have come since: when somebody calls for it, and every hour."""

from collections.abc import Sequence
from datetime import timedelta

from server.events.schema import StoredEvent
from server.jobs.kinds import Every, Kind, Outcome, Work
from server.jobs.work import Place
from server.pipeline.terminals import TerminalLines
from server.store.runtime import RuntimeState
from server.store.terminals import JOB

# Whose a PIN is may become plain by what calls for nothing: somebody else has lost it, or a call came to nothing.
HOURLY = Every(timedelta(hours=1), at=timedelta(minutes=37))


def terminal_lines(place: Place, runtime: RuntimeState) -> Kind:
    """The kind. It takes up all that can be, whoever called for it."""

    def wake(stored: Sequence[StoredEvent]) -> None:
        if stored:
            place.waker.wake(sorted({event.topic for event in stored}))

    lines = TerminalLines(place.store, place.log, wake, place.clock, runtime)

    async def do(_work: Work) -> Outcome:
        return Outcome({"entries": await lines.enter_waiting()})

    return Kind(JOB, do, "high", tries=5, limit_s=1800.0, every=HOURLY)
