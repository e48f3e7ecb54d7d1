"""Lines of terminals that waited for people who have come since."""

from collections.abc import Sequence

from server.events.schema import StoredEvent
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.work import Place
from server.pipeline.terminals import TerminalLines
from server.store.runtime import RuntimeState
from server.store.terminals import JOB


def terminal_lines(place: Place, runtime: RuntimeState) -> Kind:
    """The kind. It takes up all that can be, whoever called for it."""

    def wake(stored: Sequence[StoredEvent]) -> None:
        if stored:
            place.waker.wake(sorted({event.topic for event in stored}))

    lines = TerminalLines(place.store, place.log, wake, place.clock, runtime)

    async def do(_work: Work) -> Outcome:
        return Outcome({"entries": await lines.enter_waiting()})

    return Kind(JOB, do, tries=5, limit_s=1800.0)
