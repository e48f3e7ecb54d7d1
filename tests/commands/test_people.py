"""`rollcall people import`: a folder or a CSV, and a report of every refusal."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from server.bus.redis import RedisBus
from server.demo.clips import enrolment_photo
from server.demo.pictures import astronaut, grace_hopper
from tests.commands.conftest import Run


def test_a_folder_for_each_person(rollcall: Run, tmp_path: Path) -> None:
    """Accepted photos are counted, refused ones named with their reason; a second import adds to the same people."""
    folder = tmp_path / "photos"
    for name, content in (
        ("Eileen_Collins/1.jpg", enrolment_photo()),
        ("Eileen_Collins/2.png", astronaut().read_bytes()),
        ("Grace_Hopper/1.jpg", grace_hopper().read_bytes()),
        ("Grace_Hopper/2.jpg", b"not a picture"),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    result = rollcall("people", "import", str(folder))
    assert result.returncode == 0, result.stderr
    assert "2 people, 3 photos accepted, 1 refused." in result.stdout
    [refused] = [line for line in result.stdout.splitlines() if line.startswith("refused")]
    assert "Grace_Hopper/2.jpg" in refused
    assert "unreadable" in refused
    with closing(sqlite3.connect(tmp_path / "state" / "rollcall.db")) as database:
        noted = database.execute(
            "SELECT actor_kind, action FROM audit WHERE resource IN ('people', 'photos')"
        ).fetchall()
    assert Counter(noted) == {("system", "person.created"): 2, ("system", "photo.added"): 3}
    again = rollcall("people", "import", str(folder))
    assert "warning" not in again.stdout


def test_folders_without_pictures_are_nobody(tmp_path: Path, rollcall: Run) -> None:
    """A file that is no picture is refused; nobody at all is an error."""
    (tmp_path / "p/Ada_Lovelace").mkdir(parents=True)
    (tmp_path / "p/Ada_Lovelace/notes.txt").write_text("x")
    result = rollcall("people", "import", str(tmp_path / "p"))
    assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1)


def test_one_that_cannot_be_told_apart_does_not_end_the_import(rollcall: Run, tmp_path: Path) -> None:
    """Two people of one name: the photo is refused with the reason, and the rest goes on."""
    twice = tmp_path / "twice.csv"
    (tmp_path / "a.jpg").write_bytes(enrolment_photo())
    twice.write_text("fullName,employeeId,photo\nAda,1,gone.jpg\nAda,2,gone.jpg\n")
    rollcall("people", "import", str(twice))
    after = tmp_path / "after.csv"
    after.write_text("fullName,employeeId,photo\nAda,,a.jpg\nEileen Collins,3,a.jpg\n")
    result = rollcall("people", "import", str(after))
    assert result.returncode == 0, result.stderr
    assert "1 people, 1 photos accepted, 1 refused." in result.stdout
    assert "2 people called Ada" in result.stdout


async def test_running_servers_hear_of_it(rollcall: Run, tmp_path: Path, redis_server: str) -> None:
    """Over the bus, as of a photo that was enrolled by a page."""
    (tmp_path / "faces/Eileen_Collins").mkdir(parents=True)
    (tmp_path / "faces/Eileen_Collins/1.jpg").write_bytes(enrolment_photo())
    bus = RedisBus(redis_server)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(bus.run())
        await bus.listening()
        async with bus.subscribe("gallery") as messages:
            told = ("people", "import", str(tmp_path / "faces"))
            result = await asyncio.to_thread(rollcall, *told, ROLLCALL_BUS__URL=redis_server)
            assert result.returncode == 0, result.stderr
            async with asyncio.timeout(10):
                assert (await anext(messages))[0] == "gallery"
        running.cancel()


def test_a_report_is_written(rollcall: Run, tmp_path: Path) -> None:
    """The same table that the job of a server makes."""
    (tmp_path / "t.csv").write_text("fullName,email\nAda,wrong\nBea,\n")
    result = rollcall("people", "import", str(tmp_path / "t.csv"), "--report", str(tmp_path / "report.csv"))
    assert result.returncode == 0, result.stderr
    assert "bad_email" in (tmp_path / "report.csv").read_text().splitlines()[1]
