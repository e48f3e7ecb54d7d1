"""A real Mosquitto is told how things stand and what happens."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from server.outbound.mqtt import MqttPublisher
from server.outbound.mqtt_words import Broker
from server.store.views import CameraPublic, CameraStatus
from server.supervise import Backoff
from tests.outbound.conftest import Office, until_that
from tests.outbound.mosquitto import Mosquitto, listening, open_mosquitto
from tests.outbound.test_mqtt_words import AT, BROKER


@dataclass
class House:
    """How things stand, as the tests say."""

    online: dict[str, bool] = field(default_factory=lambda: {"c1": True, "c2": False})
    inside: int = 3

    async def cameras(self) -> list[CameraPublic]:
        return [camera(one, online) for one, online in self.online.items()]

    async def present(self) -> int:
        return self.inside


def camera(camera_id: str, online: bool) -> CameraPublic:
    status = CameraStatus(state="online" if online else "offline", since=AT)
    made: Any = CameraPublic.model_construct
    found: CameraPublic = made(id=camera_id, name=f"Door {camera_id}", status=status)
    return found


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with open_mosquitto(tmp_path) as started:
        yield started


def publisher(office: Office, mosquitto: Mosquitto, house: House, *, late_at_most: int = 1000) -> MqttPublisher:
    broker: Broker = replace(BROKER, port=mosquitto.port)
    return MqttPublisher(
        office.store, office.bus, house, lambda: "Works", broker, poll_s=0.05, late_at_most=late_at_most,
        backoff=Backoff(0.05, 0.2),
    )  # fmt: skip


@asynccontextmanager
async def telling(one: MqttPublisher) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(one.run())
        try:
            yield
        finally:
            task.cancel()


async def test_how_things_stand_is_retained(office: Office, mosquitto: Mosquitto) -> None:
    """Whoever comes later hears it too: cameras, how many are in, and all that Home Assistant needs; and when we end,
    that we are away."""
    house = House()
    async with listening(mosquitto.port) as before, telling(publisher(office, mosquitto, house)):
        await until_that(lambda: before.newest.get("site/rollcall/availability") == b"online")
        async with listening(mosquitto.port) as heard:
            await until_that(lambda: len(heard.all) >= 8)
            assert all(retained for _, _, retained in heard.all)
            assert heard.newest["site/rollcall/cameras/c1/online"] == b"ON"
            assert heard.newest["site/rollcall/cameras/c2/online"] == b"OFF"
            assert heard.newest["site/rollcall/present"] == b"3"
            config = orjson.loads(heard.newest["homeassistant/binary_sensor/site_rollcall/camera_c1/config"])
            assert (config["name"], config["device_class"]) == ("Door c1", "connectivity")
    async with listening(mosquitto.port) as after:
        await until_that(lambda: after.newest.get("site/rollcall/availability") == b"offline")


async def test_what_happens(office: Office, mosquitto: Mosquitto) -> None:
    """From now on: who came, without a name, and how things stand after it; a camera that is gone is taken back."""
    await office.happen()
    house = House()
    async with listening(mosquitto.port) as heard, telling(publisher(office, mosquitto, house)):
        await until_that(lambda: heard.newest.get("site/rollcall/availability") == b"online")
        house.inside = 4
        del house.online["c2"]
        await office.happen(2)
        await until_that(lambda: len(heard.of("site/rollcall/arrival")) == 2)
        await until_that(lambda: heard.newest["site/rollcall/present"] == b"4")
        await until_that(lambda: heard.newest["site/rollcall/cameras/c2/online"] == b"")
    assert b"Ada" not in b"".join(payload for _, payload, _ in heard.all)


async def test_a_broker_that_goes_and_comes(office: Office, mosquitto: Mosquitto) -> None:
    """What happened meanwhile is told late, but for what is too much: the oldest of it is dropped."""
    house = House()
    async with telling(publisher(office, mosquitto, house, late_at_most=3)):
        async with listening(mosquitto.port) as heard:
            await until_that(lambda: heard.newest.get("site/rollcall/availability") == b"online")
        await asyncio.to_thread(mosquitto.stop)
        await office.happen(5)
        await asyncio.to_thread(mosquitto.start)
        async with listening(mosquitto.port) as heard:
            await until_that(lambda: heard.newest.get("site/rollcall/availability") == b"online")
            await office.happen(1)
            await until_that(lambda: len(heard.of("site/rollcall/arrival")) >= 1)
            assert len(heard.of("site/rollcall/arrival")) <= 4


async def test_it_ends_at_any_moment(office: Office, mosquitto: Mosquitto) -> None:
    """Also in the middle of a message: asked to end once, it ends."""
    house = House({f"c{n}": True for n in range(20)})
    topic = "site/rollcall/present"
    async with listening(mosquitto.port) as heard:
        for loops in range(15):
            async with telling(publisher(office, mosquitto, house)):
                await until_that(lambda n=loops: len(heard.of(topic)) > n)  # type: ignore[misc]
                await office.happen()
                for _ in range(loops * 7):
                    await asyncio.sleep(0)


async def test_who_was_killed_is_away(office: Office, mosquitto: Mosquitto) -> None:
    """The broker says it for us: the last will."""
    one = publisher(office, mosquitto, House())
    async with listening(mosquitto.port) as heard, one._client() as client:
        await client.publish("site/rollcall/availability", "online", 1, True)
        await until_that(lambda: heard.newest.get("site/rollcall/availability") == b"online")
        socket: Any = client._client.socket()
        assert socket is not None
        socket.shutdown(2)  # as when the process is gone
        await until_that(lambda: heard.newest.get("site/rollcall/availability") == b"offline")
        with pytest.raises(Exception):  # noqa: B017, PT011 - the client may notice it in several ways
            await client.publish("x", "y", 1)
