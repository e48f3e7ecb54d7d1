"""The settings of a command, checked as a whole: every mistake is told at once, each in a line of its own."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from server.access.secrets import PREVIOUS_SETTING, SETTING, load_secrets, weakness
from server.chosen import NONE, Role, chosen_name, chosen_pack
from server.clock import SystemClock
from server.errors import Detail, Invalid, PackRefused, Unavailable
from server.masking import register_secret
from server.opening import broker, open_storage
from server.sections import Section
from server.settings import PREFIX, Settings, unknown_names
from server.tls import given
from server.vision.session import choose_providers

Change = Callable[[Settings], Settings]


class Misconfigured(Invalid):
    """What is wrong with the settings, each with the name under which it is set."""

    code = "misconfigured"


def read_settings(change: Change = lambda settings: settings) -> Settings:
    """The settings, with what the command line changes of them. Raises Misconfigured with every mistake at once.

    Their secrets are masked in every log line and error from then on.
    """
    settings, found = examine(change)
    if found or settings is None:
        found += [Detail(name, "unknown", "There is no such setting.") for name in unknown_names()]
        raise Misconfigured("\n".join(f"{one.field}: {one.message}" for one in found), details=tuple(found))
    return settings


def examine(change: Change = lambda settings: settings) -> tuple[Settings | None, list[Detail]]:
    """The settings, with the mistakes in them instead of an error; None where there is nothing to go on with."""
    settings, found = _typed(change)
    if settings is not None:
        for secret in secrets_of(settings):
            register_secret(secret)
        found += mistakes(settings)
    return settings, found


def complaints(error: ValidationError) -> list[Detail]:
    """pydantic's, by the names under which things are set; one for each value, whatever it could have been."""
    found: dict[tuple[str, str], Detail] = {}
    for wrong in error.errors(include_url=False, include_context=False, include_input=False):
        path, inside = _parted(wrong["loc"])
        item = f"item {inside[0] + 1} " if inside and isinstance(inside[0], int) else ""
        found.setdefault((_name(path), item), Detail(_name(path), wrong["type"], item + _sentence(wrong)))
    return list(found.values())


