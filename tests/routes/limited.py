"""A house of two doors and two departments, and clients of users who are limited to some of it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from server.access.principal import Principal
from server.ids import new_id
from server.parts import Parts
from server.pipeline.evidence import Evidence
from server.store.tables import Camera, Department, Person
from tests.opened import PASSWORD, client_of
from tests.pipeline.conftest import add_camera, change

EVIDENCE = Evidence(b"frame", b"face", [0.1, 0.2, 0.3, 0.4])


@dataclass
class House:
    door: Camera
    yard: Camera
    night: Department
    day: Department
    ada: Person  # of the night
    bob: Person  # of the day
    cleo: Person  # of no department
    seen: dict[str, str] = field(default_factory=dict)  # sightings, by camera/person


async def build(parts: Parts) -> House:
    """Everybody was recognised at both doors a moment ago, and somebody unknown too."""
    door, yard = await add_camera(parts, "Door", "in"), await add_camera(parts, "Yard", "in")
    night, day = Department(name="Night"), Department(name="Day")
    ada = Person(full_name="Ada", department_id=night.id)
    bob, cleo = Person(full_name="Bob", department_id=day.id), Person(full_name="Cleo")
    async with parts.store.transaction() as session:
        session.add_all([night, day])
        await session.flush()
        session.add_all([ada, bob, cleo])
    house = House(door, yard, night, day, ada, bob, cleo)
    for camera in (door, yard):
        for person in (ada, bob, cleo, None):
            kind = "recognized" if person else "unknown"
            one = change(camera, kind, parts.clock.now(), person.id if person else None)  # type: ignore[arg-type]
            await parts.recorder.record(camera.id, [one], {one.sighting.id: EVIDENCE})
            house.seen[f"{camera.name}/{person.full_name if person else '-'}"] = one.sighting.id
    return house


@asynccontextmanager
async def limited_client(
    parts: Parts,
    *,
    cameras: Collection[Camera] | None = None,
    departments: Collection[Department] | None = None,
    role: str = "Admin",
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody new with that role and those limits, signed in."""
    email = f"{new_id()}@example.com"
    await parts.access.accounts.create(
        email=email, full_name="Limited One", role=role, password=PASSWORD,
        camera_ids=None if cameras is None else [one.id for one in cameras],
        department_ids=None if departments is None else [one.id for one in departments],
    )  # fmt: skip
    signed_in = await parts.access.login(email, PASSWORD)
    async with client_of(parts, None) as client:
        client.headers["Authorization"] = f"Bearer {signed_in.access_token}"
        yield client


async def principal_of(parts: Parts, client: httpx.AsyncClient) -> Principal:
    return await parts.access.by_token(client.headers["Authorization"].removeprefix("Bearer "))


async def got(client: httpx.AsyncClient, path: str, **query: str) -> tuple[list[dict[str, object]], int]:
    """A list's items, and the total that it says."""
    answer = await client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"], answer.json()["meta"]["total"]


async def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]
