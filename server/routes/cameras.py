"""Cameras: the list, what each shows now, starting and stopping."""

from typing import Literal

from pydantic import Field
from starlette.responses import Response

from server.address import check_source
from server.errors import Conflict
from server.media.probe import probe
from server.media.source import SourceSpec
from server.routes.endpoint import Call, Endpoint, Query, asked_number, endpoint
from server.routes.responses import Page
from server.store import cameras
from server.store.tables import Camera
from server.store.views import CameraPublic, CameraStatus
from server.wire import Form, Wire, rfc3339

Kind = Literal["rtsp", "http", "file", "usb", "push"]
Role = Literal["in", "out", "both", "monitor"]


class CameraForm(Form):
    name: str = Field(min_length=1, max_length=200)
    source: str = Field("", max_length=2000)  # of a `push` camera there is none
    kind: Kind
    role: Role = "both"
    enabled: bool = True


class CameraEdit(Form):
    """What is left out stays as it is; a source without its password keeps the password that it has."""

    name: str | None = Field(None, min_length=1, max_length=200)
    source: str | None = Field(None, max_length=2000)
    kind: Kind | None = None
    role: Role | None = None
    enabled: bool | None = None


class ProbeForm(Form):
    source: str = Field(min_length=1, max_length=2000)
    kind: Literal["rtsp", "http", "file", "usb"]


class Probed(Wire):
    codec: str
    width: int
    height: int
    fps: float | None
    has_b_frames: bool
    audio: str | None


class CameraStats(Wire):
    """`viewers` watch over WebRTC; `encodings` of the picture run for them; `transcoded` says why, if they must."""

    status: CameraStatus
    frames_analysed: int
    viewers: int
    encodings: int
    transcoded: str | None


async def _need(call: Call, camera_id: str) -> Camera:
    async with call.parts.store.read() as session:
        return await cameras.get(session, camera_id)


async def _save(call: Call, camera: Camera, kind: str) -> None:
    async with call.parts.store.transaction() as session:
        await cameras.save_camera(session, camera)
        stored = await call.parts.recorder.append(session, [call.parts.cameras.event(camera, kind)])
    call.parts.recorder.wake(stored)


@endpoint("GET", "/cameras", allow="cameras:read")
async def list_cameras(call: Call, query: Query) -> Page[CameraPublic]:
    """The cameras with their states."""
    async with call.parts.store.read() as session:
        found = await cameras.page(session, query.wanted)
    return Page.of(query.wanted, [call.parts.cameras.view(row) for row in found.rows], found.total)


@endpoint("POST", "/cameras", allow="cameras:write", status=201)
async def create_camera(call: Call, body: CameraForm) -> CameraPublic:
    """A new camera; it starts at once unless it is not enabled."""
    check_source(body.kind, body.source, call.parts.address_rules)
    camera = Camera(**body.model_dump())
    await _save(call, camera, "camera.added")
    if camera.enabled:
        call.parts.cameras.start(camera)
    return call.parts.cameras.view(camera)


@endpoint("POST", "/cameras/probe", allow="cameras:write")
async def probe_camera(call: Call, body: ProbeForm) -> Probed:
    """What a stream is, or the reason why it cannot be opened."""
    rules = call.parts.address_rules
    check_source(body.kind, body.source, rules)
    return Probed.model_validate(await probe(SourceSpec("probe", body.kind, body.source), rules))


@endpoint("GET", "/cameras/{camera_id}", allow="cameras:read", kiosk=True)
async def get_camera(call: Call, camera_id: str) -> CameraPublic:
    """One camera. A kiosk is not told where it is."""
    view = call.parts.cameras.view(await _need(call, camera_id))
    return view if call.who.kiosk_id is None else view.model_copy(update={"source": ""})


@endpoint("PUT", "/cameras/{camera_id}", allow="cameras:write")
async def edit_camera(call: Call, camera_id: str, body: CameraEdit) -> CameraPublic:
    """Changes a camera; one whose source changed is started again."""
    camera = await _need(call, camera_id)
    call.check_unchanged(camera.updated_at)
    before = (camera.source, camera.kind, camera.role, camera.enabled)
    for name, value in body.model_dump(exclude_none=True).items():
        if name == "source" and value == CameraPublic.of(camera, call.parts.cameras.status(camera)).source:
            continue  # the redacted one, sent back unchanged
        setattr(camera, name, value)
    check_source(camera.kind, camera.source, call.parts.address_rules)
    if not camera.enabled:
        await call.parts.cameras.stop(camera.id)  # so that the event shows it as it is from now on
    await _save(call, camera, "camera.changed")
    if camera.enabled and (camera.source, camera.kind, camera.role, camera.enabled) != before:
        await call.parts.cameras.restart(camera)
    return call.parts.cameras.view(camera)


