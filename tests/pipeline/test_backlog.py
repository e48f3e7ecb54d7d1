"""What a camera has decided while the database is away: it waits in order, is written once, and holds up nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from asyncpg import InvalidPasswordError, LockNotAvailableError, ReadOnlySQLTransactionError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from structlog.testing import capture_logs

from server.clock import ManualClock
from server.identity.sightings import SightingChange
from server.pipeline import backlog as backlogs
from server.pipeline.backlog import STANDS_ASIDE, TRIES, Backlog
from server.pipeline.evidence import Evidence, KeptEvidence
from server.pipeline.in_order import InOrder
from server.pipeline.record import Recorded
from server.store.tables import Camera
from server.supervise import Backoff
from tests.pipeline.conftest import change

AWAY = OperationalError("INSERT", {}, ConnectionRefusedError())
EVIDENCE = Evidence(b"frame", b"face", [0.1, 0.1, 0.2, 0.2])
CAMERA = Camera(id="c1", name="Entrance", source="/nowhere.mp4", kind="file", role="in")


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


class Database:
    """Takes what it is given, raises `error` where there is one, and says nothing while it is `silent`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.silent = False
        self.tries = 0
        self.pictures = 0
        self.kinds: list[str] = []
        self.evidence: list[KeptEvidence] = []

    async def keep(self, evidence: Mapping[str, Evidence]) -> dict[str, KeptEvidence]:
        self.pictures += len(evidence)
        return {key: KeptEvidence(one.box, ("frame.jpg", "face.jpg")) for key, one in evidence.items()}

    async def record(
        self, camera_id: str, changes: Sequence[SightingChange], evidence: Mapping[str, KeptEvidence]
    ) -> Recorded:
        assert camera_id == CAMERA.id
        self.tries += 1
        await until(lambda: not self.silent)
        if self.error is not None:
            raise self.error
        self.kinds += [one.kind for one in changes]
        self.evidence += evidence.values()
        return Recorded([], [])


@pytest.fixture
def database() -> Database:
    return Database()


@asynccontextmanager
async def backlog(database: Database, *, most: int = 100) -> AsyncIterator[Backlog]:
    told: list[str] = []
    opened = Backlog(
        CAMERA.id, database, ManualClock(), lambda changes, _: told.extend(one.kind for one in changes),
        most=most, patience_s=0.1,
    )  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(opened.run())
        yield opened
        async with asyncio.timeout(10):
            await opened.written()
        running.cancel()
    assert told == database.kinds


def a(kind: str) -> list[SightingChange]:
    return [change(CAMERA, kind, ManualClock().now(), "p1")]  # type: ignore[arg-type]


async def test_what_is_written_at_once_is_waited_for(database: Database) -> None:
    """The camera goes on with its next frame when the last one is stored."""
    async with backlog(database) as opened:
        await opened.settled()
        await opened.add(a("recognized"), {"s1": EVIDENCE})
        await opened.settled()
        assert database.kinds == ["recognized"]
        assert database.evidence[0].keys == ("frame.jpg", "face.jpg")
        await opened.add([], {})
    assert database.tries == 1


@pytest.mark.parametrize("silent", [False, True])
async def test_a_database_that_is_away_holds_up_no_camera(database: Database, silent: bool) -> None:
    """Whether it refuses or hangs: what is decided meanwhile is written in its order, each once. Its pictures are
    stored once, and that somebody stays there is not kept."""
    async with backlog(database) as opened:
        database.error, database.silent = None if silent else AWAY, silent
        async with asyncio.timeout(2):
            for kind in ("recognized", "extended", "closed", "unknown"):
                await opened.add(a(kind), {"s1": EVIDENCE})
                await opened.settled()
        assert (database.kinds, len(opened)) == ([], 3)
        if not silent:
            await until(lambda: database.tries >= 3)
        database.error, database.silent = None, False
        async with asyncio.timeout(10):
            await opened.written()
        assert database.kinds == ["recognized", "closed", "unknown"]
        assert database.pictures == 4
        await opened.add(a("extended"), {})
        await opened.settled()
    assert database.kinds[-1] == "extended"


async def test_it_is_bounded(database: Database) -> None:
    """Where it is full the camera waits, and nothing that was decided is lost."""
    async with backlog(database, most=2) as opened:
        database.error = AWAY
        await opened.add(a("recognized"), {})
        await opened.settled()
        await opened.add(a("closed"), {})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await opened.add(a("unknown"), {})
        assert len(opened) == 2
        database.error = None
        await opened.add(a("unknown"), {})
    assert database.kinds == ["recognized", "closed", "unknown"]


async def test_what_the_database_never_takes_is_in_nobodys_way(database: Database) -> None:
    """It is there and refuses: after some tries that is said in the log, and the next is written."""
    async with backlog(database) as opened:
        database.error = IntegrityError("INSERT", {}, Exception())
        await opened.add(a("unknown"), {})
        await until(lambda: database.tries >= TRIES)
        database.error = None
        await opened.add(a("recognized"), {})
    assert database.kinds == ["recognized"]


@pytest.mark.parametrize(
    "error",
    [
        DBAPIError("INSERT", {}, ReadOnlySQLTransactionError("read-only")),
        InvalidPasswordError("another one"),
    ],
)
async def test_a_database_that_refuses_everybody_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """As one does that is about to be the primary: no check-in is given up, and that is said once."""
    monkeypatch.setattr(backlogs, "Backoff", lambda **_: Backoff(0.001))
    with capture_logs() as lines:
        async with backlog(database) as opened:
            database.error = error
            await opened.add(a("recognized"), {})
            await until(lambda: database.tries > 2 * TRIES)
            database.error = None
    assert database.kinds == ["recognized"]
    assert [line["event"] for line in lines] == ["not_recorded_yet", "recorded_late"]


