"""The JavaScript package: the pages' own module, alone in Node against a real hub, and typed."""

import asyncio
import json
import re
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.assets import asset
from server.events.gate import Principal
from server.events.hub import Hub
from server.events.schema import CloseCode
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.clients.packed import PACKAGE, node, unpack_into
from tests.events.scenes import Door, Somebody, new_event, say, serving
from tests.silent_proxy import silent_proxy

README = PACKAGE / "README.md"
PROGRAM = """
import { Events } from "rollcall-client";
const [url, mode, haste] = process.argv.slice(2);
const every = setInterval;
globalThis.setInterval = (run, ms) => every(run, ms / Number(haste)); // how often it asks whether anybody is there
const tell = (...said) => console.log(JSON.stringify(said));
let given = 0;
const token = mode === "renewing" ? async () => ({ token: `t${given++}`, expiresIn: 0.2 }) : mode;
const events = new Events({ url, token });
events.onState((state, { code }) => tell("state", state, code));
events.subscribe("alerts", { filter: { cameraId: "c1" }, snapshot: true },
  (event, place) => tell("event", event.data.number, place.cursor),
  (snapshot, { recovered }) => tell("resync", snapshot, recovered));
events.subscribe("nonsense", { onError: ({ code }) => tell("error", code) }, () => {});
process.stdin.on("data", () => { events.close(); process.exit(0); });
"""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_into(tmp_path_factory.mktemp("js"))


