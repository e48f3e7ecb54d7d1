"""The look for missing check-outs, every hour."""

from datetime import timedelta

from server.jobs.kinds import Every, Kind, Outcome, Work
from server.jobs.work import Place
from server.pipeline import check_outs
from server.store.runtime import RuntimeState

NAME = "check-outs"
HOURLY = Every(timedelta(hours=1), at=timedelta(minutes=7))


def missing_check_outs(place: Place, runtime: RuntimeState) -> Kind:
    """The kind. Whoever has raised an alert already raises none again."""

    async def do(_work: Work) -> Outcome:
        raised, cleared = await check_outs.look(place.store, place.log, place.waker.wake, runtime, place.clock.now())
        return Outcome({"raised": raised, "cleared": cleared})

    return Kind(NAME, do, "high", limit_s=1800.0, every=HOURLY)
