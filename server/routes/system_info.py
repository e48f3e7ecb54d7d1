"""How this installation is set up, how it does, and who is connected to it: for operators, and for reports of bugs."""

import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from pydantic import Field

from server.events.facts import ServerFact, StatsFact
from server.events.limits import reach_of
from server.events.presence import Kind, Present, Server, Transport
from server.routes.endpoint import Call, Endpoint, ShortQuery, endpoint
from server.routes.responses import Page
from server.store import kiosks, migrate
from server.store.paging import AtOnce
from server.store.runtime import FeatureSettings
from server.vision.session import available_providers, usable_cores
from server.wire import Time, Wire

ADDRESSES = "audit:read"  # whoever reads there where everybody came from may read it here
KEYS = ("keys:read", "keys:manage")  # with both the keys of others are read
PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "av",
    "aiortc",
    "starlette",
    "uvicorn",
    "websockets",
)


class DatabasePublic(Wire):
    kind: Literal["sqlite", "postgresql"]
    version: str
    revision: str | None = Field(description="of the tables")


class ModelInUse(Wire):
    role: str = Field(description="detector, embedder or liveness")
    name: str
    version: str
    precision: str
    provider: str = Field(description="what runs it, such as CPUExecutionProvider")


class InfoPublic(Wire):
    version: str
    python: str
    platform: str
    cores: int = Field(description="that this process may use")
    server: ServerFact
    servers: int = Field(description="of the site that run now, this one included")
    time: Time
    time_zone: str = Field(description="of the site")
    production: bool
    https: bool
    database: DatabasePublic
    bus: Literal["memory", "redis"]
    storage: str = Field(description="file or s3")
    providers: list[str] = Field(description="execution providers of the installed runtime, best first")
    models: list[ModelInUse]
    packages: dict[str, str] = Field(description="versions of what matters most")
    features: FeatureSettings
    runs_cameras: bool
    works_on_jobs: bool
    compresses: bool = Field(description="whether WebSocket messages are compressed for whoever offers it")


class PresentPublic(Wire):
    """A connection that hears of events."""

    id: str
    kind: Kind
    user_id: str | None = Field(description="of a user or of the one to whom a program's key belongs; by `users:read`")
    kiosk_id: str | None = Field(description="by `kiosks:read`")
    key_id: str | None = Field(description="by `keys:read`, of others by `keys:manage` as well")
    name: str | None = Field(description="of the user, the kiosk or the key, for whoever may read its id; else null")
    since: Time
    address: str | None = Field(description="null for whoever may not read the audit")
    user_agent: str | None = Field(description="null for whoever may not read who it is")
    transport: Transport = Field(description="a WebSocket or a stream of Server-Sent Events")
    subscriptions: int = Field(description="topics that it follows")
    server: str = Field(description="the machine to which it is connected")


class PresenceQuery(ShortQuery):
    kind: Kind | None = Field(None, description="only users at consoles, only programs or only kiosks")


@endpoint("GET", "/system/info", allow="system:read")
async def get_info(call: Call) -> InfoPublic:
    """What runs here: versions, database, bus, networks and features; nothing of it is secret."""
    parts = call.parts
    installed, current = parts.installation, parts.runtime.current
    async with parts.store.engine.connect() as connection:
        revision = await migrate.current_on(connection)
        numbers = connection.dialect.server_version_info or ()
    models = [
        ModelInUse(
            role=role, name=pack.name, version=pack.version, precision=pack.manifest.result.precision, provider=provider
        )
        for role, (pack, provider) in parts.packs().items()
    ]
    return InfoPublic(
        version=version("rollcall"), python=platform.python_version(), platform=platform.platform(),
        cores=usable_cores(), server=parts.vitals.server,
        servers=len(parts.presence.servers()), time=parts.clock.now(), time_zone=parts.zone.key,
        production=installed.production, https=installed.https,
        database=DatabasePublic(
            kind="sqlite" if parts.store.is_sqlite else "postgresql", version=".".join(map(str, numbers)),
            revision=revision,
        ),
        bus="memory" if installed.bus == "memory" else "redis", storage=installed.storage,
        providers=available_providers(), models=models, packages=_packages(), features=current.features,
        runs_cameras=installed.runs_cameras, works_on_jobs=installed.works_on_jobs, compresses=installed.compresses,
    )  # fmt: skip


@endpoint("GET", "/system/stats", allow="system:read")
async def get_stats(call: Call) -> StatsFact:
    """How this server does: what `system.stats` tells those who follow it."""
    return await call.parts.vitals.stats()


@endpoint("GET", "/system/presence", allow="system:read")
async def list_presence(call: Call, query: PresenceQuery) -> Page[PresentPublic]:
    """Who is connected to hear of events, at every server of the site; who came last is first.

    Whoever is limited to cameras sees no kiosk of others. Addresses are for those who may read the audit. Who it is
    is said to those who may read it elsewhere: of users by `users:read`, of kiosks by `kiosks:read`, which key by
    `keys:read` and `keys:manage`; of oneself to everybody. `total` counts also those of a crowded server who are not
    listed.
    """
    own = await _own_kiosks(call)
    here, *others = call.parts.presence.servers()
    listed = [
        await _shown(call, server, one)
        for server in (here, *others)
        for one in server.present
        if query.kind in (None, one.kind) and (own is None or one.kind != "kiosk" or one.own_id in own)
    ]
    listed.sort(key=lambda one: (one.since, one.id), reverse=True)
    left_out = sum(
        count
        for server in others
        for kind, count in server.left_out.items()
        if query.kind in (None, kind) and (own is None or kind != "kiosk")  # which kiosks those are is not known here
    )
    found = Page.cut(query.wanted, listed)
    return replace(found, total=found.total + left_out)


async def _own_kiosks(call: Call) -> frozenset[str] | None:
    """Those within the limits of whoever asks; None without limits."""
    reach = reach_of(call.who)
    if not reach.limited:
        return None
    async with call.parts.store.read() as session:
        found = await kiosks.page(session, AtOnce(), reach)
    return frozenset(row.id for row in found.rows)


async def _shown(call: Call, server: Server, one: Present) -> PresentPublic:
    may = call.who.may
    is_kiosk = one.kind == "kiosk"
    is_own = not is_kiosk and one.own_id == call.who.id
    knows_who = is_own or may("kiosks:read" if is_kiosk else "users:read")
    knows_key = is_own or all(map(may, KEYS))
    key_name = await call.parts.access.key_name(one.key_id) if one.key_id is not None and knows_key else ""
    return PresentPublic(
        id=one.connection_id, kind=one.kind, user_id=one.own_id if knows_who and not is_kiosk else None,
        kiosk_id=one.own_id if knows_who and is_kiosk else None, key_id=one.key_id if knows_key else None,
        name=key_name or (one.name if knows_who else None), since=one.since,
        address=one.address if may(ADDRESSES) else None, user_agent=one.agent if knows_who else None,
        transport=one.transport, subscriptions=one.subscriptions, server=server.name,
    )  # fmt: skip


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # another runtime is installed
            continue
    return found


ENDPOINTS: tuple[Endpoint, ...] = (get_info, get_stats, list_presence)
