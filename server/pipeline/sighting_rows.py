"""The row of a sighting, as a camera has decided it and as people are now: what is written late is not what is true."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from server.identity.sightings import SightingChange, SightingState
from server.pipeline.evidence import KeptEvidence
from server.store import audit, erasures, people
from server.store.tables import Camera, Person, Sighting
from server.store.writes import locked, locked_in_order

AT_ONCE = timedelta(seconds=2)
CORRECTED = "sighting.corrected"  # in the audit


@dataclass(frozen=True, slots=True)
class Written:
    """The row, and whether it says something new: what was cut off after its commit is written again. `erased` are the
    keys of pictures that nobody may have any more."""

    row: Sighting
    is_news: bool
    erased: list[str] = field(default_factory=list)


async def as_people_are(session: AsyncSession, changes: Sequence[SightingChange]) -> Sequence[SightingChange]:
    """Locks the people of whom they are. Who was merged into another since is that one."""
    await locked_in_order(session, Person, *(change.sighting.person_id for change in changes))
    heirs: dict[str, str] = {}
    for person_id in {change.sighting.person_id for change in changes}:
        if person_id is not None and await session.get(Person, person_id) is None:
            heir = await people.heir_of(session, person_id)
            if heir is not None:
                heirs[person_id] = heir
    if not heirs:
        return changes
    await locked_in_order(session, Person, *heirs.values())
    return [_of(change, heirs.get(change.sighting.person_id or "")) for change in changes]


def _of(change: SightingChange, heir: str | None) -> SightingChange:
    return change if heir is None else replace(change, sighting=replace(change.sighting, person_id=heir))


async def write_row(
    session: AsyncSession, camera: Camera, change: SightingChange, kept: KeptEvidence | None
) -> Written:
    """Within the transaction in which the people are locked."""
    seen = change.sighting
    await session.flush()
    row = await locked(session, Sighting, seen.id)
    before = _known(row) if row is not None else None
    if row is None:
        row = Sighting(
            id=seen.id, camera_id=camera.id, state=seen.state, started_at=seen.started_at,
            last_seen_at=seen.last_seen_at,
        )  # fmt: skip
    # That it goes on, or ends, does not say anew who it was: an operator may have corrected it since this frame.
    # An unknown that ends in somebody else's sighting is the one that gets its name only then.
    says_who = before is None or change.kind in ("recognized", "unknown")
    named_at_its_end = change.kind == "closed" and row.person_id is None
    is_gone = seen.person_id is not None and await session.get(Person, seen.person_id) is None
    # Nor does what says who, if it was decided before an operator's word.
    corrected = before is not None and (says_who or named_at_its_end) and await _corrected_since(session, seen)
    if (says_who or named_at_its_end) and not is_gone and not corrected:
        row.person_id = seen.person_id
    row.state, row.last_seen_at, row.ended_at = seen.state, seen.last_seen_at, seen.ended_at
    row.similarity, row.margin, row.threshold = seen.similarity, _lead(seen), seen.threshold
    row.votes, row.pack, row.direction = seen.votes, seen.pack, seen.direction
    if seen.shown is not None or says_who:
        row.liveness = seen.shown.score if seen.shown else None
        row.liveness_verdict = seen.shown.liveness.value if seen.shown else None
    row.evidence = figures(seen)
    if kept is not None and kept.keys is not None:
        row.box = kept.box
    erased = []
    if is_gone or await erased_since(session, row):
        erased = _bare(row, kept)
    elif kept is not None and kept.keys is not None:
        row.snapshot_key, row.face_key = kept.keys
    session.add(row)
    await session.flush()
    return Written(row, _known(row) != before and not (corrected and says_who), erased)


async def _corrected_since(session: AsyncSession, seen: SightingState) -> bool:
    # What was seen in the very moment of the correction may have been decided after it, and clocks differ: it counts.
    return await audit.done_since(session, CORRECTED, "sightings", seen.id, seen.last_seen_at + AT_ONCE)


async def erased_since(session: AsyncSession, row: Sighting) -> bool:
    """Whether the face of whom it is of was erased while it lasted, or after it."""
    return row.person_id is not None and await erasures.begun_since(session, row.person_id, row.started_at)


def _bare(row: Sighting, kept: KeptEvidence | None) -> list[str]:
    """Takes off it what an erasure takes, and returns the keys of all its pictures."""
    keys = {*(kept.keys if kept is not None and kept.keys is not None else ()), row.snapshot_key, row.face_key}
    for name, nothing in erasures.BARE.items():
        setattr(row, name, nothing)
    return sorted(key for key in keys if key is not None)


def _known(row: Sighting) -> tuple[object, ...]:
    """What is news where it changes."""
    return row.person_id, row.state, row.direction, row.liveness_verdict


def figures(seen: SightingState) -> dict[str, object] | None:
    """The parts of the threshold and what the votes weighed, as they are stored."""
    return None if seen.bar is None else {**seen.bar.as_json(), "weights": list(seen.weights)}


def _lead(seen: SightingState) -> float | None:
    """The margin to the second best person; None where the gallery has no second (there it is similarity + 1)."""
    if seen.similarity is None or seen.margin is None or seen.margin >= seen.similarity + 0.99:
        return None
    return seen.margin
