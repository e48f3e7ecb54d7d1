"""The settings: one frozen tree, read once from the environment and `.env`, checked as a whole at start."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from server.sections import MqttSettings, Network, OutboundSettings, RealtimeSettings, Section, SmtpSettings

PREFIX = "ROLLCALL_"
_ORIGIN = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII)
_ICE_URL = re.compile(r"stuns?:[\w.-]+(:\d{1,5})?|turns?:[\w.-]+(:\d{1,5})?(\?transport=(udp|tcp))?", re.ASCII)
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


def _one_of(value: str, *beginnings: str) -> str:
    if not any(value.startswith(one) if one else not value for one in beginnings):
        raise ValueError(f"begins with {', '.join(one for one in beginnings if one)}")
    return value


class DatabaseSettings(Section):
    url: str = Field(
        "", description="sqlite+aiosqlite:///… or postgresql+asyncpg://…; empty: SQLite in the data folder"
    )
    migrate_at_start: bool = Field(True, description="bring the database up to date before serving")
    pool_size: Annotated[int, Field(ge=1, le=500)] = Field(20, description="connections to PostgreSQL, at most")
    pool_recycle_s: Annotated[int, Field(ge=10, le=86400)] = Field(
        3600, description="a connection older than this is opened anew"
    )
    statement_timeout_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        30.0, description="PostgreSQL ends a statement that takes longer"
    )

    @field_validator("url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        return _one_of(value, "", "sqlite+aiosqlite://", "postgresql+asyncpg://")


class BusSettings(Section):
    url: str = Field("memory://", description="memory:// or redis://…")

    @field_validator("url")
    @classmethod
    def _known_bus(cls, value: str) -> str:
        return _one_of(value, "memory://", "redis://", "rediss://", "unix://")


class StorageSettings(Section):
    url: str = Field("", description="file://… or s3://bucket/prefix; empty: a folder in the data folder")
    endpoint: str = Field("", description="of an S3 that is not Amazon's, such as http://minio:9000")
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: SecretStr | None = None
    link_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(15, description="how long a signed link is good")

    @field_validator("url")
    @classmethod
    def _known_storage(cls, value: str) -> str:
        return _one_of(value, "", "file:///", "s3://")

    @field_validator("endpoint")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        return _one_of(value, "", "http://", "https://")


class SecuritySettings(Section):
    secret_key: SecretStr | None = Field(
        None, description="signing keys derive from it; made on first start when not set"
    )
    previous_secret_keys: tuple[SecretStr, ...] = Field(
        (), description="still read, not written any more: what was signed or encrypted before a change of the key"
    )
    access_token_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = Field(
        14, description="how long a program stays signed in without a refresh, and a browser in all"
    )
    session_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        90, description="after that somebody signs in again, however often they came back"
    )
    bcrypt_rounds: Annotated[int, Field(ge=4, le=16)] = Field(12, description="cost of a password's hash; 12 or more")
    secure_cookies: bool = Field(False, description="set when the pages are served over HTTPS")


class MediaSettings(Section):
    roots: tuple[Path, ...] = Field((), description="folders from which file cameras may read, as a JSON list")
    allowed_networks: tuple[Network, ...] = Field(
        tuple(ip_network(n) for n in PRIVATE_NETWORKS),
        description="where network cameras may be; loopback, link-local and metadata addresses only if named",
    )
    run_cameras: bool = Field(
        True, description="this server runs the cameras; of several servers on one database exactly one does"
    )
    open_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    read_timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    stall_after_s: Annotated[float, Field(gt=0, le=300)] = Field(
        10.0, description="restart a camera after so long without video"
    )
    longest_pause_s: Annotated[float, Field(ge=0.5, le=600)] = Field(
        30.0, description="the longest pause between two tries of a camera; pauses double up to it, from half a second"
    )
    alert_after_s: Annotated[float, Field(gt=0, le=86400)] = Field(
        60.0, description="raise an alert when a camera is away, frozen or black for longer"
    )


class InferenceSettings(Section):
    providers: tuple[str, ...] = Field(
        (), description="onnxruntime execution providers, in order; empty: best available"
    )
    threads: Annotated[int, Field(ge=0, le=128)] = Field(
        0, description="threads of one model run; 0: by the number of cores"
    )
    detector: str = Field(
        "", description="the model pack that finds faces; empty: as `rollcall models use` chose, else centerface"
    )
    embedder: str = Field(
        "", description="the model pack that tells them apart; empty: as `models use` chose, else mobilefacenet"
    )
    liveness: str = Field("", description="the liveness model pack, or none; empty: as `models use` chose, else none")
    accept_research_only: tuple[str, ...] = Field(
        (), description="packs for research only that production may use all the same, as a JSON list of names"
    )
    input_width_px: Annotated[int, Field(ge=160, le=3840)] = Field(
        640, description="pictures are scaled down to it for detection"
    )
    frames_per_second: Annotated[float, Field(gt=0, le=60)] = Field(
        5.0, description="analysed frames a second and camera"
    )
    max_batch: Annotated[int, Field(ge=1, le=256)] = 8
    max_wait_ms: Annotated[float, Field(ge=0, le=1000)] = Field(
        8.0, description="how long a request waits for others to share its batch"
    )
    max_pending: Annotated[int, Field(ge=1, le=4096)] = 64
    stale_after_s: Annotated[float, Field(gt=0, le=30)] = Field(
        1.0, description="a frame older than this is dropped, not analysed"
    )


class RecognitionSettings(Section):
    index: Literal["exact", "auto", "approximate"] = Field(
        "auto", description="search every template; by an index beyond 100,000; always by an index (extra `index`)"
    )


class IceServerSettings(Section):
    urls: tuple[str, ...] = Field(min_length=1)
    username: str | None = None
    credential: SecretStr | None = None

    @field_validator("urls")
    @classmethod
    def _ice_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ICE_URL.fullmatch(url) for url in value):
            raise ValueError("is like stun:host:3478, turn:host:3478 or turns:host:5349?transport=tcp")
        return value

    @model_validator(mode="after")
    def _whole_login(self) -> "IceServerSettings":
        secret = self.credential.get_secret_value() if self.credential else ""
        if bool(self.username) != bool(secret):
            raise ValueError("username and credential belong together")
        if not secret and any(url.startswith("turn") for url in self.urls):
            raise ValueError("a TURN server needs username and credential")
        # They are sent to browsers in a header.
        if not (f"{self.username or ''}{secret}".isascii() and f"{self.username or ''}{secret}x".isprintable()):
            raise ValueError("username and credential are printable ASCII")
        return self


class WebrtcSettings(Section):
    ice_servers: tuple[IceServerSettings, ...] = Field(
        (),
        description='STUN and TURN, also handed to the browser: [{"urls":["turn:…"],"username":"…","credential":"…"}]',
    )
    max_sessions: Annotated[int, Field(ge=1, le=4096)] = Field(
        256, description="who watches over WebRTC at the same time"
    )


class AttendanceSettings(Section):
    cooldown_s: Annotated[int, Field(ge=0, le=86400)] = Field(
        300, description="the least time between two entries of one person at one camera"
    )
    timezone: str = Field("UTC", description="the site's time zone; decides where a day begins")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is not an IANA time zone such as Europe/Berlin") from error
        return value


class LivenessSettings(Section):
    policy: Literal["off", "warn", "refuse"] = Field(
        "off", description="a face not shown to be alive: off, an alert, or no entry; a camera may override it"
    )


class SightingSettings(Section):
    gap_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        10.0, description="somebody back within it extends the sighting"
    )
    snapshot_quality: Annotated[int, Field(ge=30, le=95)] = 82


class TlsSettings(Section):
    cert: Path | None = Field(None, description="certificate, PEM")
    key: Path | None = Field(None, description="its key, PEM")
    self_signed: bool = Field(False, description="make a certificate at the first start, and keep it")
    names: tuple[str, ...] = Field((), description="further host names and addresses for the self-signed one")
    hsts_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        180, description="browsers keep to HTTPS for so long; 0: not told; never told of a self-signed certificate"
    )

    @model_validator(mode="after")
    def _whole(self) -> "TlsSettings":
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together")
        if self.cert is not None and self.self_signed:
            raise ValueError("give a certificate or ask for a self-signed one, not both")
        return self


class FeatureSettings(Section):
    """Flags: defaults for the runtime settings, which an administrator may change while the server runs."""

    api_docs: bool = Field(True, description="/docs, the description of the API to try out")
    live_video: bool = Field(True, description="live video of the cameras")
    browser_cameras: bool = Field(True, description="browsers may publish their camera")


class JobSettings(Section):
    embedded: bool = Field(True, description="this server works on jobs too; otherwise only `rollcall worker` does")
    at_once: Annotated[int, Field(ge=1, le=64)] = Field(2, description="jobs of one process at once, of each priority")


class HttpSettings(Section):
    cors_origins: tuple[str, ...] = Field(
        (), description="pages of other sites that may use the API, such as https://app.example.com, as a JSON list"
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="proxies whose X-Forwarded-For and X-Forwarded-Proto count, as a JSON list of networks"
    )
    max_body_mb: Annotated[int, Field(ge=1, le=1024)] = 16
    max_import_mb: Annotated[int, Field(ge=1, le=16384)] = Field(512, description="the largest import of people")

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one != "*" and not _ORIGIN.fullmatch(one):
                raise ValueError(f"{one} is not an origin such as https://app.example.com, without anything after it")
        return value


class LogSettings(Section):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class _Environment(EnvSettingsSource):
    """Unknown names are warned of elsewhere; what is no JSON is left as it is, for the check to name with the rest."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _known(super()._load_env_vars())

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class _EnvFile(_Environment, DotEnvSettingsSource):
    """The same for `.env`."""


