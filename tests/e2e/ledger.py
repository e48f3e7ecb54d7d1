"""What a stack says in the end of all that was acknowledged: in the database, to subscribers, and in files."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.breakable import Stack
from tests.e2e.load import Entry
from tests.journeys.client import Json


def until(holds: Callable[[], bool], within_s: float, what: Callable[[], object]) -> None:
    """Waits for it, and says what there is where it does not come."""
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s, f"not within {within_s} s: {what()}"
        time.sleep(0.2)


class Ledger:
    """Read from the database itself."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def entries(self) -> Counter[Entry]:
        rows = self._rows("SELECT person_id, at, direction FROM entries WHERE state = 'valid'")
        return Counter((row["person_id"], row["at"], row["direction"]) for row in rows)

    def events(self, topic: str) -> list[tuple[int, str, str, Json]]:
        """Offset, id, type and data of each, in their order."""
        rows = self._rows(f"SELECT \"offset\", id, type, data FROM events WHERE topic = '{topic}' ORDER BY 1")
        return [(row["offset"], row["id"], row["type"], json.loads(row["data"])) for row in rows]

    def head(self, topic: str) -> int:
        events = self.events(topic)
        return events[-1][0] if events else 0

    def jobs(self, *kinds: str) -> list[Json]:
        names = ", ".join(f"'{kind}'" for kind in kinds)
        return [dict(row) for row in self._rows(f"SELECT * FROM jobs WHERE kind IN ({names}) ORDER BY id")]

    def open_jobs(self) -> list[tuple[str, str, str | None]]:
        rows = self._rows("SELECT kind, state, error FROM jobs WHERE state IN ('queued', 'running')")
        return [(row["kind"], row["state"], row["error"]) for row in rows]

    def check_entries(self, acknowledged: Sequence[Entry]) -> None:
        """Each is there once, and nothing else is."""
        wanted, there = Counter(acknowledged), self.entries()
        assert not wanted - there, f"lost: {list(wanted - there)[:5]}"
        assert not there - wanted, f"doubled, or of nobody: {list(there - wanted)[:5]}"

    def check_told(self, topic: str, told: Sequence[Json]) -> None:
        """A subscriber has got every event of the log once, in order, without a gap."""
        stored = self.events(topic)
        assert [offset for offset, *_ in stored] == list(range(1, len(stored) + 1))
        assert [(one["offset"], one["event"]["id"]) for one in told] == [(offset, id_) for offset, id_, *_ in stored]

    def check_each_told_once(self) -> None:
        """Each entry has one event."""
        told = Counter(data["entryId"] for _, _, _, data in self.events("attendance"))
        ids = {row["id"] for row in self._rows("SELECT id FROM entries")}
        assert set(told) == ids
        assert set(told.values()) <= {1}

    def check_jobs(self, kind: str, asked: int, folder: str, **figures: int) -> None:
        """As many as were asked for: each done and told once, with these figures and one file that is there."""
        done = self.jobs(kind)
        told = [(job["state"], job["attempts"], job["error"]) for job in done]
        assert [state for state, *_ in told] == ["done"] * asked, told
        ends = Counter(
            data["id"] for _, _, type_, data in self.events("jobs") if type_ in ("job.done", "job.failed")
        )  # fmt: skip
        assert [ends[job["id"]] for job in done] == [1] * asked
        for job in done:
            result: dict[str, Any] = json.loads(job["result"])
            assert figures.items() <= result.items(), result
        assert self._files(folder) == {job["result_key"] for job in done}

    def _files(self, folder: str) -> set[str]:
        place: Path = self._stack.objects
        return {str(path.relative_to(place)) for path in (place / folder).rglob("*") if path.is_file()}

    def _rows(self, query: str) -> list[Any]:
        return asyncio.run(self._stack.rows(query))
