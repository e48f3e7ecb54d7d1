"""What is agreed on beneath the messages: compression, and how a peer is found that is there no more."""

import asyncio
from urllib.parse import urlsplit

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate

from server.bus.memory import MemoryBus
from server.clock import SystemClock
from server.events import encoding
from server.events.hub import Hub
from server.events.presence import Presence
from server.store.engine import Store
from server.store.event_log import TableLog
from tests.events.scenes import Door, Somebody, new_event, say, serving
from tests.events.test_socket import ALERTS, ask, closed, enter, hear
from tests.silent_proxy import silent_proxy


@pytest.fixture
def hub(log: TableLog) -> Hub:
    return Hub(log, MemoryBus(), SystemClock())


def agreed(client: ClientConnection) -> list[PerMessageDeflate]:
    return [one for one in client.protocol.extensions if isinstance(one, PerMessageDeflate)]


@pytest.mark.parametrize("framed", [True, False])
async def test_compressed_for_whoever_offers_it(
    store: Store, log: TableLog, hub: Hub, framed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both hear the same; an event is compressed once for all that have agreed, and not at all for the others."""
    packed: list[bytes] = []
    deflated = encoding.deflated_frame

    def counted(payload: bytes, window_bits: int) -> bytes:
        packed.append(payload)
        return deflated(payload, window_bits)

    monkeypatch.setattr(encoding, "deflated_frame", counted)
    async with (
        serving(hub, Door(good=Somebody()), framed=framed, compressed=True) as url,
        connect(url) as one,
        connect(url) as other,
        connect(url, compression=None) as plain,
    ):
        clients = (one, other, plain)
        for client in clients:
            await enter(client)
            await ask(client, ALERTS)
        packed.clear()
        event = new_event(1)
        await say(store, log, hub, event)
        heard = [await hear(client) for client in clients]
        assert heard[0] == heard[1] == heard[2]
    assert [len(agreed(client)) for client in clients] == [1, 1, 0]
    if framed:
        assert [orjson.loads(payload)["event"]["data"] for payload in packed] == [event.data]
        extension = agreed(one)[0]
        assert (extension.remote_no_context_takeover, extension.local_no_context_takeover) == (True, True)
        assert (extension.remote_max_window_bits, extension.local_max_window_bits) == (12, 12)


async def test_a_smaller_window_is_kept_to(store: Store, log: TableLog, hub: Hub) -> None:
    """That of a client with little memory, down to where there is none to speak of."""
    async with serving(hub, Door(good=Somebody()), compressed=True) as url:
        for bits in (9, 10):
            small = ClientPerMessageDeflateFactory(server_max_window_bits=bits, client_max_window_bits=bits)
            async with connect(url, extensions=[small], compression=None) as client:
                await enter(client)
                await ask(client, ALERTS)
                await say(store, log, hub, new_event(bits))
                assert (await hear(client))["event"]["data"]["number"] == bits
                assert agreed(client)[0].remote_max_window_bits == bits


async def test_not_offered_by_a_server_that_has_it_off(hub: Hub) -> None:
    """Then nobody gets it."""
    async with serving(hub, Door(good=Somebody())) as url, connect(url) as client:
        await enter(client)
        assert agreed(client) == []


async def test_what_unpacks_to_too_much_is_not_read(hub: Hub) -> None:
    """A few bytes that become megabytes end the connection, before they have."""
    async with serving(hub, Door(good=Somebody()), compressed=True) as url, connect(url) as client:
        await enter(client)
        await client.send(" " * 20_000_000)
        assert await closed(client) == 1009


async def test_a_peer_that_fell_silent_is_dropped(store: Store, log: TableLog, hub: Hub) -> None:
    """Its connection is open as far as TCP can tell, and it takes nothing: nothing of it is left, also of what it was
    still to be sent; one that answers stays."""
    presence = Presence(hub.origin, MemoryBus(), SystemClock())
    gone = asyncio.Event()
    leave = hub.leave

    def left(subscription: object) -> None:
        leave(subscription)  # type: ignore[arg-type]
        gone.set()

    hub.leave = left  # type: ignore[method-assign]
    door = Door(good=Somebody())
    async with serving(hub, door, presence=presence, ping_s=(0.2, 0.3)) as url:
        port = urlsplit(url).port or 0
        async with silent_proxy("127.0.0.1", port) as proxy, connect(url) as there:
            await enter(there)
            silent = await connect(f"ws://127.0.0.1:{proxy.own_port}/ws", ping_interval=None, close_timeout=0)
            await enter(silent)
            await ask(silent, ALERTS)
            assert [one.subscriptions for one in presence.servers()[0].present] == [0, 1]
            proxy.talks.clear()
            await say(store, log, hub, *(new_event(number) for number in range(50)))
            async with asyncio.timeout(20):
                await gone.wait()
                while len(presence.servers()[0].present) > 1:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.01)
            assert await ask(there, {"type": "ping"}) == {"type": "pong"}
            await silent.close()
