"""The command `rollcall`: one sub-command each; errors are one clear line, never a traceback."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from server.commands import camera, db, models, people, serve, user
from server.errors import RollcallError
from server.settings import PREFIX
from server.telemetry import mask_text

app = typer.Typer(
    name="rollcall",
    help="Face attendance from the cameras a site already has.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(serve.demo)
app.add_typer(db.app, name="db", help="The database: migrations and seed.")
app.add_typer(user.app, name="user", help="Users.")
app.add_typer(models.app, name="models", help="The model packs.")
app.add_typer(people.app, name="people", help="People and their photos.")
app.add_typer(camera.app, name="camera", help="Cameras.")


@app.callback()
def common(
    data: Annotated[Path | None, typer.Option("--data", help="Data folder.", show_default="./.rollcall")] = None,
) -> None:
    if data is not None:
        os.environ[f"{PREFIX}DATA_DIR"] = str(data)


def run() -> None:
    """The entry point."""
    try:
        # --data may stand after the sub-command too, as the contract says "every command takes it".
        app(args=_data_first(sys.argv[1:]), standalone_mode=True)
    except RollcallError as error:
        fields = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
        _fail(f"{error.message} ({fields})" if fields and fields not in error.message else error.message)
    except ValidationError as error:
        _fail("; ".join(_complaint(found["loc"], found["msg"]) for found in error.errors(include_url=False)))
    except (OSError, ValueError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except asyncio.CancelledError:  # asked to stop before it had started
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever it was, one line and not a traceback
        _fail((str(error).splitlines() or [""])[0] or type(error).__name__)


def _data_first(arguments: list[str]) -> list[str]:
    for index, argument in enumerate(arguments):
        if argument == "--data" and index + 1 < len(arguments):
            return ["--data", arguments[index + 1], *arguments[:index], *arguments[index + 2 :]]
        if argument.startswith("--data="):
            return [argument, *arguments[:index], *arguments[index + 1 :]]
    return arguments


def _complaint(place: tuple[int | str, ...], message: str) -> str:
    """Settings by the name under which they are set."""
    return f"{PREFIX}{'__'.join(str(part).upper() for part in place)}: {message}"


def _fail(message: str) -> None:
    print(f"rollcall: {mask_text(message)}", file=sys.stderr)
    sys.exit(1)
