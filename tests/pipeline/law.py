"""The law of every stored topic, as a client keeps it: what it holds, what an event changes, what it would read now."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from server.events.encoding import event_body
from server.events.facts import SNAPSHOTS
from server.events.gate import reach_on
from server.events.limits import reduced, visible
from server.events.topics import find_topic
from server.parts import Parts
from tests.events.scenes import Somebody

State = dict[str, dict[str, object]]

OPEN_JOB = ("queued", "running")
SHOWN_FOR = timedelta(seconds=10)


def applied(address: str, state: State, event: dict[str, object]) -> State:
    """As any client does it: an event replaces what is held of its subject, and some take it away."""
    kind, data = event["type"], event["data"]
    assert isinstance(data, dict)
    match address:
        case "attendance":
            if kind == "attendance.refused":
                return state
            return _replaced(state, data["personId"], data["present"])
        case "kiosks/{id}":
            return _replaced(state, data["kioskId"], event)
        case "cameras":
            over = kind == "camera.removed"
        case "alerts":
            over = kind == "alert.cleared"
        case "sightings":
            over = data["state"] == "closed"
        case "jobs":
            over = data["state"] not in OPEN_JOB
        case _:
            raise AssertionError(f"Nobody has said how {address} is held.")
    return _replaced(state, data["id"], None if over else data)


def at_that_time(address: str, state: State, now: datetime) -> State:
    """Without what the time alone has ended: a screen shows nothing for long."""
    if address != "kiosks/{id}":
        return state
    return {key: event for key, event in state.items() if now < _counts_until(event)}


def compared(address: str, state: State) -> State:
    """Without what changes and is not told: of a camera's stream all but whether it is online."""
    if address != "cameras":
        return state
    return {key: one | {"status": _is_online(one)} for key, one in state.items()}


def _replaced(state: State, key: object, by: object) -> State:
    others = {name: one for name, one in state.items() if name != key}
    return others | {str(key): by} if isinstance(by, dict) else others


def _counts_until(event: Mapping[str, object]) -> datetime:
    data = event["data"]
    assert isinstance(data, dict)
    if "deadline" in data:
        return datetime.fromisoformat(data["deadline"])
    return datetime.fromisoformat(str(event["time"])) + SHOWN_FOR


def _is_online(camera: Mapping[str, object]) -> dict[str, object]:
    status = camera["status"]
    assert isinstance(status, dict)
    return {"online": status["state"] == "online"}


class Reader:
    """Somebody who read a topic once, and follows it."""

    def __init__(self, parts: Parts, topic: str, who: Somebody | None = None, *, patience_s: float = 0.0) -> None:
        """`patience_s`: for a topic that is told of a moment after it has happened."""
        found = find_topic(topic)
        assert found is not None
        self._parts = parts
        self._topic, self._address = topic, found.kind.address
        self._who = who or Somebody()
        self._reach = reach_on(self._who, found)
        self._patience_s = patience_s
        self.held: State = {}
        self.at = 0

    async def snapshot(self) -> State:
        """What a new reader gets; and it is as it is described."""
        said = await self._parts.states(self._topic, self._who)
        assert said is not None
        SNAPSHOTS[self._address].model_validate(said)
        [things] = [value for value in said.values() if isinstance(value, list)]
        assert said["total"] == len(things)
        return {self._key(one): one for one in things}

    async def begin(self) -> None:
        self.held, self.at = await self.snapshot(), (await self._parts.hub.log.head(self._topic)).offset

    async def catch_up(self) -> list[str]:
        """Applies what has happened; and holds it against what a new reader would get. The types that there were."""
        kinds = await self._read_on()
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._patience_s
        while self._shown() != (now := compared(self._address, await self.snapshot())) and loop.time() < until_s:
            await asyncio.sleep(0.02)
            kinds += await self._read_on()
        assert self._shown() == now, kinds
        return kinds

    async def _read_on(self) -> list[str]:
        kinds = []
        for event in await self._parts.hub.log.read(self._topic, self.at, 500):
            self.at = event.offset
            if visible(self._reach, event.topic, event.source, event.data):
                data = reduced(self._reach, event.topic, event.data) or event.data
                self.held = applied(self._address, self.held, event_body(event) | {"data": data})
                kinds.append(event.type)
        return kinds

    def _shown(self) -> State:
        return compared(self._address, at_that_time(self._address, self.held, self._parts.clock.now()))

    def _key(self, one: Mapping[str, object]) -> str:
        match self._address:
            case "attendance":
                return str(one["personId"])
            case "kiosks/{id}":
                return self._topic.removeprefix("kiosks/")
        return str(one["id"])
