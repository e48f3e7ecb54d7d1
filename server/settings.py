"""The settings: one frozen tree, read once from the environment and `.env`, checked as a whole at start."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "ROLLCALL_"
_ICE_URL = re.compile(r"stuns?:[\w.-]+(:\d{1,5})?|turns?:[\w.-]+(:\d{1,5})?(\?transport=(udp|tcp))?", re.ASCII)
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")

Network = IPv4Network | IPv6Network


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(Section):
    url: str = Field(
        "", description="sqlite+aiosqlite:///… or postgresql+asyncpg://…; empty: SQLite in the data folder"
    )
    migrate_at_start: bool = Field(True, description="bring the database up to date before serving")


class BusSettings(Section):
    url: str = Field("memory://", description="memory:// or redis://…")


class StorageSettings(Section):
    url: str = Field("", description="file://… ; empty: a folder in the data folder")


class SecuritySettings(Section):
    secret_key: SecretStr | None = Field(
        None, description="signing keys derive from it; made on first start when not set"
    )
    access_token_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    refresh_token_days: Annotated[int, Field(ge=1, le=365)] = 14
    bcrypt_rounds: Annotated[int, Field(ge=4, le=16)] = Field(12, description="cost of a password's hash; 12 or more")
    secure_cookies: bool = Field(False, description="set when the pages are served over HTTPS")


class MediaSettings(Section):
    roots: tuple[Path, ...] = Field((), description="folders from which file cameras may read, as a JSON list")
    allowed_networks: tuple[Network, ...] = Field(
        tuple(ip_network(n) for n in PRIVATE_NETWORKS),
        description="where network cameras may be; loopback, link-local and metadata addresses only if named",
    )
    open_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    read_timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    stall_after_s: Annotated[float, Field(gt=0, le=300)] = Field(
        10.0, description="restart a camera after so long without video"
    )


class InferenceSettings(Section):
    providers: tuple[str, ...] = Field(
        (), description="onnxruntime execution providers, in order; empty: best available"
    )
    threads: Annotated[int, Field(ge=0, le=128)] = Field(
        0, description="threads of one model run; 0: by the number of cores"
    )
    detector: str = Field("centerface", description="the model pack that finds faces")
    embedder: str = Field("mobilefacenet", description="the model pack that tells them apart")
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


class SightingSettings(Section):
    gap_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        10.0, description="somebody back within it extends the sighting"
    )
    snapshot_quality: Annotated[int, Field(ge=30, le=95)] = 82


class HttpSettings(Section):
    cors_origins: tuple[str, ...] = ()
    max_body_mb: Annotated[int, Field(ge=1, le=1024)] = 16


class LogSettings(Section):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


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
    webrtc: WebrtcSettings = WebrtcSettings()
    attendance: AttendanceSettings = AttendanceSettings()
    sightings: SightingSettings = SightingSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()

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


def unknown_names(environ: dict[str, str] | None = None) -> list[str]:
    """ROLLCALL_ names in the environment that mean nothing, so that a typing error does not pass in silence."""
    known = {name for name, _, _ in _names(Settings, PREFIX)}
    sections = {name.rsplit("__", 1)[0] for name in known if "__" in name}
    names = os.environ if environ is None else environ
    return sorted(n for n in names if n.upper().startswith(PREFIX) and n.upper() not in known | sections)


def example() -> str:
    """The text of `.env.example`, made from the classes."""
    lines = ["# Every setting with its default. Copy to .env and uncomment what you change. Lists are JSON.", ""]
    for name, default, description in _names(Settings, PREFIX):
        if description:
            lines.append(f"# {description}")
        lines += [f"#{name}={default}", ""]
    return "\n".join(lines)
