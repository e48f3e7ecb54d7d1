"""A second embedder that differs from the default one in nothing but its name and its bytes."""

import hashlib
import shutil
from pathlib import Path

from server.assets import asset


def make_twin(models: Path, name: str = "twin", mark: bytes = b"a") -> Path:
    """A pack `name` in that folder of packs; another `mark` makes another build of it."""
    folder = models / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(asset("models") / "mobilefacenet", folder)
    network = folder / "mobilefacenet.onnx"
    # Field 2 of an ONNX model is the name of its producer: said again, the last one counts.
    network.write_bytes(network.read_bytes() + b"\x12" + bytes([len(mark)]) + mark)
    manifest = folder / "model.toml"
    text = manifest.read_text().replace('name = "mobilefacenet"', f'name = "{name}"').replace("default = true\n", "")
    before = hashlib.sha256((asset("models") / "mobilefacenet/mobilefacenet.onnx").read_bytes()).hexdigest()
    manifest.write_text(text.replace(before, hashlib.sha256(network.read_bytes()).hexdigest()))
    return folder
