"""Rows as lines: every value comes back as it was, on either database, at any revision."""

import json

import pytest
from sqlmodel import SQLModel

from server.store import migrate
from server.store.engine import Store
from server.store.portable import Lines, reflect
from tests.store.full import AT, BYTES, fill


async def test_there_and_back(store: Store) -> None:
    """A line has plain values under the columns' names: base64 for bytes, RFC 3339 to the microsecond for times."""
    await fill(store)
    async with store.engine.connect() as connection:
        for table in await connection.run_sync(reflect):
            lines = Lines(table)
            rows = [tuple(row) for row in await connection.execute(table.select())]
            assert rows, table.name
            written = lines.write(rows)
            back = lines.read(written.splitlines(keepends=True))
            assert [tuple(row.values()) for row in back] == rows
            if table.name == "templates":
                first = json.loads(written.splitlines()[0])
                assert (first["embedding"][:8], first["dimension"]) == ("AAECAwQF", 64)
                assert back[0]["embedding"] == BYTES
            if table.name == "entries":
                assert json.loads(written.splitlines()[0])["at"] == "2026-03-29T01:59:59.123456Z"
                assert back[0]["at"] == AT


async def test_tables_stand_after_those_they_point_to(store: Store) -> None:
    async with store.engine.connect() as connection:
        names = [table.name for table in await connection.run_sync(reflect)]
    assert set(names) == set(SQLModel.metadata.tables)
    for before, after in (("roles", "users"), ("users", "sessions"), ("people", "photos"), ("photos", "templates")):
        assert names.index(before) < names.index(after)


async def test_tables_are_as_they_are_at_their_revision(empty_url: str) -> None:
    """Not as the newest version has them."""
    await migrate.upgrade(empty_url, "0001")
    async with Store(empty_url) as store, store.engine.connect() as connection:
        found = {table.name: table for table in await connection.run_sync(reflect)}
        assert await connection.run_sync(reflect, {"nowhere"}) == []
    assert "audit" not in found
    assert "preferences" not in found["users"].columns


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b"no", b'{"id":"a","created_at":"b","updated_at":"c","name":"d"}', b"\xff"]
)
async def test_what_is_no_row(store: Store, line: bytes) -> None:
    async with store.engine.connect() as connection:
        (table,) = await connection.run_sync(reflect, {"departments"})
    with pytest.raises(ValueError):  # noqa: PT011 - it comes from whoever read that part of it
        Lines(table).read([line])
