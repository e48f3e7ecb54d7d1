"""The long rest of erasures, and those that an object storage that was away or a stopped server has held up."""

from server.jobs.kinds import Kind, Outcome, Work
from server.pipeline.erase import Eraser

NAME = "erasure"


def erasure(eraser: Eraser) -> Kind:
    """The kind. It finishes all that are pending, so one that waits is enough. Beside the exports, for it may take as
    long as they do."""

    async def do(work: Work) -> Outcome:
        return Outcome({"erasures": await eraser.finish_all(work.progress)})

    stays = "What is to be erased is erased: this cannot be cancelled."
    return Kind(NAME, do, tries=50, limit_s=3600.0, pause_s=10.0, stays=stays)
