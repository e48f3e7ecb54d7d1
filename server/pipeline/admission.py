"""Admission: what a camera's liveness policy makes of a recognised sighting before it becomes an entry."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from server.events.schema import NewEvent
from server.identity.liveness import Liveness
from server.store.alerts import Severity
from server.store.tables import Camera, Person, Sighting
from server.store.views import RefusedPublic

Policy = Literal["off", "warn", "refuse"]

TURN_HINT = "turn_head"
FAKE_HINT = "not_live"
NOT_SHOWN = "not_shown_live"
REFUSED = "liveness_refused"
DOUBTFUL = "liveness_doubtful"
_FAKE = (Liveness.FLAT.value, Liveness.SPOOF.value)
_FOUND = {
    Liveness.FLAT.value: "it moved, and stayed flat as a picture does",
    Liveness.SPOOF.value: "the liveness network takes it for a picture",
    Liveness.FAILED.value: "it did not do what the kiosk asked for",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert to be raised; the picture of the sighting is its evidence."""

    kind: str
    severity: Severity
    message: str
    sighting: Sighting


def policy_of(camera: Camera, site: Policy) -> Policy:
    """The camera's own, or the site's."""
    return cast("Policy", camera.liveness) if camera.liveness is not None else site


def is_fake(row: Sighting) -> bool:
    return row.liveness_verdict in _FAKE


def is_refused(row: Sighting) -> bool:
    """Whether nothing is waited for any more: it is a picture, or has failed at the kiosk."""
    return row.liveness_verdict in _FOUND


def reason_of(row: Sighting) -> str:
    """Why it gets no entry."""
    return row.liveness_verdict if row.liveness_verdict in _FAKE else NOT_SHOWN


def awaits_proof(policy: Policy, row: Sighting) -> bool:
    """Whether there is no entry yet, whatever the rules say."""
    return policy == "refuse" and row.liveness_verdict != Liveness.LIVE


def refused_event(row: Sighting, person: Person, camera: Camera, reason: str, at: datetime) -> NewEvent:
    """`attendance.refused`, with what it rests on."""
    data = RefusedPublic.of(row, person, camera.name, reason, at).as_json()
    return NewEvent(
        topic="attendance", type="attendance.refused", source=f"cameras/{camera.id}", data=data, time=at
    )  # fmt: skip


def alarm(kind: str, row: Sighting, camera: Camera) -> Alarm:
    """It does not say whose face it was: whoever may see the sighting learns it there."""
    what = "A check-in was refused" if kind == REFUSED else "A check-in is doubtful"
    found = _FOUND.get(row.liveness_verdict or "", "it was not shown to be alive")
    return Alarm(kind, "warning", f"{what} at {camera.name}: of the face, {found}.", row)
