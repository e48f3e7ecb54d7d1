"""web/static/js/event-histories.js in Node: several topics that are followed and read backwards as one."""

from pathlib import Path
from typing import Any

import pytest

from tests import node

HEAD = """
import { EventHistories } from "./event-histories.js";
import { EventHistory } from "./event-history.js";
const followed = new Map(); // by topic, with what hears of it
const events = { subscribe: (topic, options, heard) => (followed.set(topic, heard), () => followed.delete(topic)) };
const asked = []; // what the server was asked, and how it answers
const api = { list: (path, query) => new Promise((answer, fail) => asked.push({ ...query, answer, fail })) };
const at = (offset) => ({ data: [], meta: { next: `e:${offset}`, recovered: true } });
const settled = () => new Promise((go) => setImmediate(go));
const told = [];
const heard = ({ topic, offset }) => told.push(`${topic} ${offset}`);
const lost = () => told.push("lost");
const done = (...said) => { console.log(JSON.stringify(said)); process.exit(0); };
"""

pytestmark = pytest.mark.timeout(60)


def said(folder: Path, script: str) -> list[Any]:
    """What the script ends with."""
    return node.said(folder, "event-histories.js", HEAD + script)


def test_one_that_was_left_is_not_joined_any_more(tmp_path: Path) -> None:
    """The server's answer may come after somebody has chosen otherwise: nobody would end that subscription."""
    script = """
    const one = new EventHistory(api, "alerts", {});
    const joining = one.join(events, heard, lost);
    one.leave();
    asked[0].answer(at(5));
    await joining;
    done([...followed.keys()]);
    """
    assert said(tmp_path, script) == [[]]


def test_what_happens_while_they_are_joined_is_told_once_all_are(tmp_path: Path) -> None:
    """The list is made anew in between, and would lose it; after that it is told as it happens."""
    script = """
    const all = new EventHistories(api, ["alerts", "jobs"], {});
    const joining = all.join(events, heard, lost, () => told.push("all"));
    asked[0].answer(at(5));
    await settled();
    followed.get("alerts")({}, { offset: 6 });
    asked[1].answer(at(7));
    await joining;
    followed.get("jobs")({}, { offset: 8 });
    done(told);
    """
    assert said(tmp_path, script) == [["all", "alerts 6", "jobs 8"]]


def test_all_are_left_or_none(tmp_path: Path) -> None:
    """Where one cannot be joined, those that were and those that still ask are left; so are all at any time."""
    script = """
    const broken = new EventHistories(api, ["alerts", "jobs", "cameras"], {});
    const failed = broken.join(events, heard, lost, () => told.push("all")).catch((error) => error.message);
    asked[0].answer(at(5));
    await settled();
    const before = [...followed.keys()];
    asked[1].fail(new Error("away"));
    const why = await failed;
    asked[2].answer(at(7));
    await settled();
    const left = new EventHistories(api, ["alerts", "jobs"], {});
    const joining = left.join(events, heard, lost, () => told.push("all"));
    asked[3].answer(at(5));
    await settled();
    left.leave();
    asked[4].answer(at(5));
    await joining;
    done(before, why, [...followed.keys()], told);
    """
    assert said(tmp_path, script) == [["alerts"], "away", [], []]


def test_older_ones_are_told_where_they_are_whole(tmp_path: Path) -> None:
    """Of topics that go back to different times, those before the nearest end wait until the other has come as far."""
    script = """
    const all = new EventHistories(api, ["alerts", "jobs"], {});
    const joining = all.join(events, heard, lost, () => undefined);
    asked[0].answer(at(1));
    asked[1].answer(at(61));
    await joining;
    const entry = (offset, time) => ({ offset, event: { time } });
    const first = all.older();
    asked[2].answer({ data: [entry(1, "08:00")], meta: { recovered: true } });
    asked[3].answer({ data: [entry(2, "09:00"), entry(61, "10:00")], meta: { recovered: true } });
    const found = [(await first).map(({ event }) => event.time), all.exhausted];
    const second = all.older();
    await settled();
    asked[4].answer({ data: [entry(1, "07:00")], meta: { recovered: true } });
    done(...found, (await second).map(({ event }) => event.time), all.exhausted);
    """
    assert said(tmp_path, script) == [["10:00", "09:00"], False, ["08:00", "07:00"], True]
