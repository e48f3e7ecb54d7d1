"""Tells an MQTT broker how things stand, and what happens from now on; comes back when the broker does.

What happens is read from the log, so nothing is held in memory while the broker is away: up to so many events are told
late, and those before them are dropped, and counted in a line of the log.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import aiomqtt
import structlog

from server.events.hub import LOG_CHANNEL, Wires
from server.outbound import mqtt_words as words
from server.outbound.mqtt_words import Broker, Said
from server.store import deliveries, webhooks
from server.store.engine import Store
from server.store.views import CameraPublic
from server.supervise import Backoff, mind_cancel, said

TOPICS = ("attendance", "cameras", "alerts")
LATE_AT_MOST = 1000
AT_ONCE = 200
POLL_S = 2.0
AGAIN_S = 60.0  # how things stand is told anew: people leave the count without an event when their day is over
SEND_WITHIN_S = 10.0
QOS = 1


class Standing(Protocol):
    """How things stand."""

    async def cameras(self) -> Sequence[CameraPublic]: ...

    async def present(self) -> int: ...


class MqttPublisher:
    """One in an installation: the server that runs the cameras has it."""

    def __init__(
        self, store: Store, bus: Wires, standing: Standing, site: Callable[[], str], broker: Broker,
        *, poll_s: float = POLL_S, late_at_most: int = LATE_AT_MOST, backoff: Backoff | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._bus = bus
        self._standing = standing
        self._site = site
        self._broker = broker
        self._poll_s = poll_s
        self._late_at_most = late_at_most
        self._backoff = backoff or Backoff(1.0, 60.0)
        self._cursor: dict[str, int] | None = None
        self._cameras: set[str] = set()
        self._wanted = asyncio.Event()
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """The owner's task: until cancelled."""
        if self._cursor is None:
            self._cursor = await self._heads()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                try:
                    async with self._client() as client:
                        mind_cancel()
                        self._log.info("mqtt_connected", host=self._broker.host)
                        self._backoff.reset()
                        await self._speak(client)
                except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                    mind_cancel()
                    self._log.warning("mqtt_away", reason=said(error))
                await asyncio.sleep(self._backoff.next())

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        trust = ssl.create_default_context(cafile=broker.ca_file) if broker.tls else None
        return aiomqtt.Client(
            broker.host, broker.port, username=broker.username, password=broker.password,
            will=aiomqtt.Will(broker.availability, words.OFFLINE, QOS, True),
            tls_context=trust, timeout=SEND_WITHIN_S,
        )  # fmt: skip

    async def _listen(self) -> None:
        async with self._bus.subscribe(LOG_CHANNEL) as messages:
            async for _ in messages:
                self._wanted.set()

    async def _speak(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._stand(client)
            await self._say(client, [Said(self._broker.availability, words.ONLINE.encode())])
            stood_at = loop.time()
            while True:
                self._wanted.clear()
                if await self._advance(client) or loop.time() - stood_at > AGAIN_S:
                    await self._stand(client)
                    stood_at = loop.time()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wanted.wait()
        except asyncio.CancelledError:
            # Left well, a broker does not publish the last will: so it is said here.
            with suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await client.publish(self._broker.availability, words.OFFLINE, QOS, True)
            raise

    async def _stand(self, client: aiomqtt.Client) -> None:
        """All that is retained."""
        site, cameras = self._site(), await self._standing.cameras()
        for gone in self._cameras - {one.id for one in cameras}:
            await self._say(client, words.camera_gone(self._broker, gone))
        self._cameras = {one.id for one in cameras}
        await self._say(client, words.camera_states(self._broker, cameras, site))
        await self._say(client, words.present(self._broker, await self._standing.present(), site))
        await self._say(client, words.arrivals(self._broker, site))

    async def _advance(self, client: aiomqtt.Client) -> bool:
        """What has happened since; whether anything has."""
        assert self._cursor is not None
        heads, any_new = await self._heads(), False
        for topic, head in heads.items():
            late = head - self._cursor[topic]
            if late < 0:  # the history was reset
                self._cursor[topic] = head
            elif late > self._late_at_most:
                dropped = late - self._late_at_most
                self._cursor[topic] += dropped
                self._log.warning("mqtt_events_dropped", topic=topic, count=dropped)
            while self._cursor[topic] < head:
                async with self._store.read() as session:
                    found = await deliveries.events_after(session, topic, self._cursor[topic], AT_ONCE)
                for event in found:
                    await self._say(client, words.of_event(self._broker, event))
                    self._cursor[topic] = event.offset
                any_new = True
                if not found:  # trimmed
                    self._cursor[topic] = head
        return any_new

    async def _heads(self) -> dict[str, int]:
        async with self._store.read() as session:
            return await webhooks.heads(session, TOPICS)

    async def _say(self, client: aiomqtt.Client, said: Sequence[Said]) -> None:
        for one in said:
            await client.publish(one.topic, one.payload, QOS, one.retain)
            mind_cancel()  # the client waits by means that may swallow it
