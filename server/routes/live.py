"""Live video: WHEP to watch, WHIP to publish, and plain pictures where WebRTC is blocked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response, StreamingResponse

from server.errors import BadRequest, Forbidden, TooLarge, Unavailable, UnsupportedMedia
from server.events.latest import Latest
from server.events.limits import reach_of
from server.media.packet import rtp_timestamp
from server.parts import Parts
from server.pipeline.stills import Snapshot
from server.routes.asked import Flag, Number
from server.routes.endpoint import API, Call, Endpoint, endpoint
from server.store import cameras
from server.webrtc.ice import IceServer
from server.webrtc.sessions import Answer
from server.wire import rfc3339

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MOTION_JPEG = "multipart/x-mixed-replace; boundary=frame"
ANNOTATED = Flag("annotated", "boxes and names drawn into the picture")
WIDTH = Number("width", "scales the pictures down to so many pixels", 640, 16, 3840)
FPS = Number("fps", "pictures a second, at most", 8, 1, 25)
LARGEST_SDP_BYTES = 64 * 1024
REPEATED_AFTER_S = 5.0
ASKED_AFTER_S = 1.5  # the answer may be 3 s old, and 5 s are promised


@endpoint("OPTIONS", "/cameras/{camera_id}/whep", allow="cameras:read", status=204, kiosk=True)
async def ask_whep(call: Call, camera_id: str) -> Response:
    """Which ICE servers a viewer needs, as Link headers."""
    return _accepting(call)


@endpoint(
    "POST", "/cameras/{camera_id}/whep", allow="cameras:read", status=201, kiosk=True, takes=SDP, gives=SDP,
    asks=(ANNOTATED,),
)  # fmt: skip
async def watch_camera(call: Call, camera_id: str) -> Response:
    """Begins to watch: an SDP offer in, the answer out. `?annotated=true` has boxes and names drawn into the picture.

    An offer with a data channel labelled `tracks` gets the camera's `tracks` there too. 403 `feature_off`: live video
    is switched off in the settings; 403 `limited`: no names are drawn for whoever is limited to departments.
    """
    _need_feature(_watching(call.parts))
    await _need(call, camera_id)
    annotated = ANNOTATED.of(call)
    may_read_names = call.who.may("cameras:read")
    if annotated and not may_read_names:
        raise Forbidden("This screen may show the picture without the names of those who pass.")
    if annotated and call.who.only_departments is not None:
        raise Forbidden("The picture may be seen without the names of those who pass.", code="limited")
    offer = await _body(call, SDP)
    live = call.parts.cameras.online(camera_id)
    answer = await call.parts.webrtc.watch(
        offer,
        camera_id=camera_id,
        owner=call.who.id,
        feed=live.viewer(annotated=annotated, unmasked=call.who.may("cameras:unmasked")),
        messages=Latest(call.parts.hub, f"cameras/{camera_id}/tracks", reach_of(call.who)) if may_read_names else None,
        allowed=partial(_still_sees, call, camera_id),
    )
    return _answered(call, camera_id, "whep", answer)


@endpoint(
    "PATCH", "/cameras/{camera_id}/whep/{session_id}", allow="cameras:read", status=204, kiosk=True, takes=FRAGMENT,
    raises=(412, 422),
)  # fmt: skip
async def trickle_whep(call: Call, camera_id: str, session_id: str) -> None:
    """Further ICE candidates of a viewer. 412: `If-Match` is not its `ETag`. 422: ICE is not restarted here."""
    await _trickle(call, camera_id, session_id)


@endpoint("DELETE", "/cameras/{camera_id}/whep/{session_id}", allow="cameras:read", status=204, kiosk=True)
async def stop_watching(call: Call, camera_id: str, session_id: str) -> None:
    """Ends one's own viewing."""
    await call.parts.webrtc.close(session_id, camera_id, call.who.id)


@endpoint("OPTIONS", "/cameras/{camera_id}/whip", allow="cameras:control", status=204, kiosk=True)
async def ask_whip(call: Call, camera_id: str) -> Response:
    """Which ICE servers a publisher needs, as Link headers."""
    return _accepting(call)


@endpoint(
    "POST", "/cameras/{camera_id}/whip", allow="cameras:control", status=201, kiosk=True, takes=SDP, gives=SDP,
    raises=(409,),
)  # fmt: skip
async def publish_camera(call: Call, camera_id: str) -> Response:
    """Begins to publish to a `push` camera: an SDP offer in, the answer out. One publisher at a time."""
    _need_feature(_publishing(call.parts))
    await _need(call, camera_id)
    offer = await _body(call, SDP)
    stream = call.parts.cameras.pushed(camera_id)
    answer = await call.parts.webrtc.publish(
        offer,
        camera_id=camera_id,
        owner=call.who.id,
        publication=stream.publisher,
        allowed=partial(_still_sees, call, camera_id, _publishing),
    )
    return _answered(call, camera_id, "whip", answer)


@endpoint(
    "PATCH", "/cameras/{camera_id}/whip/{session_id}", allow="cameras:control", status=204, kiosk=True, takes=FRAGMENT,
    raises=(412, 422),
)  # fmt: skip
async def trickle_whip(call: Call, camera_id: str, session_id: str) -> None:
    """Further ICE candidates of a publisher. 412: `If-Match` is not its `ETag`. 422: ICE is not restarted here."""
    await _trickle(call, camera_id, session_id)


@endpoint("DELETE", "/cameras/{camera_id}/whip/{session_id}", allow="cameras:control", status=204, kiosk=True)
async def stop_publishing(call: Call, camera_id: str, session_id: str) -> None:
    """Ends one's own publishing."""
    await call.parts.webrtc.close(session_id, camera_id, call.who.id)


