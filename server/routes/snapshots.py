"""Snapshots of cameras that are kept."""

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.events.limits import reach_of
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import cameras, snapshots
from server.store.tables import Snapshot
from server.wire import Moment, Time, Wire

RESOURCE = "snapshots"


class SnapshotsQuery(Query):
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to", description="itself not included")


class SnapshotPublic(Wire):
    """The addresses are signed, and good for a short time: ask again for new ones."""

    id: str
    camera_id: str | None
    taken_at: Time
    origin: str = Field(description="request or schedule")
    width: int
    height: int
    size_bytes: int = Field(description="of the picture and its thumbnail")
    url: str
    thumbnail_url: str
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, call: Call, row: Snapshot) -> "SnapshotPublic":
        link = call.parts.links.link
        shown = row.model_dump() | {"url": link(row.object_key), "thumbnail_url": link(row.thumbnail_key)}
        return cls.model_validate({name: shown[name] for name in cls.model_fields})


@endpoint("GET", "/cameras/{camera_id}/snapshots", allow="cameras:read", sorts=snapshots.SORTS)
async def list_snapshots(call: Call, camera_id: str, query: SnapshotsQuery) -> Page[SnapshotPublic]:
    """The stored snapshots of a camera, newest first."""
    async with call.parts.store.read() as session:
        await cameras.get(session, camera_id, reach_of(call.who))
        found = await snapshots.page(session, camera_id, query.wanted, start=query.since, end=query.until)
    return Page.of(query.wanted, [SnapshotPublic.of(call, row) for row in found.rows], found.total)


@endpoint("POST", "/cameras/{camera_id}/snapshots", allow="cameras:control", status=201, raises=(503,))
async def take_snapshot(call: Call, camera_id: str) -> SnapshotPublic:
    """Keeps the newest frame, as it is at this moment. 503 `camera_offline` where there is none."""
    async with call.parts.store.read() as session:
        await cameras.get(session, camera_id, reach_of(call.who))

    async def note(session: AsyncSession, row: Snapshot) -> None:
        await call.audit(session, "snapshot.taken", RESOURCE, row.id, after={"camera_id": camera_id})

    return SnapshotPublic.of(call, await call.parts.snapshots.take(camera_id, note=note))


@endpoint("DELETE", "/cameras/{camera_id}/snapshots/{snapshot_id}", allow="cameras:control", status=204)
async def delete_snapshot(call: Call, camera_id: str, snapshot_id: str) -> None:
    """Removes a stored snapshot with its picture."""
    async with call.parts.store.transaction() as session:
        await cameras.get(session, camera_id, reach_of(call.who))
        row = await snapshots.get(session, camera_id, snapshot_id)
        call.check_unchanged(row.updated_at)
        await call.parts.objects.delete(row.object_key, row.thumbnail_key)
        await snapshots.remove_all(session, [row.id])
        before = {"camera_id": camera_id, "taken_at": row.taken_at}
        await call.audit(session, "snapshot.removed", RESOURCE, snapshot_id, before=before)


ENDPOINTS: tuple[Endpoint, ...] = (list_snapshots, take_snapshot, delete_snapshot)
