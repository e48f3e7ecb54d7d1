"""What a camera's policy makes of somebody recognised: an entry, a wait, a refusal with its evidence, a warning."""

from dataclasses import replace
from datetime import datetime

import pytest

from server.clock import ManualClock
from server.events.schema import StoredEvent
from server.identity.liveness import Liveness, Shown
from server.identity.sightings import ChangeKind, SightingChange
from server.parts import Parts
from server.pipeline.admission import Policy, policy_of
from server.pipeline.evidence import Evidence
from server.store import sightings
from server.store.tables import Camera, Person, Sighting
from tests.pipeline.conftest import add_camera, add_kiosk, change, events_of

EVIDENCE = Evidence(b"frame", b"face", [0.1, 0.2, 0.3, 0.4])


async def guarded(parts: Parts, policy: Policy | None, role: str = "in") -> Camera:
    camera = await add_camera(parts, "Gate", role)
    async with parts.store.transaction() as session:
        row = await session.get_one(Camera, camera.id)
        row.liveness = policy
        session.add(row)
    return row


def shown(
    first: SightingChange, liveness: Liveness | None, at: datetime, kind: ChangeKind = "judged"
) -> SightingChange:
    state = replace(first.sighting, shown=Shown(liveness) if liveness else None, last_seen_at=at)
    if kind == "closed":
        state = replace(state, state="closed", ended_at=at)
    return SightingChange(kind, state)


async def recognised(parts: Parts, camera: Camera, person: Person, at: datetime) -> SightingChange:
    first = change(camera, "recognized", at, person.id)
    await parts.recorder.record(camera.id, [first], {first.sighting.id: EVIDENCE})
    return first


async def told(parts: Parts, *topics: str) -> list[str]:
    return [kind for topic in topics for kind, _ in await events_of(parts, topic)]


async def row_of(parts: Parts, of: SightingChange) -> Sighting:
    async with parts.store.read() as session:
        return (await sightings.get(session, of.sighting.id)).sighting


async def test_the_camera_goes_before_the_site(parts: Parts) -> None:
    """Off where neither says anything."""
    assert policy_of(await guarded(parts, None), "off") == "off"
    made = {"name": "Yard", "source": "", "kind": "push", "role": "in"}
    assert policy_of(Camera.model_validate(made), "warn") == "warn"
    assert policy_of(Camera.model_validate(made | {"liveness": "off"}), "refuse") == "off"


