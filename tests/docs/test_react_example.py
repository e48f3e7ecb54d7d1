"""The React example: typed from this server's own OpenAPI document, and checked by TypeScript."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.app import ENDPOINTS
from server.routes.openapi import document

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "react"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy with its packages and today's types."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian's package npm)")
    folder = tmp_path / "react"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "openapi.json").write_text(json.dumps(document(ENDPOINTS, "test")))
    run(folder, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    run(folder, "run", "types")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "OPENAPI": "openapi.json"}
    done = subprocess.run(
        ["npm", *arguments], cwd=folder, env=settings, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0 or arguments[-1] == "check", done.stdout + done.stderr
    return done


def test_its_packages_are_exact_versions() -> None:
    """So that the check answers tomorrow what it answers today; a lock file would name a registry."""
    package = json.loads((EXAMPLE / "package.json").read_text())
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} {version}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_is_typed_by_the_api(example: Path) -> None:
    """It compiles against the document, and no longer once it asks for what the API does not have."""
    done = run(example, "run", "check")
    assert done.returncode == 0, done.stdout
    present = example / "src" / "Present.tsx"
    present.write_text(present.read_text().replace("/api/v1/attendance/present", "/api/v1/attendance/absent"))
    assert "TS" in run(example, "run", "check").stdout
