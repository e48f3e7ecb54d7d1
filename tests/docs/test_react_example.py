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

# Enough of a browser for `follow`: each socket is closed with the next code, and timers ring at once.
AWAY = """
const codes = JSON.parse(process.argv[2]), said = [];
let renewed = 0;
class Ended extends Error {}
require.cache[require.resolve("./session.js")] = { exports: { hasEnded: (error) => error instanceof Ended } };
globalThis.window = { setTimeout: (call) => setImmediate(call), clearTimeout: () => {} };
globalThis.WebSocket = class {
  constructor() {
    const code = codes.shift();
    if (code) setImmediate(() => this.onclose({ code }));
    else said.push("open");
  }
  close() {}
};
const token = async () => {
  if (renewed > 2) throw new Ended();
  return "token";
};
const session = { token, renew: () => { renewed += 1; } };
require("./events.js").follow(session, "ws://x", "jobs", { onState: (state) => said.push(state) });
process.on("exit", () => console.log(JSON.stringify({ said, renewed })));
"""
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "react"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with its packages and today's types."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian's package npm)")
    folder = tmp_path_factory.mktemp("example") / "react"
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


@pytest.mark.journey
@pytest.mark.timeout(600)
def test_it_is_typed_by_the_api(example: Path) -> None:
    """It compiles against the document, and no longer once it asks for what the API does not have."""
    done = run(example, "run", "check")
    assert done.returncode == 0, done.stdout
    present = example / "src" / "Present.tsx"
    right = present.read_text()
    present.write_text(right.replace("/api/v1/attendance/present", "/api/v1/attendance/absent"))
    try:
        assert "TS" in run(example, "run", "check").stdout
    finally:
        present.write_text(right)


@pytest.mark.journey
@pytest.mark.timeout(600)
def test_when_it_comes_back(example: Path) -> None:
    """After a 4501 with a new token, and no more where there is none; not where the session has ended or may not."""
    built = ["exec", "--", "tsc", "src/events.ts", "--outDir", "out", "--target", "es2022", "--module", "commonjs"]
    run(example, *built, "--moduleResolution", "node10", "--lib", "es2022,dom,dom.iterable", "--skipLibCheck")
    (example / "out" / "away.js").write_text(AWAY)
    (example / "out" / "package.json").write_text('{"type": "commonjs"}')
    for codes, said, renewed in (
        ([4501, 1012], ["connecting", "away", "connecting", "away", "connecting", "open"], 1),
        ([4501] * 5, ["connecting", "away"] * 3 + ["connecting", "ended"], 3),
        ([4510], ["connecting", "ended"], 0),
        ([4503], ["connecting", "refused"], 0),
    ):
        done = subprocess.run(
            ["node", "away.js", json.dumps(codes)],
            cwd=example / "out", capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout) == {"said": said, "renewed": renewed}
