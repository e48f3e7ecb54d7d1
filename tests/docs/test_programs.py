"""Every program that the documentation shows is run as it stands, against a server, and hears what happens there."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.routes.event_snippets import snippets
from tests.clients.packed import node, unpack_into
from tests.journeys.client import Api
from tests.journeys.server import ADMIN, PASSWORD, RollcallServer
from tests.servers import plain_environment

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "python",  # the rest of its tour is about other things
    "docs/realtime.md": "python|js|sh",
    "clients/python/README.md": "python|js|sh",
    "clients/js/README.md": "python|js|sh",
}
WRITTEN_FOR = "http://127.0.0.1:8000"
HEARD = re.compile(r"camera\.added|attendance\.(checked_in|corrected)|^in Ada Lovelace", re.MULTILINE)
# Stands in for websocat where that is not installed: lines go out as messages, and messages come in as lines.
WEBSOCAT = """#!{python}
import sys, threading
from websockets.sync.client import connect
option, subprotocol, url = sys.argv[1:]
assert option == "--protocol"
with connect(url, subprotocols=[subprotocol], proxy=None) as socket:
    threading.Thread(target=lambda: [socket.send(line.rstrip()) for line in sys.stdin], daemon=True).start()
    for message in socket:
        print(message, flush=True)
"""


@dataclass(frozen=True)
class Program:
    where: str
    language: str
    text: str


def written() -> Iterator[Program]:
    """The programs of the pages of text, and of the page that a server shows."""
    for page, languages in PAGES.items():
        blocks = re.findall(rf"^```({languages})\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
        for number, (language, text) in enumerate(blocks, start=1):
            yield Program(f"{page} {number} {language}", language, text)
    run_by = {"python": "python", "javascript": "js", "curl": "sh", "websocat": "sh"}
    for one in snippets(WRITTEN_FOR):
        yield Program(f"/docs/events {one.id}", run_by[one.id], one.text)


PROGRAMS = tuple(written())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    with RollcallServer(tmp_path_factory.mktemp("programs")) as running:
        yield running


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_into(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def api(server: RollcallServer) -> Iterator[Api]:
    with server.login() as signed_in:
        yield signed_in


@pytest.fixture(scope="module")
def person(api: Api) -> str:
    return api.add_person("Ada Lovelace")


@pytest.fixture(scope="module")
def key(api: Api) -> str:
    permissions = ["cameras:read", "attendance:read", "sightings:read"]
    given: str = api.post("api-keys", {"name": "Program", "permissions": permissions})["key"]
    return given


def command_of(program: Program, folder: Path, key: str) -> Sequence[str]:
    """What runs it; it is written into the folder."""
    if program.language == "python":
        (folder / "program.py").write_text(program.text)
        return [sys.executable, "program.py", key]
    if program.language == "js":
        (folder / "program.mjs").write_text(program.text)
        return [*node(), "program.mjs"]
    if "curl" in program.text and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    if shutil.which("websocat") is None:
        (folder / "websocat").write_text(WEBSOCAT.format(python=sys.executable))
        (folder / "websocat").chmod(0o755)
    return ["bash", "-euc", program.text]


@contextmanager
def running(command: Sequence[str], folder: Path, **settings: str) -> Iterator["queue.Queue[str]"]:
    """What it says, line by line; it goes on for ever, and is ended."""
    environment = {
        **plain_environment(),
        "PYTHONPATH": str(ROOT / "clients" / "python"),
        "PATH": f"{folder}:{os.environ['PATH']}",
        **settings,
    }
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    said: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, said), daemon=True)
    reader.start()
    try:
        yield said
        assert process.poll() is None, f"It ended by itself: {list(said.queue)}"
    finally:
        os.killpg(process.pid, 9)
        process.wait(30)
        reader.join(30)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def _read(lines: Iterable[str], said: "queue.Queue[str]") -> None:
    for line in lines:
        said.put(line)


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.where for program in PROGRAMS])
def test_a_program(
    program: Program, server: RollcallServer, api: Api, person: str, key: str, packages: Path, tmp_path: Path
) -> None:
    """It hears of a camera that is added, or of somebody who is entered; it does not have to be told anything else."""
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    there = server.url.removeprefix("http://")
    text = program.text.replace(WRITTEN_FOR.removeprefix("http://"), there)
    assert text != program.text
    command = command_of(Program(program.where, program.language, text), tmp_path, key)
    settings = {"ROLLCALL_KEY": key, "ROLLCALL_EMAIL": ADMIN, "ROLLCALL_PASSWORD": PASSWORD}
    heard = ""
    with running(command, tmp_path, **settings) as said:
        for number in range(100):  # it does not say from when on it listens
            if '"cameras"' in program.text or "topic=cameras" in program.text:
                api.add_camera(f"{program.where} {number}", "http://127.0.0.1:9/none", kind="http", enabled=False)
            else:
                at = (datetime.now(UTC) - timedelta(minutes=number + 1)).isoformat()
                api.post("attendance/entries", {"personId": person, "at": at, "direction": "in", "reason": "By hand"})
            with suppress(queue.Empty):
                while not HEARD.search(heard):
                    heard += said.get(timeout=1.0)
                break
    assert HEARD.search(heard), heard
    assert "Traceback" not in heard


def test_there_are_programs() -> None:
    """In every page and of every language: none is lost because it is written in another way."""
    found = {(program.where.split()[0], program.language) for program in PROGRAMS}
    assert found == {
        ("README.md", "python"), ("docs/realtime.md", "python"), ("docs/realtime.md", "js"), ("docs/realtime.md", "sh"),
        ("clients/python/README.md", "python"), ("clients/js/README.md", "js"),
        ("/docs/events", "python"), ("/docs/events", "js"), ("/docs/events", "sh"),
    }  # fmt: skip
