"""Modules of the pages in Node, with parts of a browser that a script plays."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.assets import asset


def said(folder: Path, module: str, script: str) -> list[Any]:
    """What a script prints as JSON at its end; the module and all that it imports lie beside it."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed.")
    wanted = {module}
    while names := {name for name in wanted if not (folder / name).exists()}:
        for name in names:
            text = (asset("web") / "static" / "js" / name).read_text()
            (folder / name).write_text(text)
            wanted |= set(re.findall(r'^import .* from "\./([\w-]+\.js)";$', text, re.MULTILINE))
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "script.js").write_text(script)
    done = subprocess.run(["node", "script.js"], cwd=folder, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found
