"""`rollcall doctor`: whether this installation can work, a line for each thing, and what to do where it cannot."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from server.chosen import roles_in_use
from server.commands import checks
from server.commands.checks import Finding, in_thread
from server.commands.configuration import examine
from server.errors import Detail
from server.masking import mask_text
from server.settings import Settings, unknown_names

WITHIN_S = 5.0
Check = Callable[[], Awaitable[Finding]]
Named = tuple[str, Finding]


def doctor(
    host: Annotated[str, typer.Option(help="Address that the server listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port that the server listens on.")] = 8000,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Checks configuration, ports, database, bus, storage, models and execution providers."""
    found = asyncio.run(examined(host, port))
    if as_json:
        rows = [{"check": n, "state": f.state, "message": f.message, "advice": f.advice or None} for n, f in found]
        typer.echo(mask_text(json.dumps(rows, indent=2, ensure_ascii=False)))
    else:
        for line in lines(found):
            typer.echo(line)
    if any(finding.state == "failed" for _, finding in found):
        raise typer.Exit(1)


def lines(found: Sequence[Named]) -> list[str]:
    """For people: what it is, how it is, and what to do."""
    width = max(len(name) for name, _ in found)
    shown = []
    for name, finding in found:
        advice = f"  -> {finding.advice}" if finding.advice else ""
        shown.append(mask_text(f"{finding.state:<8} {name:<{width}}  {finding.message}{advice}"))
    return shown


async def examined(host: str, port: int) -> list[Named]:
    """Every check; those that only wait side by side, the models one after the other."""
    settings, mistakes = examine()
    found = configuration(mistakes)
    if settings is None:
        return found
    side_by_side = _checks(settings, host, port)
    findings = await asyncio.gather(*(bounded(check) for _, check in side_by_side))
    found += list(zip((name for name, _ in side_by_side), findings, strict=True))
    for role in roles_in_use(settings):
        found.append((role, await bounded(_threaded(checks.pack, settings, role))))
    return found


def configuration(mistakes: Sequence[Detail]) -> list[Named]:
    """Every mistake, and every name that means nothing."""
    found = [
        ("configuration", checks.failed(f"{one.field}: {one.message}", "Change it in the environment or in .env."))
        for one in mistakes
    ]
    found += [
        ("configuration", checks.warning(f"{name}: there is no such setting", "See .env.example for those there are."))
        for name in unknown_names()
    ]
    return found or [("configuration", checks.ok("Every setting is good"))]


async def bounded(check: Check, within_s: float = WITHIN_S) -> Finding:
    """What it found; failed where it takes too long or breaks."""
    try:
        async with asyncio.timeout(within_s):
            return await check()
    except TimeoutError:
        return checks.failed(f"No answer within {within_s:g} s", "See whether it can be reached from this machine.")
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the others
        reason = (str(error).splitlines() or [""])[0]
        return checks.failed(f"{type(error).__name__}: {reason}", "This check itself has failed.")


def _checks(settings: Settings, host: str, port: int) -> list[tuple[str, Check]]:
    return [
        ("data folder", _threaded(checks.data_folder, settings)),
        ("port", lambda: checks.port(host, port)),
        ("https", _threaded(checks.certificate, settings)),
        ("database", lambda: checks.database(settings)),
        ("bus", lambda: checks.bus(settings)),
        ("storage", lambda: checks.storage(settings)),
        ("providers", _threaded(checks.providers, settings)),
        ("ffmpeg", _threaded(checks.ffmpeg)),
        ("webrtc", _threaded(checks.webrtc, settings)),
    ]


def _threaded(check: Callable[..., Finding], *arguments: object) -> Check:
    return lambda: in_thread(lambda: check(*arguments))
