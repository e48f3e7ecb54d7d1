"""Cameras: the list, what each shows now, starting and stopping."""

import asyncio
from base64 import b64encode
from typing import Annotated, Literal

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from server.address import check_source
from server.errors import Conflict, Forbidden, Invalid
from server.events.limits import reach_of
from server.events.schema import StoredEvent
from server.media.probe import probe
from server.media.source import SourceSpec
from server.pipeline.evidence import jpeg, scaled
from server.pipeline.placement import started_with
from server.routes.asked import Number
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import cameras
from server.store.tables import Camera
from server.store.views import AnalysisHours, CameraPublic, CameraStatus
from server.wire import Form, Wire, rfc3339

WIDTH = Number("width", "scales the picture down to so many pixels", 1280, 16, 3840)
PROBE_WIDTH = 640
WITH_SUB_STREAM = ("rtsp", "http", "file")
Kind = Literal["rtsp", "http", "file", "usb", "push"]
Role = Literal["in", "out", "both", "monitor"]


SnapshotEvery = Annotated[int, Field(ge=0, le=86400, description="keep a picture every so many seconds; 0: do not")]


Analysis = Literal["always", "motion", "schedule"]
Schedule = Annotated[
    list[AnalysisHours], Field(max_length=50, description="in the site's time zone; needed by `schedule`")
]


LivenessPolicy = Literal["off", "warn", "refuse"]
OF_LIVENESS = "of a face that is not shown to be alive: off, an alert, or no entry; null: as the site's setting says"


class CameraForm(Form):
    name: str = Field(min_length=1, max_length=200)
    source: str = Field("", max_length=2000)  # of a `push` camera there is none
    sub_source: str = Field("", max_length=2000)
    kind: Kind
    role: Role = "both"
    enabled: bool = True
    snapshot_every_s: SnapshotEvery = 0
    clips: bool = Field(False, description="keep a short clip of each sighting")
    analysis: Analysis = Field("always", description="when faces are looked for")
    analysis_hours: Schedule = []
    liveness: LivenessPolicy | None = Field(None, description=OF_LIVENESS)
    site_id: str | None = Field(None, max_length=36)


class CameraEdit(Form):
    """What is left out stays as it is. An address that names the same user of the same host without a password keeps
    the password that it has; an empty `subSource` takes the sub stream away."""

    name: str | None = Field(None, min_length=1, max_length=200)
    source: str | None = Field(None, max_length=2000)
    sub_source: str | None = Field(None, max_length=2000)
    kind: Kind | None = None
    role: Role | None = None
    enabled: bool | None = None
    snapshot_every_s: SnapshotEvery | None = None
    clips: bool | None = None
    analysis: Analysis | None = None
    analysis_hours: Schedule | None = None
    liveness: LivenessPolicy | None = Field(None, description=OF_LIVENESS)
    site_id: str | None = Field(None, max_length=36)


class ProbeForm(Form):
    source: str = Field(min_length=1, max_length=2000)
    kind: Literal["rtsp", "http", "file", "usb"]
    picture: bool = False


class Probed(Wire):
    """`bitrateKbps` and `picture`, a JPEG in Base64, only where a picture was asked for."""

    codec: str
    width: int
    height: int
    fps: float | None
    has_b_frames: bool
    audio: str | None
    bitrate_kbps: float | None
    picture: str | None


class CameraStats(Wire):
    """`viewers` watch over WebRTC; `encodings` of the picture run for them; `transcoded` says why, if they must.

    `sub` is the state of the sub stream; null where there is none.
    """

    status: CameraStatus
    sub: CameraStatus | None
    frames_analysed: int
    viewers: int
    encodings: int
    transcoded: str | None


async def _need(call: Call, camera_id: str) -> Camera:
    async with call.parts.store.read() as session:
        return await cameras.get(session, camera_id, reach_of(call.who))


async def _save(
    call: Call, session: AsyncSession, camera: Camera, kind: str, action: str, before: dict[str, object] | None = None
) -> list[StoredEvent]:
    """The row, its line in the audit and its event; whoever calls wakes the subscribers after the transaction."""
    await cameras.save_camera(session, camera)
    await call.audit(session, action, "cameras", camera.id, before=before, after=_told(call, camera))
    return await call.parts.recorder.append(session, [call.parts.cameras.event(camera, kind)])


