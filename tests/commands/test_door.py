"""What commands about users share."""

import io
import sys
from pathlib import Path

import pytest

from server.access.permissions import ROLES
from server.commands.door import COMMAND_LINE, new_password, open_door
from server.settings import SecuritySettings, Settings
from server.store.audit import Filter
from server.store.paging import Page


async def test_the_door_of_an_empty_folder(tmp_path: Path) -> None:
    """Is migrated and has the built-in roles, which the audit says."""
    settings = Settings(data_dir=tmp_path / "state", security=SecuritySettings(bcrypt_rounds=4))
    async with open_door(settings) as (store, access):
        await store.ping()
        assert {row.name for row in (await access.roles.page(Page())).rows} == set(ROLES)
        rows = (await access.audit.page(Page(), Filter(actor=COMMAND_LINE.name))).rows
        assert {row.action for row in rows} == {"role.seeded"}
    async with open_door(settings) as (_, access):
        assert (await access.audit.page(Page(), Filter())).total == len(ROLES), "seeded once"


def test_a_password_from_standard_input_or_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one that was made is to be shown."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\r\nnext\n"))
    assert new_password(from_stdin=True) == ("correct horse", False)
    made, shown = new_password(from_stdin=False)
    assert shown
    assert len(made) >= 16
    assert made != new_password(from_stdin=False)[0]
