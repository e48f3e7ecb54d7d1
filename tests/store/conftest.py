"""What the tests of this room share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from server.store import cameras, people, photos
from server.store.engine import Store
from server.store.tables import Camera, Person, Photo, Sighting, Template
from tests.databases import databases as databases
from tests.databases import empty_url as empty_url
from tests.databases import store as store

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


async def add_person(store: Store, full_name: str, **more: Any) -> Person:
    async with store.transaction() as session:
        return await people.save_person(session, Person(full_name=full_name, **more))


async def add_camera(store: Store, name: str, **more: Any) -> Camera:
    fields: dict[str, Any] = {"source": "rtsp://admin:hunter2@10.0.0.9/1", "kind": "rtsp", "role": "in"} | more
    async with store.transaction() as session:
        return await cameras.save_camera(session, Camera(name=name, **fields))


async def add_photo(store: Store, person: Person, pack: str = "mobilefacenet", **more: Any) -> Photo:
    photo = Photo(
        person_id=person.id, object_key="o.jpg", portrait_key="p.jpg", width=1, height=1, box=[], quality={}, **more
    )
    template = Template(
        person_id=person.id, photo_id=photo.id, pack=pack, pack_sha256="a" * 64, dimension=2, embedding=b"12345678"
    )
    async with store.transaction() as session:
        return await photos.add(session, photo, [template])


async def add_sighting(
    store: Store, camera: Camera | None, person: Person | None, minutes: float, state: str = "closed"
) -> Sighting:
    row = Sighting(
        camera_id=camera.id if camera else None,
        person_id=person.id if person else None,
        state=state,
        started_at=after(minutes),
        last_seen_at=after(minutes + 1),
        ended_at=after(minutes + 1) if state == "closed" else None,
    )
    async with store.transaction() as session:
        session.add(row)
    return row
