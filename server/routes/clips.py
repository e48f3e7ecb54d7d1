"""Clips of sightings that are kept."""

from pydantic import Field

from server.events.limits import reach_of
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import clips
from server.store.clips import ClipFilter
from server.store.tables import Clip
from server.wire import Moment, Time, Wire

RESOURCE = "clips"


class ClipsQuery(Query):
    camera_id: str | None = None
    sighting_id: str | None = None
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to", description="itself not included")


class ClipPublic(Wire):
    """An MP4. Its address is signed, and good for a short time: ask again for a new one."""

    id: str
    camera_id: str | None
    sighting_id: str | None
    started_at: Time = Field(description="of its first picture")
    duration_s: float
    width: int
    height: int
    codec: str = Field(description="h264 or hevc")
    masked: bool = Field(description="whether the privacy masks of the camera were painted over it")
    size_bytes: int
    url: str
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, row: Clip) -> "ClipPublic":
        shown = row.model_dump() | {"url": call.parts.links.link(row.object_key)}
        return cls.model_validate({name: shown[name] for name in cls.model_fields})


@endpoint("GET", "/clips", allow="sightings:read", sorts=clips.SORTS)
async def list_clips(call: Call, query: ClipsQuery) -> Page[ClipPublic]:
    """The clips, newest first: of a camera, or of one sighting. There are some where a camera has `clips` on."""
    which = ClipFilter(query.camera_id, query.sighting_id, query.since, query.until)
    async with call.parts.store.read() as session:
        found = await clips.page(session, query.wanted, which, reach_of(call.who))
    return Page.of(query.wanted, [ClipPublic.of(call, row) for row in found.rows], found.total)


@endpoint("DELETE", "/clips/{clip_id}", allow="cameras:control", status=204)
async def delete_clip(call: Call, clip_id: str) -> None:
    """Removes a clip with its film."""
    async with call.parts.store.transaction() as session:
        row = await clips.get(session, clip_id, reach_of(call.who))
        call.check_unchanged(row.updated_at)
        await call.parts.objects.delete(row.object_key)
        await clips.remove_all(session, [row.id])
        before = {"camera_id": row.camera_id, "sighting_id": row.sighting_id, "started_at": row.started_at}
        await call.audit(session, "clip.removed", RESOURCE, clip_id, before=before)


ENDPOINTS: tuple[Endpoint, ...] = (list_clips, delete_clip)
