"""Live video for users who are limited: what is refused, and what ends when limits are narrowed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from server.lifespan import running
from server.parts import Parts
from server.routes.endpoint import Call
from server.routes.gate import SocketGate
from server.routes.live import camera_mjpeg
from server.store.tables import Camera, Department
from tests.events.scenes import Door, serving
from tests.opened import client_of, parts_in
from tests.routes.limited import build, limited_client, principal_of, refused
from tests.routes.test_live import SDP, film, peer, watch


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Parts]:
    """A running server on the real clock."""
    async with parts_in(tmp_path / "state", media={"roots": [tmp_path]}) as parts, running(parts):
        yield parts


@pytest.fixture
async def admin(live: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(live, "Admin") as client:
        yield client


async def narrow(live: Parts, client: httpx.AsyncClient) -> None:
    """Takes every camera from that user."""
    user = await live.access.accounts.get((await principal_of(live, client)).user_id)
    await live.access.accounts.update(
        user.id, email=user.email, full_name=user.full_name, role=user.role, active=True, camera_ids=[]
    )


async def test_who_watches_loses_the_picture_with_the_camera(
    live: Parts, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Within five seconds, over WebRTC and over plain pictures."""
    path = await film(admin, tmp_path)
    camera = Camera(id=path.rpartition("/")[2], name="Film", source="", kind="file", role="in")
    async with limited_client(live, cameras=[camera], role="Viewer") as client, peer() as connection:
        answer = await watch(client, path, connection)
        assert answer.status_code == 201, answer.text
        request = cast(Any, SimpleNamespace(query_params={"width": "160"}))
        call = Call(request, live, await principal_of(live, client))
        pictures = (await camera_mjpeg.handler(call, camera.id)).body_iterator
        assert await anext(pictures)
        async with asyncio.timeout(10):
            while live.cameras.online(camera.id).viewers == 0:  # noqa: ASYNC110 - it is being connected
                await asyncio.sleep(0.05)
        await narrow(live, client)
        async with asyncio.timeout(5):
            async for _ in pictures:
                pass
            while live.webrtc.counts():  # noqa: ASYNC110 - the session ends by itself
                await asyncio.sleep(0.05)


async def test_names_are_not_drawn_for_who_is_limited_to_departments(
    live: Parts, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    """The annotated picture is refused by a code of its own, the plain one is shown."""
    path = await film(admin, tmp_path)
    async with live.store.transaction() as session:
        session.add(night := Department(name="Night"))
    async with limited_client(live, departments=[night]) as client, peer() as connection:
        annotated = await client.post(f"{path}/whep?annotated=true", content="v=0", headers=SDP)
        assert await refused(annotated) == (403, "limited")
        assert (await watch(client, path, connection)).status_code == 201


async def test_a_socket_hears_what_is_within_and_ends_with_the_limits(tmp_path: Path) -> None:
    """With the real door: its own camera, without names of other departments; narrowed limits end it with 4510."""
    async with parts_in(tmp_path / "state") as parts:
        house = await build(parts)
        gate = cast(Door, SocketGate(parts.access))
        async with (
            limited_client(parts, cameras=[house.door], departments=[house.night], role="Viewer") as client,
            serving(parts.hub, gate) as url,
            connect(url) as socket,
        ):
            token = client.headers["Authorization"].removeprefix("Bearer ")
            epoch = (await parts.hub.log.head("sightings")).epoch
            since = {"epoch": epoch, "offset": 0}
            for message in (
                {"type": "auth", "token": token},
                {"type": "subscribe", "id": 1, "topic": f"cameras/{house.yard.id}/tracks"},
                {"type": "subscribe", "id": 2, "topic": "sightings", "since": since},
            ):
                await socket.send(orjson.dumps(message).decode())
            heard: list[dict[str, Any]] = []
            async with asyncio.timeout(10):
                while sum(message["type"] == "event" for message in heard) < 2:
                    heard.append(orjson.loads(await socket.recv()))
            assert [(one["id"], one["code"]) for one in heard if one["type"] == "error"] == [(1, "forbidden")]
            events = [one for one in heard if one["type"] == "event"]
            found = [(one["event"]["data"]["cameraName"], one["event"]["data"]["personId"]) for one in events]
            assert found == [("Door", house.ada.id), ("Door", None)]
            assert [one["previous"] for one in events] == [0, events[0]["offset"]]
            await narrow(parts, client)
            async with asyncio.timeout(5):
                await socket.wait_closed()
            assert socket.close_code == 4510
