"""What the settings name, opened each by itself."""

from pathlib import Path

import pytest

from server.clock import SystemClock
from server.errors import Invalid
from server.opening import address_rules, open_secrets, open_storage, open_store, prepare, runtime_defaults
from server.settings import Settings
from server.store import cameras


def test_what_the_environment_sets_is_the_default(tmp_path: Path) -> None:
    """Of everything that can be changed while the server runs."""
    chosen = {"attendance": {"cooldown_s": 9, "timezone": "Asia/Tokyo"}, "sightings": {"gap_s": 3}}
    settings = Settings.model_validate({"data_dir": tmp_path, "features": {"live_video": False}, **chosen})
    found = runtime_defaults(settings)
    assert (found.attendance.cooldown_s, found.site.timezone, found.sightings.gap_s) == (9, "Asia/Tokyo", 3)
    assert (found.features.live_video, found.features.api_docs) == (False, True)


async def test_an_empty_folder_is_prepared(tmp_path: Path) -> None:
    """With a secret that stays, and a database that has its tables."""
    settings = Settings(data_dir=tmp_path / "deep" / "state")
    secrets = await prepare(settings)
    assert await open_secrets(settings) == secrets
    async with open_store(settings) as store, store.read() as session:
        assert await cameras.all_of_them(session) == []


async def test_a_database_that_is_migrated_by_hand(tmp_path: Path) -> None:
    """Nothing is touched at start where the settings say so."""
    settings = Settings.model_validate({"data_dir": tmp_path, "database": {"migrate_at_start": False}})
    await prepare(settings)
    assert not (tmp_path / "rollcall.db").exists()


def test_addresses_and_storage_are_those_that_are_set(tmp_path: Path) -> None:
    """Roots are absolute; a storage that cannot be one is refused before anything is stored."""
    settings = Settings.model_validate({"data_dir": tmp_path, "media": {"roots": [tmp_path]}})
    assert address_rules(settings).roots == (tmp_path,)
    open_storage(settings, SystemClock())
    with pytest.raises(Invalid):
        open_storage(
            settings.model_copy(update={"storage": settings.storage.model_copy(update={"url": "ftp://x"})}),
            SystemClock(),
        )
