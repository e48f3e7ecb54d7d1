"""`rollcall models export`: a YOLO face model of one's own becomes a pack. Needs the extra `yolo` (AGPL-3.0)."""

import hashlib
import importlib
import re
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from server.chosen import pack_folders
from server.errors import PackRefused
from server.settings import Settings
from server.vision.packs import MANIFEST, read_manifest
from server.vision.prove import prove


def export(
    weights: Annotated[Path, typer.Argument(help="FILE.pt of Ultralytics, trained for faces with five key points.")],
    name: Annotated[str | None, typer.Option(help="The pack's name; the file's if none.")] = None,
) -> None:
    """Exports to ONNX and makes a pack of it in the data folder."""
    if not weights.is_file():
        raise PackRefused(f"{weights} is not there.", code="pack_missing")
    name = name or re.sub("[^a-z0-9]+", "-", weights.stem.lower()).strip("-")
    folder = make_pack(exported(weights), pack_folders(Settings())[1], name)
    typer.echo(f"{name}: {folder}. `rollcall models use {name}` chooses it.")


def exported(weights: Path) -> Path:
    """The ONNX file that Ultralytics writes beside the weights."""
    try:
        ultralytics = importlib.import_module("ultralytics")
    except ImportError as error:
        raise PackRefused(
            "Exporting needs the package ultralytics (AGPL-3.0): pip install '.[yolo]' in the checkout.",
            code="needs_ultralytics",
        ) from error
    return Path(str(ultralytics.YOLO(str(weights)).export(format="onnx", dynamic=True, simplify=False)))


def make_pack(network: Path, packs: Path, name: str) -> Path:
    """A folder with the network and a manifest, once it has proved to be a face detector."""
    folder = packs / name
    if folder.exists():
        raise PackRefused(f"{folder} is there already: choose another --name, or remove it.", code="pack_exists")
    unfinished = packs / f".{name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        model = unfinished / f"{name}.onnx"
        shutil.copy(network, model)
        (unfinished / MANIFEST).write_text(manifest(name, hashlib.sha256(model.read_bytes()).hexdigest()), "utf-8")
        pack = read_manifest(unfinished)
        np.savez_compressed(unfinished / "reference.npz", **prove(pack, model))  # type: ignore[arg-type]
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def manifest(name: str, sha256: str) -> str:
    """What `model.toml` says of an export: pixels from 0 to 1, and a table of boxes and points."""
    return f"""# Exported from weights of one's own by `rollcall models export`.
name = "{name}"
version = "1"
title = "YOLO face, {name}"
task = "detection"
licence = "AGPL-3.0"
licence_note = "Ultralytics and what it exports are AGPL-3.0 unless you have another licence from its makers."

[result]
file = "{name}.onnx"
sha256 = "{sha256}"
tolerance = 0.02

[input]
colour = "rgb"
multiple_of = 32
scale = {1 / 255!r}

[detection]
head = "yolo"
confidence = 0.4
overlap = 0.45
"""
