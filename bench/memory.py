"""Resident memory of `rollcall demo` with its two cameras, half a minute and a minute after it is ready.

    python bench/memory.py [--at 30 60]

The demo runs in a process of its own on a fresh data folder; its children, if any, count too. The ratio is to the
most that is allowed, 700 MB.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.parts.report import figure
from tests.journeys.server import RollcallServer

ALLOWED_MB = 700.0


def resident_mb(pid: int) -> float:
    """Of the process and its children, in units of a million bytes."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(float(one.memory_info().rss) for one in family) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", type=float, nargs="+", default=[30.0, 60.0], help="seconds after it is ready")
    asked = parser.parse_args()
    most = 0.0
    with tempfile.TemporaryDirectory() as folder:
        server = RollcallServer(Path(folder))
        server.start("demo")
        try:
            ready = time.monotonic()
            for at_s in sorted(asked.at):
                time.sleep(max(0.0, ready + at_s - time.monotonic()))
                resident = resident_mb(server.pid)
                most = max(most, resident)
                figure(f"resident_memory_mb, after {at_s:.0f} s", resident, ("allowed", ALLOWED_MB))
        finally:
            server.stop()
    return 0 if most <= ALLOWED_MB else 1


if __name__ == "__main__":
    sys.exit(main())