@endpoint("DELETE", "/cameras/{camera_id}", allow="cameras:delete", status=204)
async def delete_camera(call: Call, camera_id: str) -> None:
    """Removes a camera; its sightings and entries stay."""
    camera = await _need(call, camera_id)
    call.check_unchanged(camera.updated_at)
    await call.parts.cameras.stop(camera_id)
    async with call.parts.store.transaction() as session:
        await cameras.remove(session, await cameras.get(session, camera_id))
        stored = await call.parts.recorder.append(session, [call.parts.cameras.event(camera, "camera.removed")])
    call.parts.recorder.wake(stored)
    await call.parts.cameras.stop(camera_id)  # somebody may have started it while it was being stopped


@endpoint("POST", "/cameras/{camera_id}/start", allow="cameras:control")
async def start_camera(call: Call, camera_id: str) -> CameraPublic:
    """Starts a camera, and again at every start of the server."""
    return await _enable(call, camera_id, enabled=True)


@endpoint("POST", "/cameras/{camera_id}/stop", allow="cameras:control")
async def stop_camera(call: Call, camera_id: str) -> CameraPublic:
    """Stops a camera until it is started again."""
    return await _enable(call, camera_id, enabled=False)


async def _enable(call: Call, camera_id: str, *, enabled: bool) -> CameraPublic:
    camera = await _need(call, camera_id)
    if not enabled:
        await call.parts.cameras.stop(camera_id)
    if camera.enabled != enabled:
        camera.enabled = enabled
        await _save(call, camera, "camera.changed")
    if enabled:
        call.parts.cameras.start(camera)
    return call.parts.cameras.view(camera)


@endpoint("POST", "/cameras/{camera_id}/restart", allow="cameras:control")
async def restart_camera(call: Call, camera_id: str) -> CameraPublic:
    """Closes the stream and opens it again."""
    camera = await _need(call, camera_id)
    if not camera.enabled:
        raise Conflict("The camera is switched off. Start it instead.", code="camera_disabled")
    await call.parts.cameras.restart(camera)
    return call.parts.cameras.view(camera)


@endpoint("GET", "/cameras/{camera_id}/status", allow="cameras:read", kiosk=True)
async def camera_status(call: Call, camera_id: str) -> CameraStatus:
    """The state of its stream, with the reason."""
    return call.parts.cameras.status(await _need(call, camera_id))


@endpoint("GET", "/cameras/{camera_id}/stats", allow="cameras:read")
async def camera_stats(call: Call, camera_id: str) -> CameraStats:
    """The state with the counts of its analysis."""
    camera = await _need(call, camera_id)
    cameras_ = call.parts.cameras
    live = cameras_.live(camera_id)
    return CameraStats(
        status=cameras_.status(camera),
        frames_analysed=cameras_.analysed(camera_id),
        viewers=live.viewers if live else 0,
        encodings=live.encodings if live else 0,
        transcoded=live.obstacle if live else None,
    )


@endpoint("GET", "/cameras/{camera_id}/snapshot.jpg", allow="cameras:read", kiosk=True)
async def camera_snapshot(call: Call, camera_id: str) -> Response:
    """The newest frame; `width` scales it down."""
    await _need(call, camera_id)
    taken = await call.parts.cameras.snapshot(camera_id, asked_number(call, "width", 1280, 16, 3840))
    # The time of capture lets a page draw the boxes of this very frame.
    headers = {"X-Captured-At": rfc3339(taken.captured_at)}
    return Response(taken.jpeg, media_type="image/jpeg", headers=headers)


ENDPOINTS: tuple[Endpoint, ...] = (
    list_cameras, create_camera, probe_camera, get_camera, edit_camera, delete_camera, start_camera, stop_camera,
    restart_camera, camera_status, camera_stats, camera_snapshot,
)  # fmt: skip