def _told(call: Call, camera: Camera) -> dict[str, object]:
    """What the audit keeps of a camera: without its password, and without what its stream does at the moment."""
    return call.parts.cameras.view(camera).model_dump(exclude={"status"})


def _check(call: Call, camera: Camera) -> None:
    """Raises Invalid for an address that a camera of this kind may not have."""
    addresses, rules = call.parts.access.addresses, call.parts.address_rules
    check_source(camera.kind, addresses.of(camera), rules)
    if camera.analysis == "schedule" and not camera.analysis_hours:
        raise Invalid.field("analysisHours", "required", "By schedule, but at no time: name the hours.")
    if camera.sub_source:
        if camera.kind not in WITH_SUB_STREAM:
            raise Invalid.field("subSource", "not_supported", "A camera of this kind has no sub stream.")
        check_source(camera.kind, addresses.sub_of(camera), rules, "subSource")


@endpoint("GET", "/cameras", allow="cameras:read", sorts=cameras.SORTS)
async def list_cameras(call: Call, query: Query) -> Page[CameraPublic]:
    """The cameras with their states."""
    async with call.parts.store.read() as session:
        found = await cameras.page(session, query.wanted, reach=reach_of(call.who))
    return Page.of(query.wanted, [call.parts.cameras.view(row) for row in found.rows], found.total)


@endpoint("POST", "/cameras", allow="cameras:write", status=201)
async def create_camera(call: Call, body: CameraForm) -> CameraPublic:
    """A new camera; it starts at once unless it is not enabled.

    403 `limited`: whoever is limited to some cameras cannot add others.
    """
    if call.who.only_cameras is not None:
        raise Forbidden("Who is limited to some cameras cannot add others.", code="limited")
    camera = Camera(source="", **body.model_dump(exclude={"source", "sub_source"}))
    call.parts.access.addresses.put(camera, body.source)
    call.parts.access.addresses.put_sub(camera, body.sub_source)
    _check(call, camera)
    async with call.parts.store.transaction() as session:
        stored = await _save(call, session, camera, "camera.added", "camera.created")
    call.parts.recorder.wake(stored)
    if camera.enabled:
        call.parts.cameras.start(camera)
    return call.parts.cameras.view(camera)


@endpoint("POST", "/cameras/probe", allow="cameras:write")
async def probe_camera(call: Call, body: ProbeForm) -> Probed:
    """What a stream is, or the reason why it cannot be opened, within ten seconds.

    With `picture` it is also read for two seconds: what it shows, and at which bit rate.
    """
    rules = call.parts.address_rules
    check_source(body.kind, body.source, rules)
    found = await probe(SourceSpec("probe", body.kind, body.source), rules, look=body.picture)
    frame = found.frame
    shown = await asyncio.to_thread(lambda: jpeg(scaled(frame.to_bgr(), PROBE_WIDTH), 80)) if frame else None
    return Probed(
        codec=found.codec, width=found.width, height=found.height, fps=found.fps, has_b_frames=found.has_b_frames,
        audio=found.audio, bitrate_kbps=found.bitrate_kbps, picture=b64encode(shown).decode() if shown else None,
    )  # fmt: skip


@endpoint("GET", "/cameras/{camera_id}", allow="cameras:read", kiosk=True)
async def get_camera(call: Call, camera_id: str) -> CameraPublic:
    """One camera. A kiosk is not told where it is."""
    view = call.parts.cameras.view(await _need(call, camera_id))
    return view if call.who.kiosk_id is None else view.model_copy(update={"source": ""})


@endpoint("PUT", "/cameras/{camera_id}", allow="cameras:write")
async def edit_camera(call: Call, camera_id: str, body: CameraEdit) -> CameraPublic:
    """Changes a camera; one whose source changed is started again."""
    async with call.parts.store.transaction() as session:
        camera = await cameras.lock(session, camera_id, reach_of(call.who))
        call.check_unchanged(camera.updated_at)
        before, ran = _told(call, camera), (started_with(camera), camera.enabled)
        for name, value in body.model_dump(exclude_none=True, exclude={"source", "sub_source"}).items():
            setattr(camera, name, value)
        for name in body.model_fields_set & {"liveness", "site_id"}:  # of these, null means something
            setattr(camera, name, getattr(body, name))
        if body.sub_source is not None:
            call.parts.access.addresses.put_sub(camera, body.sub_source)
        if body.source is not None:
            call.parts.access.addresses.put(camera, body.source)
        _check(call, camera)
        stored = await _save(call, session, camera, "camera.changed", "camera.changed", before)
    call.parts.recorder.wake(stored)
    if (started_with(camera), camera.enabled) != ran:
        await call.parts.cameras.settle(camera_id, afresh=True)
    return call.parts.cameras.view(camera)


