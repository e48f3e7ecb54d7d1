"""`rollcall keys`: the keys that sign and encrypt, and a new one. They go by their ids; nothing prints a secret."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import typer

from server.access.keyring import Keyring, key_id
from server.access.secrets import PREVIOUS_SETTING, SETTING, load_secrets, rotate_secrets
from server.access.template_seals import TemplateSeals
from server.errors import Conflict
from server.opening import open_store, prepare
from server.settings import Settings
from server.store import credentials, sealed
from server.store.migrate import current

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_keys() -> None:
    """Prints the ids of the keys, newest first: one signs, all verify and decrypt."""
    settings = Settings()
    configured = settings.security.secret_key
    newest = (configured.get_secret_value().strip(),) if configured else load_secrets(settings.data_dir)
    older = [secret.get_secret_value().strip() for secret in settings.security.previous_secret_keys]
    if not newest:
        typer.echo("There is no key yet: the first start makes one.")
    _print([*newest, *older], first_signs=bool(newest))


@app.command()
def rotate(
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Keep no more than so many keys: what only an older one reads is lost for good."),
    ] = None,
) -> None:
    """Makes a new key, which signs from the next start on. What was signed or encrypted before goes on being good."""
    settings = Settings()
    if settings.security.secret_key is not None:
        raise Conflict(
            f"The key is set by {SETTING}. Put the present value first in {PREVIOUS_SETTING}, a JSON list, "
            f"and a new one into {SETTING}; then restart every process.",
            code="key_is_configured",
        )
    settings.make_data_dir()
    _print(rotate_secrets(settings.data_dir, keep, check=partial(_check_unneeded, settings)), first_signs=True)
    typer.echo("Restart every server and worker of this installation.")


@app.command()
def reseal() -> None:
    """Seals every face anew with the newest key (templates, visitors, refused views), as a start of the server does.

    Then an older key may go, unless PINs and badges still go by it.
    """
    done, left, codes = asyncio.run(_reseal(Settings()))
    typer.echo(f"{done} faces were sealed anew.")
    if codes:
        typer.echo(f"{codes} PINs and badges still go by an older key. Each goes over to the newest when it is used.")
    if left:
        raise Conflict(f"{left} faces are sealed with a key that is not here.", code="key_missing")


def _check_unneeded(settings: Settings, dropped: Sequence[str]) -> None:
    """Raises Conflict where faces are sealed, or PINs and badges digested, with a key that would go, and stays
    elsewhere nowhere."""
    elsewhere = {key_id(secret.get_secret_value().strip()) for secret in settings.security.previous_secret_keys}
    ids = {key_id(secret) for secret in dropped} - elsewhere
    if not ids:
        return
    faces, codes = asyncio.run(_counted(settings))
    needed = sum(faces.get(kid, 0) for kid in ids)
    if needed:
        raise Conflict(
            f"{needed} faces are sealed with a key that would go. Run `rollcall keys reseal` first, or keep more.",
            code="key_needed",
        )
    needed = sum(codes.get(kid, 0) for kid in ids)
    if needed:
        raise Conflict(
            f"{needed} PINs and badges go by a key that would go. Each goes over to the newest key when it is used: "
            "keep more for now, or set those anew that nobody uses.",
            code="key_needed",
        )


async def _counted(settings: Settings) -> tuple[Mapping[str | None, int], Mapping[str, int]]:
    """How many faces are sealed with which key, and how many PINs and badges go by which; none before the first
    start."""
    if await current(settings.database_url) is None:
        return {}, {}
    async with open_store(settings) as store, store.read() as session:
        return await sealed.count_by_key(session), await credentials.count_by_key(session)


async def _reseal(settings: Settings) -> tuple[int, int, int]:
    """How many were, how many no key opens, and how many PINs and badges need an older key."""
    secrets = await prepare(settings)
    seals = TemplateSeals(Keyring(secrets))
    async with open_store(settings) as store:
        done = await seals.seal_all(store)
        async with store.read() as session:
            counted = await sealed.count_by_key(session)
            codes = await credentials.count_by_key(session)
    left = sum(count for kid, count in counted.items() if kid != seals.key_id)
    return done, left, sum(count for kid, count in codes.items() if kid != seals.key_id)


def _print(secrets: list[str] | tuple[str, ...], *, first_signs: bool) -> None:
    for position, kid in enumerate(dict.fromkeys(key_id(secret) for secret in secrets)):
        typer.echo(f"{kid}  {'signs' if first_signs and position == 0 else 'verifies'}")
