"""A passive liveness pack around the network that lies beside some checkouts, and never in the repository."""

import hashlib
import shutil
from pathlib import Path

NAME = "antispoof"
SHARED_FILE = Path(__file__).parents[1].parent / "shared" / "models" / "antispoof_print_replay_1.5_128.onnx"


def make_antispoof(models: Path) -> Path:
    """A pack `antispoof` in that folder of packs. The file must be there."""
    folder = models / NAME
    folder.mkdir(parents=True)
    shutil.copy(SHARED_FILE, folder / "antispoof.onnx")
    (folder / "model.toml").write_text(
        f"""
name = "{NAME}"
version = "1"
title = "Print and replay"
task = "liveness"
licence = "not stated"
[result]
file = "antispoof.onnx"
sha256 = "{hashlib.sha256(SHARED_FILE.read_bytes()).hexdigest()}"
[input]
colour = "rgb"
size = 128
scale = 0.00392156862745098
[liveness]
crop = 1.5
classes = ["live", "print", "replay"]
live = "live"
threshold = 0.5
"""
    )
    return folder