@asynccontextmanager
async def running(folder: Path, url: str, mode: str, haste: int = 1) -> AsyncIterator["Program"]:
    """The program above; it is told to end, and ends well."""
    (folder / "program.mjs").write_text(PROGRAM)
    process = await asyncio.create_subprocess_exec(
        *node(), "program.mjs", url, mode, str(haste), cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(60):
            yield Program(process)
            assert process.stdin is not None
            process.stdin.write(b"end\n")
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Program:
    """What it has said, and what it says next."""

    def __init__(self, process: Process) -> None:
        self.said: list[list[Any]] = []
        self._process = process

    async def until(self, *wanted: object) -> list[Any]:
        """The next line that begins so."""
        assert self._process.stdout is not None
        while True:
            line = await self._process.stdout.readline()
            assert line, self.said
            self.said.append(json.loads(line))
            if self.said[-1][: len(wanted)] == list(wanted):
                return self.said[-1]

    def of(self, kind: str) -> list[Any]:
        return [line[1] for line in self.said if line[0] == kind]


def test_it_is_the_module_of_the_pages(installed: Path) -> None:
    """Byte for byte, all that it imports with it, and nothing else."""
    files = {path.name for path in (installed / "node_modules" / "rollcall-client").iterdir()}
    modules = {name for name in files if name.endswith(".js")}
    assert files - modules == {"package.json", "README.md", "events.d.ts", "event-types.d.ts"}
    for name in modules:
        ours = asset("web") / "static" / "js" / name
        assert (installed / "node_modules" / "rollcall-client" / name).read_bytes() == ours.read_bytes()


def test_its_types_name_what_it_has(installed: Path) -> None:
    """Every export and every member of the class, and none that is not there."""
    script = """import * as all from "rollcall-client";
    console.log(JSON.stringify([Object.keys(all), Object.getOwnPropertyNames(all.Events.prototype)]));"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=installed, capture_output=True, check=True, timeout=60
    )
    exported, members = json.loads(done.stdout)
    types = (PACKAGE / "events.d.ts").read_text()
    assert re.findall(r"^export declare (?:class|function|const) (\w+)", types, re.MULTILINE) == exported
    declared = re.findall(r"^  (?:get )?(\w+)[(<]", types.partition("declare class Events")[2], re.MULTILINE)
    assert sorted(declared) == sorted(members)


async def snapshots(topic: str, principal: Principal) -> dict[str, object]:
    return {"of": topic}


async def test_a_program_in_node(store: Store, log: TableLog, hub: Hub, installed: Path) -> None:
    """Each event once and in order over lost connections, with its place; the state; a refused topic; the end."""
    door = Door(good=Somebody())
    async with serving(hub, door, snapshots=snapshots) as url, running(installed, url, "good") as program:
        await program.until("resync", {"of": "alerts"}, True)
        for number in range(20):
            await say(store, log, hub, new_event(number, camera=f"c{1 + number % 2}"))
            if number == 9:
                for listener in tuple(hub.listeners):
                    listener.end(CloseCode.TOO_SLOW, "so that it comes back")
        last = await program.until("event", 18)
        assert last[2] == {"epoch": await log.epoch(), "offset": 19}
        assert program.of("event") == list(range(0, 20, 2))
        assert "unknown_topic" in program.of("error")
        assert ["state", "reconnecting", 4001] in program.said
        assert program.of("resync") == [{"of": "alerts"}], "a state of now beside what is older would be undone by it"
        async with store.transaction() as session:
            await log.begin_epoch(session)
        assert await program.until("resync") == ["resync", {"of": "alerts"}, False]
        await say(store, log, hub, new_event(20))
        await program.until("event", 20)
        door.ended.add("ada")
        hub.revoked()
        await program.until("state", "stopped", 4510)


async def test_tokens_of_a_program(store: Store, log: TableLog, hub: Hub, installed: Path) -> None:
    """A new one before the old one runs out, on the same connection."""
    door = Door(**{f"t{number}": Somebody() for number in range(100)})
    async with serving(hub, door) as url, running(installed, url, "renewing") as program:
        await program.until("state", "connected")
        known = set(door.tokens)
        used: list[str] = []
        by_token = door.by_token

        async def noted(token: str) -> Principal:
            used.append(token)
            return await by_token(token)

        door.by_token = noted  # type: ignore[method-assign]
        async with asyncio.timeout(30):
            while len(used) < 2:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.02)
        assert set(used) <= known
        await say(store, log, hub, new_event(1))
        await program.until("event", 1)
        assert program.of("state") == ["connecting", "connected"]


async def test_a_peer_that_fell_silent(store: Store, log: TableLog, hub: Hub, installed: Path) -> None:
    """Nothing is heard of it: given up, and gone on with on the next connection."""
    async with serving(hub, Door(good=Somebody()), snapshots=snapshots) as url:
        host, port = url.removeprefix("ws://").removesuffix("/ws").split(":")
        async with (
            silent_proxy(host, int(port)) as proxy,
            running(installed, f"http://127.0.0.1:{proxy.own_port}", "good", haste=15) as program,
        ):
            await program.until("resync", {"of": "alerts"}, True)
            proxy.talks.clear()
            await program.until("state", "reconnecting", 1006)
            await say(store, log, hub, new_event(1))
            proxy.talks.set()
            await program.until("event", 1)


async def test_a_program_that_is_not_let_in(hub: Hub, installed: Path) -> None:
    """It asks the server at that address whether it is true, and stops where it says so itself."""
    asked: list[str | None] = []

    async def me(request: Request) -> Response:
        asked.append(request.headers.get("Authorization"))
        return JSONResponse({"error": {"code": "not_authenticated", "requestId": "r1"}}, 401)

    async with (
        serving(hub, Door(good=Somebody()), routes=[Route("/api/v1/auth/me", me)]) as url,
        running(installed, url.replace("ws", "http", 1).removesuffix("/ws"), "bad") as program,
    ):
        await program.until("state", "stopped", 4501)
    assert asked == ["Bearer bad"]


@pytest.mark.journey
@pytest.mark.timeout(600)
def test_it_is_typed(installed: Path) -> None:
    """The README's example compiles, and no longer once it asks for what an event does not have."""
    package = {"private": True, "type": "module", "devDependencies": {"typescript": "5.9.3", "@types/node": "22.15.3"}}
    folder = installed / "typed"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(package))
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(["npm", "install", *quiet], cwd=folder, check=True, capture_output=True, timeout=300)
    script, typed = re.findall(r"```[jt]s\n(.*?)```", README.read_text(), re.DOTALL)
    wrong = typed.replace("event.data.reason", "event.data.direction")
    assert wrong != typed
    for name, text in {"script": script, "typed": typed, "wrong": wrong}.items():
        (folder / f"{name}.ts").write_text(text)
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"]
    done = subprocess.run(
        ["npx", "tsc", *options, "script.ts", "typed.ts", "wrong.ts"],
        cwd=folder, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    (error,) = done.stdout.strip().splitlines()
    assert error.startswith("wrong.ts")
    assert "TS2339" in error
