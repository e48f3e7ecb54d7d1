"""`rollcall keys`: the keys that sign and encrypt, and a new one. They go by their ids; nothing prints a secret."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import typer

from server.access.keyring import Keyring, key_id
from server.access.secrets import PREVIOUS_SETTING, SETTING, load_secrets, rotate_secrets
from server.access.template_seals import TemplateSeals
from server.access.webhook_seals import WebhookSeals
from server.errors import Conflict
from server.opening import open_store, prepare
from server.settings import Settings
from server.store import sealed, webhooks
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
    """Seals every face (templates, visitors, refused views) and every webhook anew with the newest key, as a start of
    the server does.

    Then an older key may go.
    """
    done, left = asyncio.run(_reseal(Settings()))
    typer.echo(f"{_told(done)} were sealed anew.")
    if any(left):
        raise Conflict(f"{_told(left)} are sealed with a key that is not here.", code="key_missing")


def _check_unneeded(settings: Settings, dropped: Sequence[str]) -> None:
    """Raises Conflict where something is sealed with a key that would go, and stays elsewhere nowhere."""
    elsewhere = {key_id(secret.get_secret_value().strip()) for secret in settings.security.previous_secret_keys}
    ids = {key_id(secret) for secret in dropped} - elsewhere
    if not ids:
        return
    counted = asyncio.run(_counted(settings))
    needed = (sum(counted[0].get(kid, 0) for kid in ids), sum(counted[1].get(kid, 0) for kid in ids))
    if any(needed):
        raise Conflict(
            f"{_told(needed)} are sealed with a key that would go. Run `rollcall keys reseal` first, or keep more.",
            code="key_needed",
        )


async def _counted(settings: Settings) -> tuple[Mapping[str | None, int], Mapping[str, int]]:
    """How many faces, and how many webhooks, are sealed with which key; none before the first start."""
    if await current(settings.database_url) is None:
        return {}, {}
    async with open_store(settings) as store, store.read() as session:
        return await sealed.count_by_key(session), await webhooks.count_by_key(session)


async def _reseal(settings: Settings) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many faces and webhooks were, and how many no key opens."""
    keyring = Keyring(await prepare(settings))
    seals, of_webhooks = TemplateSeals(keyring), WebhookSeals(keyring)
    async with open_store(settings) as store:
        done = (await seals.seal_all(store), await of_webhooks.seal_all(store))
        async with store.read() as session:
            faces, receivers = await sealed.count_by_key(session), await webhooks.count_by_key(session)
    left = sum(count for kid, count in faces.items() if kid != seals.key_id)
    return done, (left, sum(count for kid, count in receivers.items() if kid != seals.key_id))


def _told(counts: tuple[int, int]) -> str:
    faces, receivers = counts
    return f"{faces} faces" if not receivers else f"{faces} faces and {receivers} webhooks"


def _print(secrets: list[str] | tuple[str, ...], *, first_signs: bool) -> None:
    for position, kid in enumerate(dict.fromkeys(key_id(secret) for secret in secrets)):
        typer.echo(f"{kid}  {'signs' if first_signs and position == 0 else 'verifies'}")
