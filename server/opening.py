"""Opening: what the settings name, each by itself. The server opens all of it, a command only what it needs."""

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from server.access.secrets import load_or_make_secrets
from server.address import AddressRules, ReceiverRules
from server.clock import Clock
from server.errors import Invalid
from server.objects.objects import Objects
from server.objects.open import open_objects
from server.outbound.mail import Mailer, MailServer
from server.outbound.mqtt_words import Broker
from server.parts import Installation
from server.settings import Settings
from server.store.engine import Store
from server.store.migrate import upgrade
from server.store.runtime import (
    AttendanceSettings,
    FeatureSettings,
    RuntimeSettings,
    SightingSettings,
    SiteSettings,
)
from server.webrtc.ice import IceServer


def address_rules(settings: Settings) -> AddressRules:
    """What a camera's address may point to."""
    roots = tuple(root.absolute() for root in settings.media.roots)
    return AddressRules(roots=roots, allowed_networks=settings.media.allowed_networks)


def receiver_rules(settings: Settings) -> ReceiverRules:
    """Where webhooks may go."""
    return ReceiverRules(settings.outbound.allowed_networks)


def broker(settings: Settings) -> Broker | None:
    """The MQTT broker that is told, if there is one. Raises Invalid for authorities that cannot be read."""
    chosen = settings.mqtt
    if not chosen.url:
        return None
    parts = urlsplit(chosen.url)
    tls = parts.scheme == "mqtts"
    return Broker(
        parts.hostname or "", parts.port or (8883 if tls else 1883), tls, chosen.username or None,
        chosen.password.get_secret_value() if chosen.password else None, chosen.base_topic, chosen.discovery_prefix,
        chosen.people, _authorities(chosen.ca_file) if tls else None,
    )  # fmt: skip


def mailer(settings: Settings) -> Mailer | None:
    """Who takes mail, if anybody does."""
    chosen = settings.smtp
    if not chosen.host:
        return None
    port = chosen.port or {"starttls": 587, "tls": 465, "none": 25}[chosen.security]
    return Mailer(
        MailServer(
            chosen.host, port, chosen.security, chosen.sender, chosen.sender_name, chosen.username or None,
            chosen.password.get_secret_value() if chosen.password else None, chosen.timeout_s,
        )
    )  # fmt: skip


def installation(settings: Settings) -> Installation:
    """What may be told of the settings: kinds, and no addresses."""
    return Installation(
        production=settings.production, bus="memory" if settings.bus.url.startswith("memory:") else "redis",
        storage=urlsplit(settings.storage_url).scheme, runs_cameras=settings.media.run_cameras,
        works_on_jobs=settings.jobs.embedded, compresses=settings.realtime.compression,
        https=settings.security.secure_cookies,
    )  # fmt: skip


def ice_servers(settings: Settings) -> tuple[IceServer, ...]:
    """STUN and TURN."""
    return tuple(
        IceServer(one.urls, one.username, one.credential.get_secret_value() if one.credential else None)
        for one in settings.webrtc.ice_servers
    )


def _authorities(file: Path | None) -> Path | None:
    if file is not None:
        try:
            ssl.create_default_context(cafile=file)
        except ssl.SSLError:  # before OSError, which it is as well
            raise Invalid.field("mqtt.ca_file", "not_pem", f"{file} holds no certificate in PEM.") from None
        except OSError as error:
            said = f"{file} cannot be read: {error.strerror}."
            raise Invalid.field("mqtt.ca_file", "not_readable", said) from None
    return file


def open_storage(settings: Settings, clock: Clock) -> Objects:
    """Where the pictures are. Raises Invalid for what cannot be one; asks nothing of it yet."""
    chosen = settings.storage
    return open_objects(
        settings.storage_url,
        endpoint=chosen.endpoint,
        region=chosen.region,
        access_key=chosen.access_key,
        secret_key=chosen.secret_key.get_secret_value() if chosen.secret_key else "",
        clock=clock,
    )


def runtime_defaults(settings: Settings) -> RuntimeSettings:
    """What holds until an administrator changes it while the server runs."""
    return RuntimeSettings(
        site=SiteSettings(timezone=settings.attendance.timezone),
        attendance=AttendanceSettings(cooldown_s=settings.attendance.cooldown_s),
        sightings=SightingSettings(gap_s=settings.sightings.gap_s),
        features=FeatureSettings(**settings.features.model_dump()),
    )


async def prepare(settings: Settings) -> tuple[str, ...]:
    """The data folder, the secrets and the database, ready for use. Returns the secrets, newest first."""
    secrets = await open_secrets(settings)
    if settings.database.migrate_at_start:
        await upgrade(settings.database_url)
    return secrets


async def open_secrets(settings: Settings) -> tuple[str, ...]:
    """The data folder and the secrets in it or configured, newest first."""
    await asyncio.to_thread(settings.make_data_dir)
    configured = settings.security.secret_key
    return await asyncio.to_thread(
        load_or_make_secrets,
        settings.data_dir,
        configured.get_secret_value() if configured else None,
        [one.get_secret_value() for one in settings.security.previous_secret_keys],
        settings.production,
    )


def open_store(settings: Settings) -> Store:
    """The configured database; close it."""
    chosen = settings.database
    return Store(
        settings.database_url,
        pool_size=chosen.pool_size,
        pool_recycle_s=chosen.pool_recycle_s,
        statement_timeout_s=chosen.statement_timeout_s,
    )
