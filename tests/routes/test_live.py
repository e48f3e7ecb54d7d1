"""Live video over HTTP: watching, publishing, plain pictures, and who may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from sqlalchemy.exc import OperationalError

from server.lifespan import running
from server.parts import Parts
from server.pipeline.live import MOST_PICTURES
from server.routes.endpoint import Call
from server.routes.live import _still_sees, camera_mjpeg
from tests.media.films import write_film
from tests.opened import client_of, parts_in

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Parts]:
    """A running server on the real clock."""
    async with parts_in(tmp_path / "state", media={"roots": [tmp_path]}) as parts, running(parts):
        yield parts


@pytest.fixture
async def admin(live: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(live, "Admin") as client:
        yield client


async def film(admin: httpx.AsyncClient, folder: Path, name: str = "Film") -> str:
    """The path of a running camera."""
    source = write_film(folder / f"{name}.mp4", size=(320, 192), frames=50)
    made = await admin.post("/api/v1/cameras", json={"name": name, "source": str(source), "kind": "file", "role": "in"})
    assert made.status_code == 201, made.text
    path = f"/api/v1/cameras/{made.json()['data']['id']}"
    await until_status(admin, path, "state", "online")
    return path


async def until_status(admin: httpx.AsyncClient, path: str, name: str, value: str) -> None:
    async with asyncio.timeout(10):
        while (await admin.get(f"{path}/status")).json()["data"][name] != value:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.05)


@asynccontextmanager
async def peer() -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield connection
    finally:
        await connection.close()


async def offer_of(connection: RTCPeerConnection) -> str:
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    return str(connection.localDescription.sdp)


async def watch(client: httpx.AsyncClient, path: str, connection: RTCPeerConnection) -> httpx.Response:
    answer = await client.post(f"{path}/whep", content=await offer_of(connection), headers=SDP)
    if answer.status_code == 201:
        await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return answer


async def test_watching(admin: httpx.AsyncClient, tmp_path: Path) -> None:
    """An offer is answered, frames arrive, the statistics count the viewer, and DELETE ends it."""
    path = await film(admin, tmp_path)
    async with peer() as connection:
        answer = await watch(admin, path, connection)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Content-Type"].startswith("application/sdp")
        assert answer.headers["Location"].startswith(f"{path}/whep/")
        assert "H264" in answer.text
        track = cast(MediaStreamTrack, connection.getReceivers()[0].track)
        async with asyncio.timeout(15):
            frame = await track.recv()
        assert (cast(Any, frame).width, cast(Any, frame).height) == (320, 192)
        stats = (await admin.get(f"{path}/stats")).json()["data"]
        assert (stats["viewers"], stats["encodings"], stats["transcoded"]) == (1, 0, None)
        assert (await admin.delete(answer.headers["Location"])).status_code == 204
        again = await admin.delete(answer.headers["Location"])
        assert (again.status_code, again.json()["error"]["code"]) == (404, "session_not_found")
        assert (await admin.get(f"{path}/stats")).json()["data"]["viewers"] == 0


async def test_what_is_refused_says_why(live: Parts, admin: httpx.AsyncClient, tmp_path: Path) -> None:
    """The camera, the state of it, the type of the body, the body, the switch: each by its code."""
    path = await film(admin, tmp_path)

    async def refused(url: str, content: bytes = b"v=0", kind: str = "application/sdp") -> tuple[int, str]:
        answer = await admin.post(url, content=content, headers={"Content-Type": kind})
        return answer.status_code, answer.json()["error"]["code"]

    assert await refused("/api/v1/cameras/nowhere/whep") == (404, "camera_not_found")
    assert await refused(f"{path}/whep", kind="application/json") == (415, "unsupported_media_type")
    assert await refused(f"{path}/whep", b"hello") == (400, "bad_sdp")
    assert await refused(f"{path}/whep", b"\xff\xfe") == (400, "bad_sdp")
    assert await refused(f"{path}/whep", b"a" * 70_000) == (413, "too_large")
    assert await refused(f"{path}/whep?annotated=maybe") == (400, "bad_annotated")
    assert await refused(f"{path}/whip") == (409, "not_a_push_camera")
    await admin.post(f"{path}/stop")
    assert await refused(f"{path}/whep") == (503, "camera_offline")


async def test_ice_servers_are_told_to_those_who_may_watch(tmp_path: Path) -> None:
    """As Link headers with their login; not to somebody who is not signed in."""
    servers = [{"urls": ["stun:s.test", "turn:t.test:3478"], "username": "door", "credential": "secret"}]
    async with parts_in(tmp_path / "state", webrtc={"ice_servers": servers}) as parts, client_of(parts) as admin:
        made = await admin.post("/api/v1/cameras", json={"name": "Tablet", "kind": "push", "enabled": False})
        path = f"/api/v1/cameras/{made.json()['data']['id']}"
        for kind in ("whep", "whip"):
            asked = await admin.options(f"{path}/{kind}")
            assert asked.status_code == 204
            assert asked.headers["Accept-Post"] == "application/sdp"
            login = '; rel="ice-server"; username="door"; credential="secret"; credential-type="password"'
            assert asked.headers["Link"] == f"<stun:s.test>{login}, <turn:t.test:3478>{login}"
        async with client_of(parts, None) as anyone:
            assert (await anyone.options(f"{path}/whep")).status_code == 401


async def test_a_viewer_watches_and_does_not_publish(live: Parts, admin: httpx.AsyncClient, tmp_path: Path) -> None:
    """Nor can one end what another watches."""
    path = await film(admin, tmp_path)
    async with client_of(live, "Viewer") as viewer, peer() as connection:
        answer = await watch(viewer, path, connection)
        assert answer.status_code == 201
        fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
        for tag, status in ((answer.headers["ETag"], 204), ('"another"', 412)):
            headers = {**fragment, "If-Match": tag}
            patched = await viewer.patch(answer.headers["Location"], content="a=mid:0", headers=headers)
            assert patched.status_code == status
        assert (await viewer.post(f"{path}/whip", content="v=0", headers=SDP)).status_code == 403
        assert (await admin.delete(answer.headers["Location"])).status_code == 404
        assert (await viewer.delete(answer.headers["Location"])).status_code == 204


async def test_a_kiosk_sees_its_own_cameras_only(live: Parts, admin: httpx.AsyncClient, tmp_path: Path) -> None:
    """Picture, status and live video of those that it is bound to; nothing of the others."""
    own, other = await film(admin, tmp_path), await film(admin, tmp_path, "Other")
    made = await admin.post("/api/v1/kiosks", json={"name": "Door", "cameraIds": [own.rpartition("/")[2]]})
    code = (await admin.post(f"/api/v1/kiosks/{made.json()['data']['id']}/pairing-code")).json()["data"]["code"]
    async with client_of(live, None) as screen, peer() as connection:
        token = (await screen.post("/api/v1/kiosks/pair", json={"code": code})).json()["data"]["token"]
        screen.headers["Authorization"] = f"Bearer {token}"
        assert (await watch(screen, own, connection)).status_code == 201
        for path in ("", "/status", "/snapshot.jpg"):
            assert (await screen.get(own + path)).status_code == 200
            assert (await screen.get(other + path)).status_code == 403
        assert (await screen.post(f"{other}/whep", content="v=0", headers=SDP)).status_code == 403
        assert (await screen.get(own)).json()["data"]["source"] == ""
        names = await screen.post(f"{own}/whep?annotated=true", content="v=0", headers=SDP)
        assert (names.status_code, names.json()["error"]["code"]) == (403, "forbidden")
        assert (await screen.get("/api/v1/cameras")).status_code == 403
        assert (await screen.put(own, json={"name": "Mine"})).status_code == 403


async def test_a_push_camera_has_no_source_and_waits(admin: httpx.AsyncClient) -> None:
    """It is offline until somebody publishes; one with an address is refused."""
    made = await admin.post("/api/v1/cameras", json={"name": "Tablet", "kind": "push", "role": "in"})
    assert made.status_code == 201, made.text
    assert made.json()["data"]["source"] == ""
    path = f"/api/v1/cameras/{made.json()['data']['id']}"
    await until_status(admin, path, "reason", "no_publisher")
    refused = await admin.post("/api/v1/cameras", json={"name": "X", "kind": "push", "source": "rtsp://10.0.0.1/"})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"][0]["field"] == "source"


async def test_pictures_one_after_another(live: Parts, admin: httpx.AsyncClient, tmp_path: Path) -> None:
    """Each a JPEG with its times, and newer than the one before; they end when the camera is stopped."""
    path = await film(admin, tmp_path)
    camera_id = path.rpartition("/")[2]
    principal = await live.access.by_token(admin.headers["Authorization"].removeprefix("Bearer "))
    request = cast(Any, SimpleNamespace(query_params={"width": "160", "fps": "10"}))
    async with asyncio.timeout(15):
        response = await camera_mjpeg.handler(Call(request, live, principal), camera_id)
        assert response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        times = []
        async for part in response.body_iterator:
            head, _, rest = part.partition(b"\r\n\r\n")
            headers = dict(line.split(b": ") for line in head.split(b"\r\n")[1:])
            jpeg = rest[: int(headers[b"Content-Length"])]
            assert jpeg.startswith(b"\xff\xd8")
            assert jpeg.endswith(b"\xff\xd9")
            times.append(int(headers[b"X-Rtp-Timestamp"]))
            if len(times) == 4:
                await live.cameras.stop(camera_id)
    assert len(times) >= 4
    assert times[:4] == sorted(set(times[:4]))


async def test_pictures_have_their_limit_and_end_with_the_server(
    live: Parts, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Beyond so many readers of one camera nobody is let in; a server that stops does not wait for them."""
    path = await film(admin, tmp_path)
    camera_id = path.rpartition("/")[2]
    watched = live.cameras.online(camera_id)
    with ExitStack() as readers:
        for _ in range(MOST_PICTURES):
            readers.enter_context(watched.pictures())
        full = await admin.get(f"{path}/mjpeg")
        assert (full.status_code, full.json()["error"]["code"]) == (503, "too_many_viewers")
    live.stopping.set()
    async with asyncio.timeout(10):
        assert (await admin.get(f"{path}/mjpeg")).status_code == 200


async def test_bad_numbers_are_named(admin: httpx.AsyncClient, tmp_path: Path) -> None:
    """The width and the rate of the pictures."""
    path = await film(admin, tmp_path)
    for query, code in (("width=0", "bad_width"), ("fps=100", "bad_fps"), ("fps=x", "bad_fps")):
        answer = await admin.get(f"{path}/mjpeg?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_nobody_loses_the_picture_while_the_database_is_away(
    live: Parts, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be asked whether they still may; the next time it can."""
    principal = await live.access.by_token(admin.headers["Authorization"].removeprefix("Bearer "))
    call = Call(cast(Any, None), live, principal)
    assert await _still_sees(call, "any")

    async def away(*_: object) -> bool:
        raise OperationalError("SELECT 1", {}, Exception("locked"))

    monkeypatch.setattr(live.access, "still_sees", away)
    assert await _still_sees(call, "any")
    monkeypatch.undo()
    await live.access.logout(principal)
    assert not await _still_sees(call, "any")