@endpoint(
    "GET", "/cameras/{camera_id}/mjpeg", allow="cameras:read", kiosk=True, gives="multipart/x-mixed-replace",
    asks=(WIDTH, FPS),
)  # fmt: skip
async def camera_mjpeg(call: Call, camera_id: str) -> Response:
    """Pictures one after another, for where WebRTC is blocked; `width` and `fps` keep them small.

    Each part says when its picture was taken. A slow reader gets fewer pictures.
    """
    _need_feature(_watching(call.parts))
    await _need(call, camera_id)
    width = WIDTH.of(call)
    fps = FPS.of(call)
    call.parts.cameras.online(camera_id).check_room_for_pictures()
    first = await call.parts.cameras.snapshot(camera_id, width)
    # Stated, so that nothing on the way compresses pictures again.
    headers = {"Content-Encoding": "identity", "X-Accel-Buffering": "no"}
    pictures = _pictures(call, camera_id, width, 1 / fps, first)
    return StreamingResponse(pictures, media_type=MOTION_JPEG, headers=headers)


async def _pictures(call: Call, camera_id: str, width: int, every_s: float, first: Snapshot) -> AsyncIterator[bytes]:
    """Until the client leaves, the camera is stopped, or whoever asked may not see it any more."""
    live = call.parts.cameras.live(camera_id)
    if live is None:
        return
    with live.pictures():
        async for part in _newest(call, camera_id, width, every_s, first):
            yield part


async def _newest(call: Call, camera_id: str, width: int, every_s: float, first: Snapshot) -> AsyncIterator[bytes]:
    clock = call.parts.clock
    shown, sent_s, checked_s = first, clock.monotonic(), clock.monotonic()
    yield _part(first)
    while call.parts.cameras.live(camera_id) is not None and not call.parts.stopping.is_set():
        await asyncio.sleep(every_s)
        now_s = clock.monotonic()
        if now_s - checked_s > ASKED_AFTER_S:
            checked_s = now_s
            if not await _still_sees(call, camera_id):
                return
        try:
            newest = await call.parts.cameras.snapshot(camera_id, width)
        except Unavailable:
            newest = shown
        # The same picture again now and then: a client that has left is noticed by writing to it.
        if newest.pts != shown.pts or now_s - sent_s > REPEATED_AFTER_S:
            shown, sent_s = newest, now_s
            yield _part(newest)


def _part(taken: Snapshot) -> bytes:
    head = (
        "--frame\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {len(taken.jpeg)}\r\n"
        f"X-Captured-At: {rfc3339(taken.captured_at)}\r\n"
        f"X-Rtp-Timestamp: {rtp_timestamp(taken.pts)}\r\n\r\n"
    )
    return head.encode() + taken.jpeg + b"\r\n"


def _watching(parts: Parts) -> bool:
    return parts.runtime.current.features.live_video


def _publishing(parts: Parts) -> bool:
    return parts.runtime.current.features.browser_cameras


def _need_feature(switched_on: bool) -> None:
    if not switched_on:
        raise Forbidden("This is switched off in the settings.", code="feature_off")


async def _still_sees(call: Call, camera_id: str, feature: Callable[[Parts], bool] = _watching) -> bool:
    """While the database is away nobody can be asked: who watches goes on, and is asked again."""
    if not feature(call.parts):
        return False
    try:
        return await call.parts.access.still_sees(call.who, camera_id)
    except (SQLAlchemyError, OSError) as error:
        structlog.get_logger(__name__).warning("not_asked_yet", camera=camera_id, reason=type(error).__name__)
        return True


async def _need(call: Call, camera_id: str) -> None:
    async with call.parts.store.read() as session:
        await cameras.get(session, camera_id, reach_of(call.who))


async def _trickle(call: Call, camera_id: str, session_id: str) -> None:
    fragment, if_match = await _body(call, FRAGMENT), call.request.headers.get("If-Match")
    await call.parts.webrtc.patch(session_id, camera_id, call.who.id, fragment, if_match)


async def _body(call: Call, wanted: str) -> str:
    kind = call.request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != wanted:
        raise UnsupportedMedia(f"Send the body as {wanted}.")
    given = await call.request.body()
    if len(given) > LARGEST_SDP_BYTES:
        raise TooLarge(f"A session description has at most {LARGEST_SDP_BYTES // 1024} KiB.")
    try:
        return given.decode()
    except UnicodeDecodeError:
        raise BadRequest("The session description is not text in UTF-8.", code="bad_sdp") from None


def _answered(call: Call, camera_id: str, kind: str, answer: Answer) -> Response:
    place = f"{API}/cameras/{camera_id}/{kind}/{answer.session_id}"
    headers = {"Location": place, "ETag": answer.tag, "Accept-Patch": FRAGMENT, **_links(call.parts)}
    return Response(answer.sdp, 201, headers, SDP)


def _accepting(call: Call) -> Response:
    return Response(status_code=204, headers={"Accept-Post": SDP, **_links(call.parts)})


def _links(parts: Parts) -> dict[str, str]:
    links = [link for server in parts.webrtc.ice_servers for link in _link(server)]
    return {"Link": ", ".join(links)} if links else {}


def _link(server: IceServer) -> Sequence[str]:
    """As WHEP and WHIP have it: one link for each address."""
    login = ""
    if server.username is not None:
        name, secret = _quoted(server.username), _quoted(server.credential or "")
        login = f'; username="{name}"; credential="{secret}"; credential-type="password"'
    return [f'<{url}>; rel="ice-server"{login}' for url in server.urls]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


ENDPOINTS: tuple[Endpoint, ...] = (
    ask_whep, watch_camera, trickle_whep, stop_watching, ask_whip, publish_camera, trickle_whip, stop_publishing,
    camera_mjpeg,
)  # fmt: skip