def mistakes(settings: Settings) -> list[Detail]:
    """What the types do not know: secrets that are weak, files that are not there, models that may not be used."""
    return [
        *_weak_secrets(settings), *_bad_certificate(settings), *_bad_packs(settings), *_bad_addresses(settings),
        *_bad_broker(settings),
        *(list(_half_a_login(settings)) or _bad_storage(settings)), *_bad_providers(settings), *_bad_roots(settings),
    ]  # fmt: skip


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every secret value: those that are set, those inside of URLs, and those kept in the data folder."""
    yield from _secret_values(settings)
    for url in (settings.database.url, settings.bus.url, settings.storage.url):
        password = urlsplit(url).password
        if password:
            yield password
            yield unquote(password)
    try:
        yield from load_secrets(settings.data_dir)
    except OSError:  # whoever needs them says so
        return


def _typed(change: Change) -> tuple[Settings | None, list[Detail]]:
    """With a wrong value the rest is looked at too, as if that one had not been set."""
    try:
        return change(Settings()), []
    except ValidationError as error:
        found, instead = complaints(error), _defaults(error)
    try:
        return change(Settings(**instead)), found
    except ValidationError:
        return None, found


def _defaults(error: ValidationError) -> dict[str, Any]:
    """What is wrong, as if it had not been set: a value, or a section with all of its values."""
    instead: dict[str, Any] = {}
    for wrong in error.errors(include_url=False):
        path, _ = _parted(wrong["loc"])
        model: type[BaseModel] = Settings
        level = instead
        for part in path[:-1]:
            model = type(model.model_fields[part].get_default())
            level = level.setdefault(part, {})
        if path[-1] not in model.model_fields:
            continue
        default = model.model_fields[path[-1]].get_default()
        level[path[-1]] = default.model_dump() if isinstance(default, Section) else default
    return instead


def _parted(place: tuple[int | str, ...]) -> tuple[tuple[str, ...], tuple[int | str, ...]]:
    """The path of a setting, and the place inside of its value."""
    model: type[BaseModel] = Settings
    for depth, part in enumerate(place, start=1):
        default = model.model_fields[str(part)].get_default() if part in model.model_fields else None
        if not isinstance(default, Section):
            return tuple(map(str, place[:depth])), place[depth:]
        model = type(default)
    return tuple(map(str, place)), ()


def _name(path: tuple[str, ...]) -> str:
    return f"{PREFIX}{'__'.join(path).upper()}"


def _sentence(wrong: ErrorDetails) -> str:
    if wrong["type"] == "tuple_type":
        return 'is a list in JSON, such as ["one","two"]'
    if "network" in str(wrong["loc"][-1]).lower():
        return "is a network such as 10.0.0.0/8"
    return wrong["msg"].removeprefix("Value error, ")


def _secret_values(model: BaseModel) -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, SecretStr):
                yield one.get_secret_value()
            elif isinstance(one, BaseModel):
                yield from _secret_values(one)


def _weak_secrets(settings: Settings) -> Iterator[Detail]:
    configured = settings.security.secret_key
    try:
        newest = (configured.get_secret_value(),) if configured else load_secrets(settings.data_dir)
    except OSError as error:
        yield Detail(SETTING, "not_readable", f"The secret in the data folder cannot be read: {error.strerror}.")
        return
    older = tuple(secret.get_secret_value() for secret in settings.security.previous_secret_keys)
    for setting, group in ((SETTING, newest), (PREVIOUS_SETTING, older)):
        for secret in group:
            if not secret.strip():
                yield Detail(setting, "weak_secret", "The secret is empty.")
            elif settings.production and (reason := weakness(secret.strip())):
                yield Detail(setting, "weak_secret", f"The secret {reason}. Leave it out to have one made.")


def _bad_certificate(settings: Settings) -> Iterator[Detail]:
    if settings.tls.cert is not None and settings.tls.key is not None:
        try:
            given(settings.tls.cert, settings.tls.key)
        except Invalid as error:
            for detail in error.details:
                yield Detail(_name(tuple(detail.field.split("."))), detail.code, detail.message)


def _bad_broker(settings: Settings) -> Iterator[Detail]:
    try:
        broker(settings)
    except Invalid as error:
        for detail in error.details:
            yield Detail(_name(tuple(detail.field.split("."))), detail.code, detail.message)


def _bad_packs(settings: Settings) -> Iterator[Detail]:
    roles: tuple[Role, ...] = ("detector", "embedder", "liveness")
    for role in roles:
        try:
            if chosen_name(settings, role) != NONE:
                chosen_pack(settings, role)
        except PackRefused as error:
            yield Detail(_name(("inference", role)), error.code, error.message)


def _bad_addresses(settings: Settings) -> Iterator[Detail]:
    """Where the stores are: read as their clients will read it, and not yet asked for anything."""
    try:
        make_url(settings.database_url)
    except (ArgumentError, ValueError):
        yield Detail(_name(("database", "url")), "malformed", "This is not an address of a database.")
    try:
        _ = urlsplit(settings.bus.url).port
    except ValueError:
        yield Detail(_name(("bus", "url")), "malformed", "The port is not a number from 0 to 65535.")


def _bad_storage(settings: Settings) -> Iterator[Detail]:
    try:
        open_storage(settings, SystemClock())
    except Invalid as error:
        yield Detail(_name(("storage", "url")), error.code, error.message)


def _bad_providers(settings: Settings) -> Iterator[Detail]:
    try:
        choose_providers(settings.inference.providers)
    except Unavailable as error:
        yield Detail(_name(("inference", "providers")), error.code, error.message)


def _bad_roots(settings: Settings) -> Iterator[Detail]:
    for position, root in enumerate(settings.media.roots, start=1):
        if not root.is_dir():
            yield Detail(_name(("media", "roots")), "not_a_folder", f"item {position} is not a folder: {root}.")


def _half_a_login(settings: Settings) -> Iterator[Detail]:
    chosen = settings.storage
    secret = chosen.secret_key.get_secret_value() if chosen.secret_key else ""
    if chosen.url.startswith("s3://") and bool(chosen.access_key) != bool(secret):
        missing = "access_key" if secret else "secret_key"
        yield Detail(_name(("storage", missing)), "missing", "The access key and the secret key belong together.")