async def test_a_camera_that_starts_again_goes_on_with_what_waits(database: Database) -> None:
    """Nothing has to be added for it, which would be in vain where it is full."""
    opened = Backlog(CAMERA.id, database, ManualClock(), lambda *_: None, most=1, patience_s=0.1)
    database.error = AWAY
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(opened.run())
        await opened.add(a("recognized"), {})
        await until(lambda: database.tries > 0)
        running.cancel()
    database.error = None
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(opened.run())
        await opened.add(a("closed"), {})
        await opened.written()
        running.cancel()
    assert database.kinds == ["recognized", "closed"]


async def test_who_waits_until_it_has_caught_up_does_so_while_something_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an erasure does, which is to reach what was decided before it."""
    monkeypatch.setattr(backlogs, "PROGRESS_S", 0.3)
    async with backlog(database) as opened:
        database.error = AWAY
        await opened.add(a("recognized"), {})
        async with asyncio.timeout(2):
            await opened.caught_up()
        assert len(opened) == 1
        database.error = None
        monkeypatch.setattr(backlogs, "PROGRESS_S", 5)
        await opened.caught_up()
        assert database.kinds == ["recognized"]


async def two(clock: ManualClock, in_order: InOrder, *databases: Database) -> list[Backlog]:
    """What was decided at one camera, and a minute later at the other, while the database is away for both."""
    found = [Backlog(CAMERA.id, one, clock, lambda *_: None, in_order=in_order, patience_s=0.05) for one in databases]
    for one, kind in zip(found, ("recognized", "closed"), strict=True):
        await one.add(a(kind), {})
        clock.advance(60)
    return found


@asynccontextmanager
async def running(*backlogs: Backlog) -> AsyncIterator[list[asyncio.Task[None]]]:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        found = [tasks.create_task(one.run()) for one in backlogs]
        yield found
        for one in found:
            one.cancel()


async def test_what_was_decided_first_is_written_first_at_whichever_camera(database: Database) -> None:
    """Whoever came in by one and went out by the other did so in this order; the other one does not even try before."""
    other = Database()
    other.kinds, database.error = database.kinds, AWAY
    first, second = await two(ManualClock(), InOrder(), database, other)
    async with running(first):
        await until(lambda: database.tries > 0)
        async with running(second):
            await until(lambda: database.tries > 2)
            assert (other.tries, len(second)) == (0, 1)
            database.error = None
            await second.written()
    assert database.kinds == ["recognized", "closed"]


async def test_a_camera_that_writes_in_time_holds_up_nobody(database: Database) -> None:
    """However slow its database is: only what is late goes before others."""
    slow = Database()
    slow.silent = True
    first, second = await two(ManualClock(), InOrder(), slow, database)
    async with running(first, second):
        await second.written()
        assert len(first) == 1
        slow.silent = False
        await first.written()


async def test_who_waits_for_a_lock_holds_up_nobody(database: Database) -> None:
    """Somebody is being merged, or it takes too long: at the other doors people come in meanwhile."""
    locked = Database()
    locked.error = DBAPIError("INSERT", {}, LockNotAvailableError(""))
    first, second = await two(ManualClock(), InOrder(), locked, database)
    async with running(first, second):
        await until(lambda: locked.tries > 1)
        await second.written()
        assert len(first) == 1
        locked.error = None
        await first.written()


async def test_a_camera_that_stops_holds_up_nobody(database: Database) -> None:
    """What it could not write is lost, or waits for its next start."""
    away = Database()
    away.error = AWAY
    first, second = await two(ManualClock(), InOrder(), away, database)
    async with running(first, second) as tasks:
        await until(lambda: away.tries >= 2)
        assert len(second) == 1
        tasks[0].cancel()
        await second.written()
    assert (len(first), database.kinds) == (1, ["closed"])


@pytest.mark.parametrize("lasting", [True, False])
async def test_what_is_never_written_holds_up_others_for_a_while_only(
    database: Database, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    """Whether it is given up itself, or goes on to fail though the database answers."""
    monkeypatch.setattr(backlogs, "Backoff", lambda **_: Backoff(0.001, 0.001))
    broken = Database()
    broken.error = (
        DBAPIError("INSERT", {}, Exception("XX000")) if lasting else IntegrityError("INSERT", {}, Exception())
    )
    first, second = await two(ManualClock(), InOrder(), broken, database)
    async with running(first, second):
        await until(lambda: broken.tries >= TRIES)
        await second.written()
        assert broken.tries >= (STANDS_ASIDE if lasting else TRIES)
        assert len(first) == lasting


async def test_what_was_cut_off_is_written_by_the_drain(database: Database) -> None:
    """As a camera that is stopped does it."""
    told: list[str] = []
    opened = Backlog(CAMERA.id, database, ManualClock(), lambda changes, _: told.append(changes[0].kind))
    database.silent = True
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(opened.run())
        await opened.add(a("recognized"), {})
        await until(lambda: database.tries > 0)
        running.cancel()
    database.silent = False
    await opened.drain()
    assert (told, database.kinds, len(opened)) == (["recognized"], ["recognized"], 0)