async def test_nobody_enters_before_the_head_turns(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Recognised: asked to turn. Live: the entry of that moment, and the greeting."""
    camera = await guarded(parts, "refuse")
    kiosk = await add_kiosk(parts, camera)
    first = await recognised(parts, camera, person, clock.now())
    assert await told(parts, "attendance") == []
    [(kind, data)] = await events_of(parts, f"kiosks/{kiosk.id}")
    assert (kind, data["hint"], set(data)) == ("kiosk.challenge", "turn_head", {"kioskId", "at", "hint"})
    clock.advance(3)
    await parts.recorder.record(camera.id, [shown(first, Liveness.LIVE, clock.now())], {})
    [(kind, data)] = await events_of(parts, "attendance")
    assert kind == "attendance.checked_in"
    assert data["sightingId"] == first.sighting.id
    assert await told(parts, f"kiosks/{kiosk.id}") == ["kiosk.challenge", "kiosk.greeting"]
    row = await row_of(parts, first)
    assert (row.liveness, row.liveness_verdict, row.refusal) == (1.0, "live", None)
    await parts.recorder.record(camera.id, [shown(first, Liveness.LIVE, clock.now(), "closed")], {})
    assert await told(parts, "attendance", "alerts") == ["attendance.checked_in"]


@pytest.mark.parametrize("found", [Liveness.FLAT, Liveness.SPOOF])
async def test_a_picture_is_refused_once(parts: Parts, person: Person, clock: ManualClock, found: Liveness) -> None:
    """With an event, an alert with the picture, and a word on the screen; also where the frame is written again."""
    camera = await guarded(parts, "refuse")
    kiosk = await add_kiosk(parts, camera)
    first = await recognised(parts, camera, person, clock.now())
    for kind in ("judged", "judged", "extended", "closed"):
        clock.advance(2)
        await parts.recorder.record(camera.id, [shown(first, found, clock.now(), kind)], {})
    [(kind, data)] = await events_of(parts, "attendance")
    assert (kind, data["reason"]) == ("attendance.refused", found.value)
    assert data["person"]["id"] == person.id  # type: ignore[index]
    assert (data["cameraId"], data["sightingId"]) == (camera.id, first.sighting.id)
    assert data["snapshotUrl"] is not None
    [(kind, data)] = await events_of(parts, "alerts")
    assert (kind, data["kind"], data["subject"]) == ("alert.raised", "liveness_refused", f"cameras/{camera.id}")
    assert data["sightingId"] == first.sighting.id
    assert person.full_name not in str(data["message"])
    assert [data["hint"] for _, data in await events_of(parts, f"kiosks/{kiosk.id}")] == ["turn_head", "not_live"]
    row = await row_of(parts, first)
    assert (row.liveness_verdict, row.refusal) == (found.value, found.value)
    assert [data["refusal"] for kind, data in await events_of(parts, "sightings") if kind == "sighting.closed"] == [
        found.value
    ]


async def test_who_fails_at_the_kiosk_is_refused(parts: Parts, person: Person, clock: ManualClock) -> None:
    """With an event and an alert, at once; the screen has told what to do. Who comes back and passes gets in."""
    camera = await guarded(parts, "refuse")
    kiosk = await add_kiosk(parts, camera)
    first = await recognised(parts, camera, person, clock.now())
    for _ in range(2):
        clock.advance(2)
        await parts.recorder.record(camera.id, [shown(first, Liveness.FAILED, clock.now())], {})
    [(kind, data)] = await events_of(parts, "attendance")
    assert (kind, data["reason"], data["liveness"]) == ("attendance.refused", "not_shown_live", None)
    [(kind, data)] = await events_of(parts, "alerts")
    assert (kind, data["kind"], data["sightingId"]) == ("alert.raised", "liveness_refused", first.sighting.id)
    assert "did not do what the kiosk asked for" in str(data["message"])
    assert [data["hint"] for _, data in await events_of(parts, f"kiosks/{kiosk.id}")] == ["turn_head"]
    row = await row_of(parts, first)
    assert (row.liveness_verdict, row.refusal) == ("failed", "not_shown_live")
    await parts.recorder.record(camera.id, [shown(first, Liveness.LIVE, clock.now())], {})
    assert await told(parts, "attendance") == ["attendance.refused", "attendance.checked_in"]


async def test_who_was_refused_may_still_turn(parts: Parts, person: Person, clock: ManualClock) -> None:
    """The entry is made then, and the sighting is refused no more."""
    camera = await guarded(parts, "refuse")
    first = await recognised(parts, camera, person, clock.now())
    for found in (Liveness.FLAT, Liveness.LIVE):
        clock.advance(5)
        await parts.recorder.record(camera.id, [shown(first, found, clock.now())], {})
    assert await told(parts, "attendance") == ["attendance.refused", "attendance.checked_in"]
    assert (await row_of(parts, first)).refusal is None


async def test_who_leaves_without_a_turn_was_refused(parts: Parts, person: Person, clock: ManualClock) -> None:
    """It is said at the end, without an alert: a payroll must be able to tell why there is no entry."""
    camera = await guarded(parts, "refuse")
    first = await recognised(parts, camera, person, clock.now())
    clock.advance(9)
    await parts.recorder.record(camera.id, [shown(first, None, clock.now(), "closed")], {})
    [(kind, data)] = await events_of(parts, "attendance")
    assert (kind, data["reason"]) == ("attendance.refused", "not_shown_live")
    assert await told(parts, "alerts") == []


async def test_a_picture_that_is_taken_away_is_told(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Before a kiosk's challenge was over: refused as what it was, with the alert."""
    camera = await guarded(parts, "refuse")
    first = await recognised(parts, camera, person, clock.now())
    clock.advance(9)
    await parts.recorder.record(camera.id, [shown(first, Liveness.FLAT, clock.now(), "closed")], {})
    [(kind, data)] = await events_of(parts, "attendance")
    assert (kind, data["reason"]) == ("attendance.refused", "flat")
    assert await told(parts, "alerts") == ["alert.raised"]


async def test_where_no_entry_is_at_stake_nothing_is_refused(parts: Parts, person: Person, clock: ManualClock) -> None:
    """A camera that only watches, and who has an entry already."""
    watching = await guarded(parts, "refuse", "monitor")
    first = await recognised(parts, watching, person, clock.now())
    await parts.recorder.record(watching.id, [shown(first, Liveness.FLAT, clock.now())], {})
    assert await told(parts, "attendance", "alerts") == []
    async with parts.store.transaction() as session:
        row = await session.get_one(Camera, watching.id)
        row.role = "in"
        session.add(row)
    first = await recognised(parts, watching, person, clock.now())
    await parts.recorder.record(watching.id, [shown(first, Liveness.LIVE, clock.now())], {})
    clock.advance(60)
    again = await recognised(parts, watching, person, clock.now())
    await parts.recorder.record(watching.id, [shown(again, Liveness.FLAT, clock.now(), "closed")], {})
    assert await told(parts, "attendance", "alerts") == ["attendance.checked_in"]


async def test_a_warning_lets_in(parts: Parts, person: Person, clock: ManualClock) -> None:
    """The entry comes first; that the face is a picture is found out later, and told once."""
    camera = await guarded(parts, "warn")
    first = await recognised(parts, camera, person, clock.now())
    assert await told(parts, "attendance") == ["attendance.checked_in"]
    for kind in ("judged", "closed"):
        clock.advance(5)
        await parts.recorder.record(camera.id, [shown(first, Liveness.FLAT, clock.now(), kind)], {})
    [(_, data)] = await events_of(parts, "alerts")
    assert (data["kind"], data["sightingId"]) == ("liveness_doubtful", first.sighting.id)
    assert await told(parts, "attendance") == ["attendance.checked_in"]


async def test_an_operators_word_lets_in(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Who was refused and is named by an operator gets the entry, and is refused no more."""
    camera = await guarded(parts, "refuse")
    first = await recognised(parts, camera, person, clock.now())
    await parts.recorder.record(camera.id, [shown(first, Liveness.FLAT, clock.now(), "closed")], {})
    await parts.recorder.correct(first.sighting.id, None)
    await parts.recorder.correct(first.sighting.id, person.id)
    assert await told(parts, "attendance") == ["attendance.refused", "attendance.checked_in"]
    assert (await row_of(parts, first)).refusal is None


async def test_a_second_picture_renews_the_alert(parts: Parts, person: Person, clock: ManualClock) -> None:
    """Not told again before somebody has looked, but its evidence is the latest."""
    camera = await guarded(parts, "refuse")
    recorded: list[StoredEvent] = []
    for _ in range(2):
        first = await recognised(parts, camera, person, clock.now())
        done = await parts.recorder.record(camera.id, [shown(first, Liveness.FLAT, clock.now())], {})
        recorded += done.events
        clock.advance(60)
    assert [event.type for event in recorded if event.topic == "alerts"] == ["alert.raised"]
    assert await told(parts, "attendance") == ["attendance.refused"] * 2
