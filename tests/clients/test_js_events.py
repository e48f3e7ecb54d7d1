"""web/static/js/events.js in Node with sockets and servers that play a part: what ends it, and what it asks once."""

from pathlib import Path
from typing import Any

import pytest

from tests import node

HEAD = """
import { EventEmitter } from "node:events";
import { Events } from "./events.js";
const [later, told] = [globalThis.setTimeout, []];
globalThis.setTimeout = (run, ms) => later(run, ms / 1000);
globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
const sockets = [];
/** As the package `ws` has it: an emitter, for which an error that nobody listens to is thrown. */
class Fake {
  #emitter = new EventEmitter();
  readyState = 1;
  sent = [];
  constructor() { sockets.push(this); setImmediate(() => opened(this)); }
  addEventListener(name, run) { this.#emitter.on(name, run); }
  emit(name, event = {}) { this.#emitter.emit(name, event); }
  hear(message) { this.emit("message", { data: JSON.stringify(message) }); }
  letIn() {
    this.hear({ type: "welcome", serverTime: "2026-01-05T08:00:00.000Z" });
    this.hear({ type: "ready", user: {} });
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() {}
}
let opened = () => {};
const until = async (holds) => { while (!holds()) await new Promise((go) => later(go, 1)); };
const asked = (socket) => socket.sent.filter((message) => message.type === "subscribe").map((message) => message.id);
const follow = (options) => {
  const events = new Events({ url: "http://site.example", token: "t", webSocket: Fake, ...options });
  events.onState((state, why) => told.push([state, why.code, why.reason]));
  return events;
};
const done = (...said) => { console.log(JSON.stringify(said)); process.exit(0); };
"""

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("modules")


def said(modules: Path, script: str) -> list[Any]:
    """What the script ends with."""
    return node.said(modules, "events.js", HEAD + script)


def test_an_error_of_the_socket_is_followed_by_its_close(modules: Path) -> None:
    """A server that is away ends no program: it is tried again."""
    script = """
    opened = (socket) => {
      socket.emit("error", new Error("ECONNREFUSED"));
      socket.emit("close", { code: 1006, reason: "" });
    };
    follow();
    await until(() => sockets.length > 1);
    done(told);
    """
    assert said(modules, script) == [[["connecting", 0, ""], ["reconnecting", 1006, ""]]]


def test_who_subscribes_once_it_is_connected_is_asked_for_once(modules: Path) -> None:
    """The server refuses an id that comes twice."""
    script = """
    opened = (socket) => socket.letIn();
    const events = follow();
    events.subscribe("alerts", {}, () => {});
    events.onState((state) => state === "connected" && events.subscribe("jobs", {}, () => {}));
    await until(() => events.state === "connected");
    done(asked(sockets[0]));
    """
    assert said(modules, script) == [[1, 2]]


def test_a_refusal_about_which_nobody_can_be_asked(modules: Path) -> None:
    """A page of another origin cannot read auth/me: 4501 three times in a row before the server's time is up is one."""
    script = """
    const real = performance.now.bind(performance);
    let ahead = 0;
    performance.now = () => real() + ahead;
    const slow = new Set([1, 2, 3, 4]); // and another one that lets in between
    opened = (socket) => {
      if (sockets.length === 7) socket.letIn();
      if (slow.has(sockets.length)) ahead += 5000;
      const code = sockets.length === 7 ? 1006 : 4501;
      socket.emit("close", { code, reason: "" });
    };
    const events = follow();
    await until(() => events.state === "stopped");
    await new Promise((go) => later(go, 50));
    done(told.at(-1), sockets.length);
    """
    last, tries = said(modules, script)
    assert last == ["stopped", 4501, ""]
    assert tries in (10, 11)  # it comes back while it asks


def test_unavailable_is_asked_again_on_its_own_socket(modules: Path) -> None:
    """After a moment, and not on the next connection, which has asked by itself."""
    script = """
    const pauses = [];
    const sooner = globalThis.setTimeout;
    globalThis.setTimeout = (run, ms) => { pauses.push(ms); return sooner(run, ms); };
    opened = (socket) => socket.letIn();
    const events = follow();
    events.subscribe("alerts", {}, () => {});
    await until(() => sockets[0]?.sent.some((message) => message.type === "subscribe"));
    const refuse = (socket) => socket.hear({ type: "error", id: 1, code: "unavailable", message: "" });
    refuse(sockets[0]);
    await until(() => asked(sockets[0]).length === 2);
    const [again] = pauses;
    globalThis.setTimeout = (run, ms) => (ms === again ? sooner(run, 50_000) : setImmediate(run));
    refuse(sockets[0]);
    sockets[0].emit("close", { code: 1012, reason: "" });
    await until(() => sockets[1] && asked(sockets[1]).length);
    await new Promise((go) => later(go, 150));
    done(again, asked(sockets[1]));
    """
    assert said(modules, script) == [1000, [1]]


def test_a_token_that_does_not_come(modules: Path) -> None:
    """Half a minute at most; then it is asked for again."""
    script = """
    let times = 0;
    const token = () => (times++ ? Promise.resolve("t") : new Promise(() => {}));
    opened = (socket) => socket.letIn();
    const events = follow({ token });
    await until(() => events.state === "connected");
    done(told.map(([state]) => state), told[1][2]);
    """
    states, why = said(modules, script)
    assert states == ["connecting", "reconnecting", "connected"]
    assert "token" in why


def test_a_socket_that_cannot_be_made(modules: Path) -> None:
    """An address that no socket has, or one that a page may not use: stopped, with the reason."""
    script = """
    class Never { constructor() { throw new SyntaxError("An insecure connection"); } }
    const events = follow({ webSocket: Never });
    done(told, events.state);
    """
    assert said(modules, script) == [[["stopped", 0, "SyntaxError: An insecure connection"]], "stopped"]


def test_a_snapshot_says_where_it_stands(modules: Path) -> None:
    """So that the place can be kept before anything has happened; a topic that is not stored has none."""
    script = """
    opened = (socket) => socket.letIn();
    const heard = [];
    const events = follow();
    for (const topic of ["cameras", "tracks"]) {
      events.subscribe(topic, { snapshot: true, settle: true }, () => {}, (_, how) => heard.push(how));
    }
    await until(() => asked(sockets[0] ?? { sent: [] }).length === 2);
    sockets[0].hear({ type: "subscribed", id: 1, epoch: "e", offset: 7, recovered: true, snapshot: {} });
    sockets[0].hear({ type: "subscribed", id: 2, recovered: true });
    done(heard);
    """
    place = {"epoch": "e", "offset": 7}
    assert said(modules, script) == [[{"recovered": True, "cursor": place}, {"recovered": True}]]
