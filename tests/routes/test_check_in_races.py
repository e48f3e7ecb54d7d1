"""A code that changes while somebody checks in with it: whoever locks the person first is right."""

import asyncio

import httpx
from sqlalchemy import text
from sqlmodel import select

from server.parts import Parts
from server.store import people
from server.store.tables import Credential, Entry, Person
from server.store.writes import locked
from tests.routes.doors import door_of, somebody
from tests.routes.test_check_ins import refusal, rows

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def waits(parts: Parts) -> None:
    """Until somebody waits for the row; on SQLite they wait for the whole database, and can be seen nowhere."""
    async with asyncio.timeout(60):
        while not parts.store.is_sqlite:
            async with parts.store.read() as session:
                if (await session.exec(text(WAITING))).scalar_one():  # type: ignore[call-overload]
                    return
            await asyncio.sleep(0.02)


async def test_a_code_that_is_taken_away(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """It counts no more, although it was good when the check-in began."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    async with asyncio.TaskGroup() as group, parts.store.transaction() as session:
        assert await locked(session, Person, ada.id) is not None
        sent = group.create_task(door.send(key="a"))
        await waits(parts)
        await session.delete((await session.exec(select(Credential))).one())
    assert refusal(sent.result()) == (422, "code_not_accepted", [("pin", "not_accepted")])
    assert await rows(parts) == []


async def test_a_pin_that_is_another_by_now(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """The old one is refused, and does not come back."""
    ada, door = await somebody(parts), await door_of(parts, anyone)
    async with asyncio.TaskGroup() as group, parts.store.transaction() as session:
        person = await locked(session, Person, ada.id)
        assert person is not None
        sent = group.create_task(door.send(key="a"))
        await waits(parts)
        await parts.access.codes.set_pin(session, person, "759302", 1)
    assert refusal(sent.result())[:2] == (422, "code_not_accepted")
    assert refusal(await door.send(key="b"))[:2] == (422, "code_not_accepted")
    assert (await door.enters(pin="759302"))["name"] == "Ada Lovelace"


async def test_two_who_become_one(parts: Parts, anyone: httpx.AsyncClient) -> None:
    """Whoever stays has the code by now, and has come in."""
    stays, door = await somebody(parts, "Ada", pin=None), await door_of(parts, anyone)
    goes = await somebody(parts, "Ada L.")
    async with asyncio.TaskGroup() as group, parts.store.transaction() as session:
        both = [await people.lock(session, one.id) for one in (stays, goes)]
        sent = group.create_task(door.send(key="a"))
        await waits(parts)
        await people.merge(session, *both)
    assert sent.result().status_code == 201, sent.result().text
    async with parts.store.read() as session:
        assert [entry.person_id for entry in (await session.exec(select(Entry))).all()] == [stays.id]
