"""What the tests of the pipeline share: open parts, a camera, a person, and sighting changes made by hand."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest

from server.clock import ManualClock
from server.identity.sightings import SightingChange, SightingState
from server.ids import new_id
from server.parts import Parts
from server.store.tables import Camera, Kiosk, Person
from tests.buses import buses as buses
from tests.opened import parts_in


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def parts(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", clock, media={"roots": [tmp_path]}) as opened:
        yield opened


@pytest.fixture
async def camera(parts: Parts) -> Camera:
    return await add_camera(parts, "Entrance", "in")


@pytest.fixture
async def person(parts: Parts) -> Person:
    row = Person(full_name="Eileen Collins", employee_id="STS-93")
    async with parts.store.transaction() as session:
        session.add(row)
    return row


async def add_camera(parts: Parts, name: str, role: str) -> Camera:
    row = Camera(name=name, source="/nowhere.mp4", kind="file", role=role, enabled=False)
    async with parts.store.transaction() as session:
        session.add(row)
    return row


async def add_kiosk(parts: Parts, *cameras: Camera) -> Kiosk:
    row = Kiosk(name=new_id(), camera_ids=[camera.id for camera in cameras])
    async with parts.store.transaction() as session:
        session.add(row)
    return row


def change(
    camera: Camera,
    kind: Literal["recognized", "unknown", "extended", "closed"],
    at: datetime,
    person_id: str | None = None,
    *,
    like: SightingChange | None = None,
) -> SightingChange:
    """A change of a new sighting, or of the one that `like` is of."""
    state = (
        like.sighting
        if like
        else SightingState(
            id=new_id(), camera_id=camera.id, person_id=person_id, state="open", started_at=at, last_seen_at=at,
            ended_at=None, similarity=0.8, best_similarity=0.85, margin=0.4, threshold=0.5, votes=3,
            pack="mobilefacenet@1", track_id=1,
        )
    )  # fmt: skip
    state = replace(state, person_id=person_id, last_seen_at=at)
    if kind == "closed":
        state = replace(state, state="closed", ended_at=at)
    return SightingChange(kind, state, opened=like is None)


async def events_of(parts: Parts, topic: str) -> list[tuple[str, dict[str, object]]]:
    return [(event.type, dict(event.data)) for event in await parts.hub.log.read(topic, 0, 100)]
