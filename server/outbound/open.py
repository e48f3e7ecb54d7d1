"""What leaves to other systems, opened: what administrators ask for, and the one who delivers."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from server.address import Allowing
from server.clock import Clock
from server.events.hub import Hub, Wires
from server.ids import new_id
from server.outbound.deliverer import Deliverer, Pace
from server.outbound.frappe import FrappeReceiver
from server.outbound.mqtt import MqttPublisher, Standing
from server.outbound.mqtt_words import Broker
from server.outbound.noting import Noting
from server.outbound.queueing import Queueing
from server.outbound.sending import open_sender
from server.outbound.standard import StandardReceiver
from server.outbound.webhooks import Sealing, Webhooks
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.runtime import RuntimeState


@dataclass(frozen=True, slots=True)
class Outbound:
    """`deliverer` is run by every process that works on jobs. `followers`: what this process runs, by name."""

    webhooks: Webhooks
    deliverer: Deliverer
    works: bool
    mqtt: MqttPublisher | None = None

    @property
    def followers(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        found: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = []
        if self.works:
            found.append(("webhooks", self.deliverer.run))
        if self.mqtt is not None:
            found.append(("mqtt", self.mqtt.run))
        return found


def open_outbound(
    store: Store, log: TableLog, hub: Hub, bus: Wires, clock: Clock, runtime: RuntimeState, seals: Sealing,
    rules: Allowing, *, works: bool, on_try: Callable[[str], None] = lambda _outcome: None, pace: Pace | None = None,
    broker: Broker | None = None, standing: Standing | None = None,
) -> Outbound:  # fmt: skip
    """Its followers need an owner. A broker is told by who has `standing`: the server with the cameras."""
    queueing = Queueing(log)
    noting = Noting(store, log, clock, hub.wake, on_try)
    deliverer = Deliverer(
        store, bus, clock, seals, partial(open_sender, rules, clock),
        {"standard": StandardReceiver(), "frappe": FrappeReceiver(lambda: runtime.zone)},
        queueing, noting, name=new_id(), pace=pace,
    )  # fmt: skip
    mqtt = None
    if broker is not None and standing is not None:
        mqtt = MqttPublisher(store, bus, standing, lambda: runtime.current.site.name, broker)
    return Outbound(Webhooks(bus, clock, rules, seals, queueing, noting), deliverer, works, mqtt)
