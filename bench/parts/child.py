"""A process of a benchmark's own: says hello with one line of JSON, then answers each line it is asked with one."""

import json
import select
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]

PATIENCE_S = 90.0
ENDS_WITHIN_S = 15.0


class Child:
    """`python -m bench.parts.<module> …`, within `with`; it ends when its input does. `quiet` hides its errors."""

    def __init__(self, module: str, *arguments: str, quiet: bool = False) -> None:
        self._command = [sys.executable, "-m", f"bench.parts.{module}", *arguments]
        self._errors = subprocess.DEVNULL if quiet else None
        self._process: subprocess.Popen[bytes] | None = None
        self.hello: Json = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        try:
            self.hello = self._answer(PATIENCE_S)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def ask(self, *words: object, within_s: float = PATIENCE_S) -> Json:
        """Its answer to this line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write((" ".join(str(word) for word in words) + "\n").encode())
        self._process.stdin.flush()
        return self._answer(within_s)

    def _answer(self, within_s: float) -> Json:
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], within_s)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError(f"{' '.join(self._command[2:])} gave no answer.")
        answer: Json = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{' '.join(self._command[2:])}: {answer['error']}")
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
