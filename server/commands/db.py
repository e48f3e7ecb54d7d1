"""`rollcall db`: migrations, and what every installation starts with."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.audit import Audit
from server.access.camera_addresses import CameraAddresses
from server.access.keyring import Keyring
from server.access.permissions import ADMIN, ALL, ROLES
from server.access.secrets import SETTING, load_secrets
from server.access.template_seals import TemplateSeals
from server.clock import SystemClock
from server.commands.door import COMMAND_LINE, new_password, open_door
from server.opening import open_secrets, open_storage, open_store, runtime_defaults
from server.settings import Settings
from server.store import migrate
from server.store.archive import Manifest
from server.store.backup import backup as write_backup
from server.store.restore import restore as read_backup
from server.store.runtime import RuntimeState
from server.wire import rfc3339

app = typer.Typer(no_args_is_help=True)
ADDRESSES_SEALED_SINCE = "0003"
TEMPLATES_SEALED_SINCE = "0005"


@app.command()
def upgrade(revision: Annotated[str, typer.Argument()] = "head") -> None:
    """Brings the database up to date."""
    settings = Settings()
    settings.make_data_dir()
    asyncio.run(migrate.upgrade(settings.database_url, revision))
    typer.echo(asyncio.run(migrate.current(settings.database_url)) or "empty")


# -1 is a revision here, and no option.
@app.command(context_settings={"ignore_unknown_options": True})
def downgrade(revision: Annotated[str, typer.Argument(help="A revision, -1, or base.")]) -> None:
    """Takes the database back to an earlier revision."""
    settings = Settings()
    asyncio.run(_downgrade(settings, revision))
    typer.echo(asyncio.run(migrate.current(settings.database_url)) or "empty")


@app.command()
def current() -> None:
    """Prints the revision of the database."""
    typer.echo(asyncio.run(migrate.current(Settings().database_url)) or "empty")


@app.command()
def seed(
    admin: Annotated[str, typer.Option(help="E-mail address of a first administrator, if there is none.")] = "",
    name: Annotated[str, typer.Option(help="Full name of the first administrator.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the administrator's password from standard input.")
    ] = False,
) -> None:
    """Brings the database up to date and adds what every installation starts with: roles, permissions, settings.

    What is there stays: it can be repeated without harm. The password of a first administrator is asked for; without
    a terminal one is made and printed once.
    """
    settings = Settings()
    settings.make_data_dir()
    asyncio.run(migrate.upgrade(settings.database_url))
    password, made = new_password(password_stdin) if admin else ("", False)
    created = asyncio.run(_seed(settings, admin, name or admin.split("@")[0], password))
    typer.echo(f"{len(ALL)} permissions, the roles {', '.join(ROLES)}, and the settings are there.")
    if created:
        typer.echo(f"Created {created} as {ADMIN}.")
    elif admin:
        typer.echo("There is an administrator already.")
    if created and made:
        typer.echo(f"Password: {password}")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    objects: Annotated[bool, typer.Option("--objects", help="The pictures too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Writes the whole database into one file, which SQLite and PostgreSQL can be restored from.

    A server may run meanwhile. The secret key is not in it: keep that too, and elsewhere.
    """
    manifest = asyncio.run(_backup(Settings(), file, objects=objects, force=force))
    typer.echo(f"{file}: {_summary(manifest)}")
    typer.echo(f"The secret key that goes with it is not in it ({SETTING}, or secret.key in the data folder).")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `rollcall db backup` has written.")],
    force: Annotated[bool, typer.Option("--force", help="Replace everything that is in the database.")] = False,
) -> None:
    """Loads a backup into the database: all of it or nothing. Stop every server and worker first."""
    settings = Settings()
    settings.make_data_dir()
    manifest = asyncio.run(_restore(settings, file, force=force))
    typer.echo(f"Restored {_summary(manifest)}")


def _summary(manifest: Manifest) -> str:
    rows = sum(part.count for part in manifest.tables.values())
    pictures = "without the pictures" if manifest.objects is None else f"{manifest.objects.count} objects"
    return f"{rows} rows in {len(manifest.tables)} tables of revision {manifest.revision}, {pictures}"


def _tell(line: str) -> None:
    typer.echo(line, err=True)


async def _backup(settings: Settings, file: Path, *, objects: bool, force: bool) -> Manifest:
    clock = SystemClock()
    pictures = open_storage(settings, clock) if objects else None
    keyring = _present_keys(settings)
    return await write_backup(
        settings.database_url, file, at=clock.now(), key_ids=keyring.kids if keyring else (), pictures=pictures,
        replace=force, tell=_tell,
    )  # fmt: skip


async def _restore(settings: Settings, file: Path, *, force: bool) -> Manifest:
    clock, keyring = SystemClock(), _present_keys(settings)

    async def record(session: AsyncSession, manifest: Manifest) -> None:
        """Not with another key than that of the chain, which could be put right by putting the right key in place."""
        if keyring is not None and _lacking(manifest, keyring) is None:
            told = {"revision": manifest.revision, "created_at": rfc3339(manifest.created_at)}
            audit = Audit(store, keyring, clock)
            await audit.record(session, COMMAND_LINE, "database.restored", "database", None, after=told)

    async with open_store(settings) as store:
        manifest = await read_backup(
            settings.database_url, file, pictures=open_storage(settings, clock), replace=force, also=record, tell=_tell
        )
    if (kid := _lacking(manifest, keyring)) is not None:
        _tell(
            f"rollcall: the secret key {kid}, which goes with this backup, is not here. Before the first start put it "
            f"in place ({SETTING}, or secret.key in the data folder): without it the passwords of cameras "
            "and the templates of faces are lost."
        )
    return manifest


def _present_keys(settings: Settings) -> Keyring | None:
    """The keys that are there; none is made, so that the right ones can still be put in place."""
    configured, previous = settings.security.secret_key, settings.security.previous_secret_keys
    newest = (configured.get_secret_value(),) if configured else load_secrets(settings.data_dir)
    found = [one.strip() for one in (*newest, *(secret.get_secret_value() for secret in previous))]
    return Keyring(found) if newest and all(found) else None


def _lacking(manifest: Manifest, keyring: Keyring | None) -> str | None:
    """The id of the first key of the backup that is not here."""
    here = keyring.kids if keyring else ()
    return next((kid for kid in manifest.key_ids if kid not in here), None)


async def _downgrade(settings: Settings, revision: str) -> None:
    """What is sealed is opened on the way below the revision that seals it, so that nothing is lost."""
    undone = await migrate.undone(settings.database_url, revision)
    if not {ADDRESSES_SEALED_SINCE, TEMPLATES_SEALED_SINCE} & set(undone):
        await migrate.downgrade(settings.database_url, revision)
        return
    keyring = Keyring(await open_secrets(settings))

    async def unseal(connection: AsyncConnection) -> None:
        async with AsyncSession(connection) as session:
            if TEMPLATES_SEALED_SINCE in undone:
                await TemplateSeals(keyring).unseal_all(session)
            if ADDRESSES_SEALED_SINCE in undone:
                await CameraAddresses(keyring).unseal_all(session)

    # In the migration's transaction: where that fails, they stay sealed.
    await migrate.downgrade(settings.database_url, revision, first=unseal)


async def _seed(settings: Settings, admin: str, full_name: str, password: str) -> str | None:
    async with open_door(settings) as (store, access):
        await RuntimeState(store, runtime_defaults(settings)).load()
        if not admin:
            return None
        user = await access.accounts.first_admin(admin, full_name, password, actor=COMMAND_LINE)
    return user.email if user else None
