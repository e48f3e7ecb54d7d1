"""`rollcall keys`: the keys that sign and encrypt, and a new one. They go by their ids; nothing prints a secret."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer

from server.access import reseal as access_reseal
from server.access.keyring import Keyring, key_id
from server.access.secrets import PREVIOUS_SETTING, SETTING, load_secrets, rotate_secrets
from server.access.template_seals import TemplateSeals
from server.access.webhook_seals import WebhookSeals
from server.errors import Conflict
from server.opening import open_store, prepare
from server.settings import Settings
from server.store import credentials, sealed, webhooks
from server.store.engine import Store
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


@dataclass(frozen=True, slots=True)
class Held:
    """How many faces and webhooks are sealed, and how many PINs and badges digested, with which key.

    Addresses of cameras and second factors do not say with which: see access.reseal.
    """

    faces: Mapping[Any, int]
    webhooks: Mapping[Any, int]
    codes: Mapping[Any, int]

    def under(self, ids: Collection[str | None]) -> tuple[int, int, int]:
        """How many of each go by one of these keys."""
        faces, receivers, codes = (
            sum(count for kid, count in one.items() if kid in ids) for one in (self.faces, self.webhooks, self.codes)
        )
        return faces, receivers, codes

    def keys(self) -> set[str | None]:
        return {*self.faces, *self.webhooks, *self.codes}


@app.command()
def reseal() -> None:
    """Seals every face (templates, visitors, refused views), webhook, camera's address and second factor anew with the
    newest key, as a start of the server does.

    Then an older key may go, unless PINs and badges still go by it.
    """
    done, lost, held, newest = asyncio.run(_reseal(Settings()))
    faces, receivers, codes = held.under(held.keys() - {newest})
    typer.echo(f"{_told(*done)} were sealed anew.")
    if codes:
        typer.echo(f"{codes} PINs and badges still go by an older key. Each goes over to the newest when it is used.")
    if faces or receivers or lost:
        raise Conflict(f"{_told(faces, receivers, lost)} are sealed with a key that is not here.", code="key_missing")


def _check_unneeded(settings: Settings, dropped: Sequence[str]) -> None:
    """Raises Conflict where something is sealed, or PINs and badges digested, with a key that would go, and stays
    elsewhere nowhere."""
    elsewhere = {key_id(secret.get_secret_value().strip()) for secret in settings.security.previous_secret_keys}
    ids = {key_id(secret) for secret in dropped} - elsewhere
    if not ids:
        return
    going = Keyring([secret for secret in dropped if key_id(secret) in ids])
    held, others = asyncio.run(_held(settings, going))
    faces, receivers, codes = held.under(ids)
    if faces or receivers or others:
        raise Conflict(
            f"{_told(faces, receivers, others)} are sealed with a key that would go. Run `rollcall keys reseal` first, "
            "or keep more.",
            code="key_needed",
        )
    if codes:
        raise Conflict(
            f"{codes} PINs and badges go by a key that would go. Each goes over to the newest key when it is used: "
            "keep more for now, or set those anew that nobody uses.",
            code="key_needed",
        )


async def _held(settings: Settings, going: Keyring) -> tuple[Held, int]:
    """With how many addresses and second factors the keys that would go open; nothing before the first start."""
    if await current(settings.database_url) is None:
        return Held({}, {}, {}), 0
    async with open_store(settings) as store:
        return await _held_in(store), await access_reseal.count(store, going)


async def _held_in(store: Store) -> Held:
    async with store.read() as session:
        return Held(
            await sealed.count_by_key(session),
            await webhooks.count_by_key(session),
            await credentials.count_by_key(session),
        )


async def _reseal(settings: Settings) -> tuple[tuple[int, int, int], int, Held, str]:
    """How many of each were, how many addresses and second factors no key opens, what there is now, and the id of the
    newest key."""
    keyring = Keyring(await prepare(settings))
    seals, of_webhooks = TemplateSeals(keyring), WebhookSeals(keyring)
    async with open_store(settings) as store:
        faces, receivers = await seals.seal_all(store), await of_webhooks.seal_all(store)
        others, lost = await access_reseal.seal_all(store, keyring)
        return (faces, receivers, others), lost, await _held_in(store), seals.key_id


def _told(faces: int, receivers: int, others: int) -> str:
    parts = [f"{receivers} webhooks"] * bool(receivers) + [f"{others} addresses and second factors"] * bool(others)
    return " and ".join([f"{faces} faces", *parts])


def _print(secrets: list[str] | tuple[str, ...], *, first_signs: bool) -> None:
    for position, kid in enumerate(dict.fromkeys(key_id(secret) for secret in secrets)):
        typer.echo(f"{kid}  {'signs' if first_signs and position == 0 else 'verifies'}")
