"""Settings that an administrator changes while the server runs. What differs from the environment's is stored."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import structlog
from pydantic import Field, ValidationError, field_validator
from sqlalchemy import bindparam, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.columns import UtcDateTime, utc_now
from server.store.engine import Store
from server.store.tables import Setting
from server.wire import Form

KEY = "runtime"
FOLLOW_S = 2.0
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_MAKE = text(
    "INSERT INTO settings (key, value, updated_at) VALUES (:key, '{}', :at) ON CONFLICT (key) DO NOTHING"
).bindparams(bindparam("at", type_=UtcDateTime()))

Days = Annotated[int, Field(ge=1, le=36500)]


class SiteSettings(Form):
    """Where this server is."""

    name: str = Field("Rollcall", min_length=1, max_length=100, description="shown on the pages")
    timezone: str = Field("UTC", max_length=64, description="such as Europe/Berlin; decides where a day begins")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, OSError, ValueError) as error:  # no zone, a folder of zones, not even a name
            raise ValueError("is not an IANA time zone such as Europe/Berlin") from error
        return value


class AttendanceSettings(Form):
    """What makes an entry of a sighting."""

    cooldown_s: int = Field(
        300, ge=0, le=86400, description="the least time between two entries of one person at one camera"
    )
    second_person: bool = Field(
        False, description="corrections and entries by hand count once somebody else has agreed to them"
    )
    longest_minutes: int = Field(
        960, ge=60, le=1440, description="a check-out belongs to no check-in that is longer ago"
    )
    off_day: Literal["worked", "overtime"] = Field("overtime", description="what work on a day off counts as")
    holiday: Literal["worked", "overtime"] = Field("overtime", description="what work on a holiday counts as")


class SightingSettings(Form):
    """What belongs to one sighting."""

    gap_s: float = Field(10.0, ge=1, le=3600, description="somebody back within it extends the sighting")


class RetentionSettings(Form):
    """After how many days what is over is removed."""

    sessions_days: Days = Field(30, description="sessions that ended, and their tokens")
    audit_days: Days = Field(730, description="rows of the audit")
    jobs_days: Days = Field(30, description="jobs that are finished")
    deliveries_days: Days = Field(
        30, description="what was sent to webhooks, with the log of every try, and runs of reports"
    )
    snapshots_days: Days = Field(14, description="stored snapshots of cameras")
    snapshots_gb: Annotated[int, Field(ge=1, le=100_000)] = Field(
        10, description="of stored snapshots at most so many gigabytes: beyond it the oldest go first"
    )
    clips_days: Days = Field(14, description="stored clips of sightings")
    clips_gb: Annotated[int, Field(ge=1, le=100_000)] = Field(
        20, description="of stored clips at most so many gigabytes: beyond it the oldest go first"
    )
    inactive_days: Annotated[int, Field(ge=0, le=36500)] = Field(
        0, description="photos, templates and pictures of people who are not active any more; 0 keeps them"
    )
    terminal_lines_days: Days = Field(730, description="lines of terminals of other makers; their entries stay")
    unknowns_days: Days = Field(7, description="faces, their pictures and snapshots of sightings without a name")
    events_days: Days = Field(90, description="stored events: who comes back with an older place has missed some")
    events_per_topic: Annotated[int, Field(ge=1000, le=1_000_000_000)] = Field(
        1_000_000, description="of stored events at most so many of each topic: beyond it the oldest go first"
    )


class FeatureSettings(Form):
    """What is switched on."""

    api_docs: bool = Field(True, description="/docs, the description of the API to try out")
    live_video: bool = Field(True, description="live video of the cameras")
    browser_cameras: bool = Field(True, description="browsers may publish their camera")
    consent_first: bool = Field(False, description="photos are taken only of people who have given their consent")


class RuntimeSettings(Form):
    """The whole tree; a part that is left out has its default."""

    site: SiteSettings = SiteSettings()
    attendance: AttendanceSettings = AttendanceSettings()
    sightings: SightingSettings = SightingSettings()
    retention: RetentionSettings = RetentionSettings()
    features: FeatureSettings = FeatureSettings()


class RuntimeState:
    """What holds now: the defaults with what is stored over them, read again every few seconds."""

    def __init__(self, store: Store, defaults: RuntimeSettings) -> None:
        self._store = store
        self._defaults = defaults
        self._applied = 0  # how often; a row that was read before is not applied after
        self._updated_at = NEVER
        self._stored: Mapping[str, Any] = {}
        self._current = defaults
        self._zone = ZoneInfo(defaults.site.timezone)

    @property
    def current(self) -> RuntimeSettings:
        return self._current

    @property
    def zone(self) -> ZoneInfo:
        """The site's."""
        return self._zone

    def midnight(self, now: datetime) -> datetime:
        """When the site's day began."""
        return now.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def updated_at(self) -> datetime:
        """When they were changed last."""
        return self._updated_at

    async def load(self) -> RuntimeSettings:
        """Reads what is stored; makes the row at first use, so that the first change has something to compare with."""
        before = self._applied
        async with self._store.read() as session:
            row = await _row(session)
        if row is None:
            async with self._store.transaction() as session:
                row = await self.locked(session)
        if self._applied == before:
            self.apply(row)
        return self._current

    async def locked(self, session: AsyncSession) -> Setting:
        """The row, which nobody else changes until the transaction ends."""
        row = await _row(session, lock=True)
        if row is None:
            await (await session.connection()).execute(_MAKE, {"key": KEY, "at": utc_now()})
            row = await _row(session, lock=True)
        assert row is not None
        return row

    async def save(self, session: AsyncSession, row: Setting, wanted: RuntimeSettings) -> None:
        """Only what differs from the defaults. The caller applies the row once the transaction is over."""
        row.value = _difference(_plain(wanted), _plain(self._defaults))
        session.add(row)
        await session.flush()

    def apply(self, row: Setting) -> None:
        """From now on, what that row says holds."""
        self._applied += 1
        if (row.updated_at, row.value) != (self._updated_at, self._stored):
            self._updated_at, self._stored = row.updated_at, row.value
            self._current = self.merged(row.value)
            self._zone = ZoneInfo(self._current.site.timezone)

    def completed(self, given: RuntimeSettings) -> RuntimeSettings:
        """What was given, and the defaults for what was not."""
        return _over(self._defaults, given.model_dump(mode="json", exclude_unset=True))

    def merged(self, stored: Mapping[str, Any]) -> RuntimeSettings:
        """The defaults with these over them. What another version stored and this one cannot read does not count."""
        try:
            return _over(self._defaults, stored)
        except ValidationError:
            found = self._defaults
            for part, values in stored.items():
                for name, value in values.items() if isinstance(values, dict) else ():
                    try:
                        found = _over(found, {part: {name: value}})
                    except ValidationError:
                        structlog.get_logger(__name__).warning("setting_ignored", name=f"{part}.{name}")
            return found

    async def run(self) -> None:
        """The owner's task: follows what other processes change; returns only by being cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            await self.load()


async def _row(session: AsyncSession, *, lock: bool = False) -> Setting | None:
    statement = select(Setting).where(col(Setting.key) == KEY).execution_options(populate_existing=True)
    if lock:
        statement = statement.with_for_update()
    return (await session.exec(statement)).first()


def _plain(settings: RuntimeSettings) -> dict[str, dict[str, Any]]:
    return settings.model_dump(mode="json")


def _difference(wanted: dict[str, dict[str, Any]], defaults: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found = {
        part: {name: value for name, value in values.items() if value != defaults[part][name]}
        for part, values in wanted.items()
    }
    return {part: values for part, values in found.items() if values}


def _over(settings: RuntimeSettings, stored: Mapping[str, Any]) -> RuntimeSettings:
    """Raises ValidationError."""
    tree: dict[str, Any] = _plain(settings)
    for part, values in stored.items():
        tree[part] = {**tree.get(part, {}), **values} if isinstance(values, dict) else values
    return RuntimeSettings.model_validate(tree)
