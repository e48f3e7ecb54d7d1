"""How many queries a list takes: as many for fifty rows as for five, limited or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Connection, event

from server.parts import Parts
from server.store.audit import SYSTEM
from server.store.tables import (
    Alert,
    ApiKey,
    Camera,
    Department,
    Entry,
    Job,
    Kiosk,
    Person,
    Photo,
    Report,
    Sighting,
    Webhook,
)
from server.store.tables import Session as SignedInSession
from tests.routes.limited import limited_client, principal_of

LISTS = ("people", "sightings", "attendance/entries", "attendance/present", "cameras", "departments", "kiosks")
# Those of which there are some already, and which nobody's limits narrow by a camera.
MORE_LISTS = ("api-keys", "auth/sessions", "audit", "jobs", "alerts", "webhooks", "reports")


async def fill(parts: Parts, first: int, last: int) -> list[Camera]:
    """So many of everything, each belonging to others of its own."""
    now, made = parts.clock.now(), []
    async with parts.store.transaction() as session:
        for number in range(first, last):
            camera = Camera(name=f"C{number}", source="/x.mp4", kind="file", role="in", enabled=False)
            department = Department(name=f"D{number}")
            session.add_all([camera, department])
            await session.flush()
            person = Person(full_name=f"P{number}", department_id=department.id)
            session.add_all([person, Kiosk(name=f"K{number}", camera_ids=[camera.id])])
            await session.flush()
            session.add(
                Photo(person_id=person.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={})
            )
            at = now - timedelta(seconds=number)
            seen = Sighting(camera_id=camera.id, person_id=person.id, state="closed", started_at=at, last_seen_at=at)
            session.add(seen)
            await session.flush()
            session.add(
                Entry(
                    person_id=person.id,
                    at=at,
                    direction="in",
                    origin="camera",
                    camera_id=camera.id,
                    sighting_id=seen.id,
                )  # fmt: skip
            )
            made.append(camera)
    return made


async def fill_more(parts: Parts, user_id: str, first: int, last: int) -> None:
    """So many of the others, of that user."""
    later = parts.clock.now() + timedelta(days=1)
    async with parts.store.transaction() as session:
        for number in range(first, last):
            session.add_all(
                [
                    ApiKey(name=f"K{number}", user_id=user_id, prefix=f"rck_{number}", key_hash=f"k{number}"),
                    SignedInSession(
                        user_id=user_id, refresh_hash=f"s{number}", expires_at=later, created_at=parts.clock.now()
                    ),
                    Job(kind="retention", state="done", run_at=later, asked_by=user_id),
                    Webhook(name=f"W{number}", kind="standard", url="https://8.8.8.8/", types=["alert.raised"]),
                    Report(
                        name=f"R{number}",
                        kind="day",
                        format="csv",
                        recipients=["a@example.com"],
                        frequency="daily",
                        time="07:30",
                        time_zone="UTC",
                        created_by=user_id,
                    ),
                    Alert(kind="camera_down", severity="info", subject=f"cameras/{number}", message="It is down."),
                ]
            )
            await session.flush()
            await parts.access.audit.record(session, SYSTEM, "camera.changed", "cameras", f"c{number}")


@contextmanager
def counting(parts: Parts) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(parts.store.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(parts.store.engine.sync_engine, "before_cursor_execute", note)


async def asked(parts: Parts, client: httpx.AsyncClient, path: str, rows: int) -> int:
    """How many statements a list takes, the door's own left out: what it remembers is fresh."""
    url = f"/api/v1/{path}?pageSize=200"
    await client.get(url)
    with counting(parts) as statements:
        answer = await client.get(url)
    assert len(answer.json()["data"]) == rows, answer.text
    return len(statements)


@pytest.mark.parametrize("path", LISTS)
async def test_fifty_rows_take_as_many_queries_as_five(parts: Parts, admin: httpx.AsyncClient, path: str) -> None:
    """And few: the rows, and at most their total and what limits need."""
    cameras = await fill(parts, 0, 5)
    for_five = await asked(parts, admin, path, 5)
    async with limited_client(parts, cameras=cameras) as limited:
        for_five_limited = await asked(parts, limited, path, 5)
    cameras += await fill(parts, 5, 50)
    assert await asked(parts, admin, path, 50) == for_five <= 2
    async with limited_client(parts, cameras=cameras) as limited:
        assert await asked(parts, limited, path, 50) == for_five_limited <= 3


@pytest.mark.parametrize("path", MORE_LISTS)
async def test_what_grows_by_itself_is_as_quick(parts: Parts, admin: httpx.AsyncClient, path: str) -> None:
    """Keys, sessions, the audit, jobs and alerts: 45 more rows take no query more."""
    user_id = (await principal_of(parts, admin)).user_id
    await fill_more(parts, user_id, 0, 5)
    some = (await admin.get(f"/api/v1/{path}")).json()["meta"]["total"]
    assert some >= 5
    for_some = await asked(parts, admin, path, some)
    await fill_more(parts, user_id, 5, 50)
    assert await asked(parts, admin, path, some + 45) == for_some <= 2
