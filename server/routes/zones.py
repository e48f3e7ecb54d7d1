"""Zones of a camera: where faces count, what is hidden, and which way somebody passes."""

from typing import Annotated, Literal

from pydantic import Field

from server.errors import Conflict
from server.events.limits import reach_of
from server.media.areas import MOST_POINTS, MOST_ZONES, check_zone
from server.routes.endpoint import Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import cameras, zones
from server.store.tables import Zone
from server.wire import Form, Time, Wire

RESOURCE = "zones"
Kind = Annotated[
    Literal["count", "ignore", "mask", "line"],
    Field(
        description="`count`: faces count in these only, where there are some; `ignore`: not in here; `mask`: painted "
        "over, and never looked at; `line`: who crosses it"
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[
    list[Annotated[list[Share], Field(min_length=2, max_length=2)]],
    Field(
        min_length=2,
        max_length=MOST_POINTS,
        description="x and y in 0...1 of the picture, from its upper left corner; of a line its two ends",
        examples=[[[0.1, 0.1], [0.9, 0.1], [0.9, 0.6]]],
    ),
]
Direction = Annotated[
    Literal["in", "out"] | None,
    Field(
        description="of a line: what crossing it from left to right means, for who looks from its first end to its "
        "second; of a `count` zone: what entering it means. Where one says it, entries are made by it alone"
    ),
]


class ZoneForm(Form):
    name: Name
    kind: Kind
    points: Points
    direction: Direction = None


class ZoneEdit(Form):
    """What is left out stays as it is; a `direction` of null takes it away."""

    name: Name | None = None
    kind: Kind | None = None
    points: Points | None = None
    direction: Direction = None


class ZonePublic(Wire):
    id: str
    camera_id: str
    name: str
    kind: str
    points: list[list[float]]
    direction: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Zone) -> "ZonePublic":
        return cls.model_validate(row)


def _told(row: Zone) -> dict[str, object]:
    return ZonePublic.of(row).model_dump(exclude={"id", "created_at", "updated_at"})


@endpoint("GET", "/cameras/{camera_id}/zones", allow="cameras:read", sorts=zones.SORTS)
async def list_zones(call: Call, camera_id: str, query: Query) -> Page[ZonePublic]:
    """The zones of a camera, oldest first."""
    async with call.parts.store.read() as session:
        await cameras.get(session, camera_id, reach_of(call.who))
        found = await zones.page(session, camera_id, query.wanted)
    return Page.of(query.wanted, [ZonePublic.of(row) for row in found.rows], found.total)


@endpoint("POST", "/cameras/{camera_id}/zones", allow="cameras:write", status=201)
async def create_zone(call: Call, camera_id: str, body: ZoneForm) -> ZonePublic:
    """A new zone; it counts when the answer arrives, for those who watch already too.

    409 `too_many_zones`: a camera has at most 32.
    """
    check_zone(body.kind, body.points, body.direction)
    async with call.parts.store.transaction() as session:
        await cameras.lock(session, camera_id, reach_of(call.who))
        if await zones.count(session, camera_id) >= MOST_ZONES:
            raise Conflict(f"A camera has at most {MOST_ZONES} zones.", code="too_many_zones")
        row = await zones.save_zone(session, Zone(camera_id=camera_id, **body.model_dump()))
        await call.audit(session, "zone.created", RESOURCE, row.id, after=_told(row))
    await call.parts.cameras.rezone(camera_id)
    return ZonePublic.of(row)


@endpoint("GET", "/cameras/{camera_id}/zones/{zone_id}", allow="cameras:read")
async def get_zone(call: Call, camera_id: str, zone_id: str) -> ZonePublic:
    """One zone of a camera."""
    async with call.parts.store.read() as session:
        await cameras.get(session, camera_id, reach_of(call.who))
        return ZonePublic.of(await zones.get(session, camera_id, zone_id))


@endpoint("PUT", "/cameras/{camera_id}/zones/{zone_id}", allow="cameras:write")
async def edit_zone(call: Call, camera_id: str, zone_id: str, body: ZoneEdit) -> ZonePublic:
    """Changes a zone; it counts when the answer arrives."""
    async with call.parts.store.transaction() as session:
        await cameras.get(session, camera_id, reach_of(call.who))
        row = await zones.lock(session, camera_id, zone_id)
        call.check_unchanged(row.updated_at)
        before = _told(row)
        for name, value in body.model_dump(exclude_unset=True).items():
            if value is not None or name == "direction":
                setattr(row, name, value)
        check_zone(row.kind, row.points, row.direction)
        await zones.save_zone(session, row)
        await call.audit(session, "zone.changed", RESOURCE, zone_id, before=before, after=_told(row))
    await call.parts.cameras.rezone(camera_id)
    return ZonePublic.of(row)


@endpoint("DELETE", "/cameras/{camera_id}/zones/{zone_id}", allow="cameras:write", status=204)
async def delete_zone(call: Call, camera_id: str, zone_id: str) -> None:
    """Removes a zone. What a mask hid is seen from now on, not in what was stored before."""
    async with call.parts.store.transaction() as session:
        await cameras.get(session, camera_id, reach_of(call.who))
        row = await zones.lock(session, camera_id, zone_id)
        call.check_unchanged(row.updated_at)
        await session.delete(row)
        await call.audit(session, "zone.removed", RESOURCE, zone_id, before=_told(row))
    await call.parts.cameras.rezone(camera_id)


ENDPOINTS: tuple[Endpoint, ...] = (list_zones, create_zone, get_zone, edit_zone, delete_zone)