class Settings(BaseSettings):
    """Everything that can be set; ROLLCALL_ before the name, __ between the levels."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        frozen=True,
        extra="ignore",
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(
        Path("./.rollcall"), description="SQLite file, local objects, generated secrets, pulled models"
    )
    production: bool = Field(False, description="refuses weak secrets, demo passwords and research-only models")
    database: DatabaseSettings = DatabaseSettings()
    bus: BusSettings = BusSettings()
    storage: StorageSettings = StorageSettings()
    security: SecuritySettings = SecuritySettings()
    media: MediaSettings = MediaSettings()
    inference: InferenceSettings = InferenceSettings()
    recognition: RecognitionSettings = RecognitionSettings()
    webrtc: WebrtcSettings = WebrtcSettings()
    attendance: AttendanceSettings = AttendanceSettings()
    liveness: LivenessSettings = LivenessSettings()
    sightings: SightingSettings = SightingSettings()
    http: HttpSettings = HttpSettings()
    realtime: RealtimeSettings = RealtimeSettings()
    tls: TlsSettings = TlsSettings()
    features: FeatureSettings = FeatureSettings()
    jobs: JobSettings = JobSettings()
    outbound: OutboundSettings = OutboundSettings()
    mqtt: MqttSettings = MqttSettings()
    smtp: SmtpSettings = SmtpSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), _EnvFile(settings_cls)

    def make_data_dir(self) -> None:
        """For this user only: it holds faces and the secret."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def database_url(self) -> str:
        """The configured one, or the SQLite file in the data folder."""
        return self.database.url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'rollcall.db'}"

    @property
    def storage_url(self) -> str:
        return self.storage.url or f"file://{self.data_dir.absolute() / 'objects'}"