@endpoint("DELETE", "/cameras/{camera_id}", allow="cameras:delete", status=204)
async def delete_camera(call: Call, camera_id: str) -> None:
    """Removes a camera; its sightings and entries stay."""
    camera = await _need(call, camera_id)
    call.check_unchanged(camera.updated_at)
    await call.parts.cameras.stop(camera_id)  # while it is still there for its last sightings
    try:
        async with call.parts.store.transaction() as session:
            camera = await cameras.lock(session, camera_id, reach_of(call.who))
            call.check_unchanged(camera.updated_at)
            await cameras.remove(session, camera)
            await call.audit(session, "camera.removed", "cameras", camera_id, before=_told(call, camera))
            stored = await call.parts.recorder.append(session, [call.parts.cameras.event(camera, "camera.removed")])
    finally:
        # One that was not removed goes on; one that was may have been started by somebody meanwhile.
        await call.parts.cameras.settle(camera_id)
    call.parts.recorder.wake(stored)


@endpoint("POST", "/cameras/{camera_id}/start", allow="cameras:control")
async def start_camera(call: Call, camera_id: str) -> CameraPublic:
    """Starts a camera, and again at every start of the server."""
    return await _enable(call, camera_id, enabled=True)


@endpoint("POST", "/cameras/{camera_id}/stop", allow="cameras:control")
async def stop_camera(call: Call, camera_id: str) -> CameraPublic:
    """Stops a camera until it is started again."""
    return await _enable(call, camera_id, enabled=False)


async def _enable(call: Call, camera_id: str, *, enabled: bool) -> CameraPublic:
    stored: list[StoredEvent] = []
    async with call.parts.store.transaction() as session:
        camera = await cameras.lock(session, camera_id, reach_of(call.who))
        if camera.enabled != enabled:
            before, camera.enabled = _told(call, camera), enabled
            action = "camera.started" if enabled else "camera.stopped"
            stored = await _save(call, session, camera, "camera.changed", action, before)
    call.parts.recorder.wake(stored)
    await call.parts.cameras.settle(camera_id)
    return call.parts.cameras.view(camera)


@endpoint("POST", "/cameras/{camera_id}/restart", allow="cameras:control", raises=(409,))
async def restart_camera(call: Call, camera_id: str) -> CameraPublic:
    """Closes the stream and opens it again."""
    async with call.parts.store.transaction() as session:
        camera = await cameras.get(session, camera_id, reach_of(call.who))
        if not camera.enabled:
            raise Conflict("The camera is switched off. Start it instead.", code="camera_disabled")
        await call.audit(session, "camera.restarted", "cameras", camera_id)
    await call.parts.cameras.settle(camera_id, afresh=True)
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
        sub=cameras_.sub_status(camera_id),
        frames_analysed=cameras_.analysed(camera_id),
        viewers=live.viewers if live else 0,
        encodings=live.encodings if live else 0,
        transcoded=live.obstacle if live else None,
    )


@endpoint("GET", "/cameras/{camera_id}/snapshot.jpg", allow="cameras:read", kiosk=True, asks=(WIDTH,))
async def camera_snapshot(call: Call, camera_id: str) -> Response:
    """The newest frame; `width` scales it down."""
    await _need(call, camera_id)
    taken = await call.parts.cameras.snapshot(camera_id, WIDTH.of(call))
    # The time of capture lets a page draw the boxes of this very frame.
    headers = {"X-Captured-At": rfc3339(taken.captured_at)}
    return Response(taken.jpeg, media_type="image/jpeg", headers=headers)


ENDPOINTS: tuple[Endpoint, ...] = (
    list_cameras, create_camera, probe_camera, get_camera, edit_camera, delete_camera, start_camera, stop_camera,
    restart_camera, camera_status, camera_stats, camera_snapshot,
)  # fmt: skip
