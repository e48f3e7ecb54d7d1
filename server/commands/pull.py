"""`rollcall models pull`: a network from where its manifest says, once its licence is accepted."""

import hashlib
import io
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from server.chosen import pack_folders
from server.commands.download import OnProgress, download
from server.errors import PackRefused
from server.settings import Settings
from server.vision.packs import PULLED, Download, Pack, find_pack
from server.vision.prove import prove

BAR = 30


def pull(
    name: Annotated[str, typer.Argument(help="A pack of `rollcall models list`.")],
    accept_licence: Annotated[
        bool, typer.Option(help="You accept the pack's licence; otherwise you are asked.")
    ] = False,
) -> None:
    """Downloads a pack's network into the data folder, checks it, and keeps its hash."""
    folders = pack_folders(Settings())
    pack = find_pack(name, *folders)
    for line in terms(pack):
        typer.echo(line)
    if not accept_licence and not _asked():
        raise PackRefused(
            f"The licence of {name} was not accepted: --accept-licence says that you do.", code="licence_not_accepted"
        )
    path, pinned = pull_pack(pack, folders[1] / name, show_progress)
    typer.echo(f"{name}: {path}")
    if pinned:
        typer.echo(f"{name}: nobody had stated its hash; from now on it is {pinned}, kept in {path.parent / PULLED}.")


def terms(pack: Pack) -> list[str]:
    """What somebody accepts, and where the network comes from."""
    manifest = pack.manifest
    lines = [f"{manifest.title}: {manifest.licence}"]
    lines += [manifest.licence_note] if manifest.licence_note else []
    lines += ["For research only: production refuses it unless a setting names it."] if pack.research_only else []
    lines += [f"Trained on: {'; '.join(manifest.training.values())}"] if manifest.training else []
    return [*lines, f"From: {_download(pack).url}"]


def pull_pack(pack: Pack, folder: Path, on_progress: OnProgress) -> tuple[Path, str | None]:
    """Fetch, compare, try, and only then put in place; also returns the hash if it was pinned by this pull.

    A network that is refused replaces nothing: what was there before goes on.
    """
    source = _download(pack)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "download.part"
    download(source.url, part, on_progress)
    network = _network(pack, source, part)
    found = hashlib.sha256(network).hexdigest()
    if pack.sha256 and found != pack.sha256:
        part.unlink()
        raise PackRefused(f"{source.url} is not the file of {pack.name} that is known: its SHA-256 is {found}.")
    tried = folder / "network.part"
    tried.write_bytes(network)
    try:
        reference = prove(replace(pack, pin=found), tried)
        pinned = None if pack.sha256 else found
        if not (pack.folder / "reference.npz").is_file():
            np.savez_compressed(folder / "reference.npz", **reference)  # type: ignore[arg-type]
        _write_note(folder / PULLED, source.url, found)
        path = folder / pack.manifest.result.file
        tried.replace(path)
    finally:
        tried.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    return path, pinned


def show_progress(have: int, total: int | None) -> None:
    """A bar on a terminal; nothing where the output goes to a file."""
    if not sys.stderr.isatty():
        return
    megabytes = f"{have / 1e6:.1f} MB"
    if total:
        done = min(have / total, 1.0)
        megabytes = f"[{'#' * round(done * BAR):<{BAR}}] {done:4.0%} of {total / 1e6:.1f} MB"
    typer.echo(f"\r{megabytes}", nl=have == total, err=True)


def _download(pack: Pack) -> Download:
    if pack.manifest.download is None:
        raise PackRefused(f"{pack.name} is not pulled: {pack.how_to_get}.", code="not_pulled")
    return pack.manifest.download


def _asked() -> bool:
    return sys.stdin.isatty() and typer.confirm("Do you accept this licence?")


def _network(pack: Pack, source: Download, part: Path) -> bytes:
    """The file, or the one member of the archive that is it; nothing else of it is written."""
    content = part.read_bytes()
    if not source.member:
        return content
    found = hashlib.sha256(content).hexdigest()
    if source.sha256 is not None and found != source.sha256:
        part.unlink()
        raise PackRefused(f"{source.url} is not the archive that {pack.name}'s manifest names: its SHA-256 is {found}.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(source.member)
    except (KeyError, zipfile.BadZipFile) as error:
        part.unlink()
        raise PackRefused(f"{source.url} does not contain {source.member}.") from error


def _write_note(path: Path, url: str, sha256: str) -> None:
    unfinished = path.with_suffix(".part")
    accepted = datetime.now(UTC).isoformat(timespec="seconds")
    unfinished.write_text(f'url = "{url}"\nsha256 = "{sha256}"\nlicence_accepted = "{accepted}"\n', encoding="utf-8")
    unfinished.replace(path)