def _names(model: type[BaseModel], prefix: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for name, field in model.model_fields.items():
        full = f"{prefix}{name.upper()}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            rows += _names(field.annotation, f"{full}__")
            continue
        default = field.get_default()
        if isinstance(default, tuple):
            shown = "[" + ",".join(f'"{item}"' for item in default) + "]"
        else:
            shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        rows.append((full, shown, field.description or ""))
    return rows


def _known_names() -> set[str]:
    known = {name for name, _, _ in _names(Settings, PREFIX)}
    return known | {name.rsplit("__", 1)[0] for name in known if "__" in name}


def _known(found: Mapping[str, str | None]) -> dict[str, str | None]:
    known = _known_names()
    return {name: value for name, value in found.items() if name.upper() in known}


def unknown_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """ROLLCALL_ names in the environment and `.env` that mean nothing: a typing error does not pass in silence."""
    names: set[str] = set(os.environ) | set(dotenv_values(".env")) if environ is None else set(environ)
    return sorted(n for n in names if n.upper().startswith(PREFIX) and n.upper() not in _known_names())


def example() -> str:
    """The text of `.env.example`, made from the classes."""
    lines = ["# Every setting with its default. Copy to .env and uncomment what you change. Lists are JSON.", ""]
    for name, default, description in _names(Settings, PREFIX):
        if description:
            lines.append(f"# {description}")
        lines += [f"#{name}={default}", ""]
    return "\n".join(lines)
