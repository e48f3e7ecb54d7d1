"""What counts of the entries after corrections; the entries themselves stay as they were made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.attendance.entry import Entry, in_order
from server.attendance.rules import Direction


class Change(StrEnum):
    """What a correction does."""

    ADD = "add"  # an entry that was never made
    REPLACE = "replace"  # another time or direction
    REMOVE = "remove"  # it does not count


@dataclass(frozen=True, slots=True)
class Correction:
    """Who changed what, why and when; a row that is never changed itself.

    `entry_id` is the entry that is meant, or of an addition the id of the new one; a later correction may mean that
    one too. What the entry shall be stands in `at` and `direction`, both of them, unless it is removed: a correction
    says the whole of it, so that only the newest one of an entry matters.
    """

    id: str
    entry_id: str
    change: Change
    made_at: datetime
    made_by: str
    reason: str
    at: datetime | None = None
    direction: Direction | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("reason: why it is corrected")
        given = self.at is not None and self.direction is not None
        if given == (self.change is Change.REMOVE) or (self.at is None) != (self.direction is None):
            raise ValueError("at: an entry has a time and a direction, one that is removed has neither")


def effective(facts: Iterable[Entry], corrections: Iterable[Correction] = ()) -> list[Entry]:
    """The entries that count, by time. In whichever order facts and corrections arrived, the answer is the same.

    Of several corrections to an entry the newest counts (`made_at`, then `id`): removing an entry and replacing it
    afterwards brings it back. One whose entry is not there changes nothing until the entry arrives.
    """
    entries = {one.id: one for one in facts}
    newest: dict[str, Correction] = {}
    added: set[str] = set()
    for one in corrections:
        before = newest.get(one.entry_id)
        if before is None or (one.made_at, one.id) > (before.made_at, before.id):
            newest[one.entry_id] = one
        if one.change is Change.ADD:
            added.add(one.entry_id)
    for entry_id, last in newest.items():
        if entry_id not in entries and entry_id not in added:
            continue
        if last.at is None or last.direction is None:
            entries.pop(entry_id, None)
        else:
            entries[entry_id] = Entry(entry_id, last.at, last.direction)
    return sorted(entries.values(), key=in_order)
