"""The command `rollcall`: one sub-command each; an error is one clear line, never a traceback."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from server.errors import RollcallError
from server.masking import mask_text
from server.settings import PREFIX

# The modules of server/commands. Only what is asked for is imported: a command about users needs no camera and no
# network, and does not wait for theirs to load.
PLAIN = {"serve": "serve", "demo": "serve", "worker": "worker", "doctor": "doctor"}
GROUPS = {
    "db": "The database: migrations and seed.",
    "user": "Users.",
    "keys": "The keys that sign and encrypt.",
    "models": "The model packs.",
    "people": "People and their photos.",
    "attendance": "Check-ins and check-outs.",
    "camera": "Cameras.",
    "events": "What happens.",
}


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """With the one command that the arguments name, or with all of them where that cannot be told."""
    app = typer.Typer(
        name="rollcall",
        help="Face attendance from the cameras a site already has.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(common)
    named = next(iter(arguments), "")
    for name, module in PLAIN.items():
        if named == name or named not in PLAIN.keys() | GROUPS.keys():
            app.command(name)(getattr(import_module(f"server.commands.{module}"), name))
    for name, text in GROUPS.items():
        if named == name or named not in PLAIN.keys() | GROUPS.keys():
            app.add_typer(import_module(f"server.commands.{name}").app, name=name, help=text)
    return app


def common(
    data: Annotated[Path | None, typer.Option("--data", help="Data folder.", show_default="./.rollcall")] = None,
) -> None:
    if data is not None:
        os.environ[f"{PREFIX}DATA_DIR"] = str(data)


def run() -> None:
    """The entry point."""
    # Nothing that is imported is garbage: looking for some takes a sixth of the time until a command begins.
    gc.disable()
    data, arguments = _data_apart(sys.argv[1:])
    try:
        app = make_app(arguments)
        gc.freeze()
        gc.enable()
        app(args=[*data, *arguments], standalone_mode=True)
    except RollcallError as error:
        if error.code == "misconfigured":
            _fail(*(f"{detail.field}: {detail.message}" for detail in error.details))
        fields = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
        _fail(f"{error.message} ({fields})" if fields and fields not in error.message else error.message)
    except ValidationError as error:
        from server.commands.configuration import complaints  # only for whoever has made a mistake

        _fail(*(f"{detail.field}: {detail.message}" for detail in complaints(error)))
    except (OSError, ValueError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except asyncio.CancelledError:  # asked to stop before it had started
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever it was, one line and not a traceback
        _fail((str(error).splitlines() or [""])[0] or type(error).__name__)


def _data_apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """`--data DIR` may stand after the sub-command too, as the contract says "every command takes it"."""
    for index, argument in enumerate(arguments):
        if argument == "--data" and index + 1 < len(arguments):
            return arguments[index : index + 2], arguments[:index] + arguments[index + 2 :]
        if argument.startswith("--data="):
            return [argument], arguments[:index] + arguments[index + 1 :]
    return [], arguments


def _fail(*messages: str) -> None:
    """A line for each thing that is wrong; usually that is one."""
    for message in messages:
        print(f"rollcall: {mask_text(message)}", file=sys.stderr)
    sys.exit(1)
