"""What the tests of the commands share: `rollcall` in a process of its own, with its own data folder."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import plain_environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def rollcall(tmp_path: Path) -> Run:
    """Runs the command as a user would; the standard input is not a terminal."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        own = {"ROLLCALL_DATA_DIR": str(tmp_path / "state"), "ROLLCALL_SECURITY__BCRYPT_ROUNDS": "4"}
        return subprocess.run(
            [str(Path(sys.executable).with_name("rollcall")), *arguments],
            input=stdin, capture_output=True, text=True, timeout=90, check=False, cwd=tmp_path,
            env=plain_environment() | own | environment,
        )  # fmt: skip

    return run
