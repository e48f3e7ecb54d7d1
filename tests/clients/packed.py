"""The JavaScript package as whoever packs and unpacks it has it, and a Node that can run it."""

import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "clients" / "js"


def unpack_into(folder: Path) -> Path:
    """A folder whose modules find `rollcall-client`."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian's package npm)")
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), str(PACKAGE)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder / "node_modules", filter="data")
    (folder / "node_modules" / "package").rename(folder / "node_modules" / "rollcall-client")
    return folder


@cache
def node() -> list[str]:
    """Node with a WebSocket of its own: since 22, and since 20.10 where it is asked for."""
    for command in (["node"], ["node", "--experimental-websocket"]):
        asked = [*command, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
        if shutil.which("node") and subprocess.run(asked, check=False, capture_output=True, timeout=60).returncode == 0:
            return command
    pytest.skip("There is no Node with a WebSocket here.")
