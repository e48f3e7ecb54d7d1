"""Settings that change while servers run."""

import asyncio
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from sqlmodel import select
from structlog.testing import capture_logs

from server.store.engine import Store
from server.store.runtime import KEY, NEVER, AttendanceSettings, RuntimeSettings, RuntimeState, SiteSettings
from server.store.tables import Setting

DEFAULTS = RuntimeSettings(attendance=AttendanceSettings(cooldown_s=60))
BERLIN = RuntimeSettings(
    site=SiteSettings(name="Works", timezone="Europe/Berlin"), attendance=AttendanceSettings(cooldown_s=60)
)


async def change(state: RuntimeState, store: Store, wanted: RuntimeSettings) -> None:
    async with store.transaction() as session:
        row = await state.locked(session)
        await state.save(session, row, wanted)
    state.apply(row)


async def stored(store: Store) -> list[Setting]:
    async with store.read() as session:
        return list((await session.exec(select(Setting).where(Setting.key == KEY))).all())


async def test_the_defaults_hold_until_something_is_changed(store: Store) -> None:
    """Reading makes the row, once, also where two servers start together."""
    one, other = RuntimeState(store, DEFAULTS), RuntimeState(store, DEFAULTS)
    assert (one.current, one.updated_at, one.zone) == (DEFAULTS, NEVER, ZoneInfo("UTC"))
    await asyncio.gather(one.load(), other.load(), one.load())
    (row,) = await stored(store)
    assert row.value == {}
    assert one.updated_at == other.updated_at == row.updated_at > NEVER
    assert one.current == DEFAULTS


async def test_only_what_differs_is_stored(store: Store) -> None:
    """So that a new default of the environment holds for the rest."""
    state = RuntimeState(store, DEFAULTS)
    await change(state, store, BERLIN)
    assert (state.current, state.zone) == (BERLIN, ZoneInfo("Europe/Berlin"))
    assert (await stored(store))[0].value == {"site": {"name": "Works", "timezone": "Europe/Berlin"}}
    later = RuntimeState(store, RuntimeSettings())
    assert (await later.load()).attendance.cooldown_s == 300
    await change(state, store, DEFAULTS)
    assert (await stored(store))[0].value == {}


async def test_other_processes_follow(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds, without a restart."""
    monkeypatch.setattr("server.store.runtime.FOLLOW_S", 0.01)
    here, there = RuntimeState(store, DEFAULTS), RuntimeState(store, DEFAULTS)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        following = tasks.create_task(there.run())
        await change(here, store, BERLIN)
        while there.current != BERLIN:  # noqa: ASYNC110 - only the state says so
            await asyncio.sleep(0.01)
        following.cancel()
    assert there.updated_at == here.updated_at


def test_what_is_left_out_has_its_default(store: Store) -> None:
    """The environment's, not the program's."""
    state = RuntimeState(store, DEFAULTS)
    given = RuntimeSettings.model_validate({"site": {"name": "Works"}})
    assert state.completed(given) == RuntimeSettings(site=SiteSettings(name="Works"), attendance=DEFAULTS.attendance)


def test_what_another_version_stored_does_not_stop_the_server(store: Store) -> None:
    """What cannot be read any more is left out, and said; the rest holds."""
    state = RuntimeState(store, DEFAULTS)
    odd = {
        "site": {"name": "Works", "timezone": "Mars/Olympus", "colour": "red"},
        "attendance": {"cooldown_s": -1}, "moods": {"sunny": True}, "sightings": 7,
    }  # fmt: skip
    with capture_logs() as logs:
        found = state.merged(odd)
    assert found == RuntimeSettings(site=SiteSettings(name="Works"), attendance=DEFAULTS.attendance)
    assert {entry["name"] for entry in logs} == {
        "site.timezone", "site.colour", "attendance.cooldown_s", "moods.sunny"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tree", "field"),
    [
        ({"site": {"timezone": "Mars/Olympus"}}, ("site", "timezone")),
        ({"site": {"timezone": "../etc/passwd"}}, ("site", "timezone")),
        ({"site": {"timezone": ""}}, ("site", "timezone")),
        ({"site": {"timezone": "Europe"}}, ("site", "timezone")),
        ({"site": {"name": ""}}, ("site", "name")),
        ({"attendance": {"cooldownS": -1}}, ("attendance", "cooldownS")),
        ({"sightings": {"gapS": 0}}, ("sightings", "gapS")),
        ({"sightings": {"gapS": float("nan")}}, ("sightings", "gapS")),
        ({"retention": {"auditDays": 0}}, ("retention", "auditDays")),
        ({"retention": {"eventsDays": 0}}, ("retention", "eventsDays")),
        ({"retention": {"eventsPerTopic": 999}}, ("retention", "eventsPerTopic")),
        ({"features": {"flying": True}}, ("features", "flying")),
    ],
)
def test_what_cannot_be(tree: dict[str, object], field: tuple[str, str]) -> None:
    """By its name on the wire."""
    with pytest.raises(ValidationError) as caught:
        RuntimeSettings.model_validate(tree)
    assert [found["loc"] for found in caught.value.errors()] == [field]
