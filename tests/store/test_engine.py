"""Opening the database, and transactions."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, select

from server.ids import new_id
from server.store.engine import Store
from server.store.tables import Department


async def _count(store: Store) -> int:
    async with store.read() as session:
        return (await session.exec(select(func.count()).select_from(Department))).one()


async def test_all_or_nothing(store: Store) -> None:
    """An error takes back what was done before it."""

    async def fail() -> None:
        async with store.transaction() as session:
            session.add(Department(name="A"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await _count(store) == 0


async def test_cancelled(store: Store) -> None:
    """So does a cancel, and the next one can write."""
    reached = asyncio.Event()

    async def never_ends() -> None:
        async with store.transaction() as session:
            session.add(Department(name="A"))
            await session.flush()
            reached.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(never_ends())
        await reached.wait()
        task.cancel()
    async with store.transaction() as session:
        session.add(Department(name="A"))
    assert await _count(store) == 1


async def test_cancelled_at_any_point(store: Store) -> None:
    """Wherever a cancel meets it, and a second one meets the clean-up, no lock stays behind."""

    async def write() -> None:
        async with store.transaction() as session:
            session.add(Department(name=new_id()))
            await session.flush()
            await session.exec(text("SELECT count(*) FROM departments"))  # type: ignore[call-overload]

    async with asyncio.timeout(60):
        for step in range(200):
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(write())
                await asyncio.sleep(step % 50 * 0.0001)
                task.cancel()
                await asyncio.sleep(step % 7 * 0.0001)
                task.cancel()
            await write()


async def test_many_writers(store: Store) -> None:
    """Those that read and then write do so one after the other, and none fails."""

    async def add(number: int) -> None:
        async with store.transaction() as session:
            await session.exec(select(func.count()).select_from(Department))
            session.add(Department(name=str(number)))

    await asyncio.gather(*(add(number) for number in range(20)))
    assert await _count(store) == 20


async def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    """They see what was committed last."""
    async with store.transaction() as session:
        session.add(Department(name="A"))
        await session.flush()
        assert await asyncio.wait_for(_count(store), 5) == 0
    assert await _count(store) == 1


async def test_ping(store: Store) -> None:
    """Answers where the database does."""
    await store.ping()


async def test_an_error_does_not_repeat_the_values(store: Store) -> None:
    """What was to be written may be a password or a face, and errors are logged."""
    with pytest.raises(SQLAlchemyError) as caught:
        async with store.transaction() as session:
            await (await session.connection()).execute(text("INSERT INTO nowhere VALUES (:it)"), {"it": "hunter2"})
    assert "hunter2" not in str(caught.value)
