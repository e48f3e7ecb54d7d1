"""`rollcall camera`: what a stream is, before it is mounted."""

import asyncio
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer

from server.address import check_source
from server.media.probe import probe
from server.media.source import SourceSpec
from server.opening import address_rules
from server.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Cameras."""


@app.command("probe")
def probe_url(
    url: Annotated[str, typer.Argument(help="rtsp://…, http://…, the path of a file or a device number.")],
) -> None:
    """Says what a stream is, or why it cannot be opened."""
    rules = address_rules(Settings())
    scheme = urlsplit(url).scheme
    kind: Literal["rtsp", "http", "file", "usb"]
    if url.isdecimal():
        kind = "usb"
    else:
        kind = "rtsp" if scheme in ("rtsp", "rtsps") else "http" if scheme in ("http", "https") else "file"
    check_source(kind, url, rules)
    found = asyncio.run(probe(SourceSpec("probe", kind, url), rules))
    fps = f"{found.fps:.3g} frames a second" if found.fps else "no stated frame rate"
    extras = [
        name for name, there in (("B-frames", found.has_b_frames), (f"audio {found.audio}", found.audio)) if there
    ]
    typer.echo(", ".join([f"{found.codec} {found.width}x{found.height}", fps, *extras]))
