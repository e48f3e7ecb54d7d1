"""What the data of each event type holds."""

import pytest
from pydantic import ValidationError

from server.events.facts import FACTS

SIGHTING = {
    "id": "s",
    "cameraId": "c",
    "personId": "p",
    "person": {"id": "p", "fullName": "Ada", "employeeId": None},
    "state": "open",
    "startedAt": "2026-01-05T08:00:00.000Z",
    "endedAt": None,
    "similarity": 0.7,
    "margin": 0.2,
    "liveness": None,
    "snapshotUrl": None,
    "votes": 3,
}
TRACKS = {
    "cameraId": "c",
    "frame": {"pts": 1, "rtpTimestamp": 2, "capturedAt": "2026-01-05T08:00:00Z", "width": 1280, "height": 720},
    "tracks": [{"trackId": 1, "box": [0.1, 0.1, 0.2, 0.2], "state": "pending"}],
}

LATENCY = {"count": 0, "p50Ms": None, "p95Ms": None}
STATS = {
    "server": {"id": "s", "name": "door-1", "startedAt": "2026-01-05T08:00:00Z", "uptimeS": 60.0},
    "windowS": 60.0,
    "cameras": {"running": 1, "online": 1, "connecting": 0, "stalled": 0, "offline": 0, "viewers": 0},
    "frames": {"analysed": 300, "perSecond": 5.0, "dropped": 0},
    "batches": {"detect": {"batches": 300, "perSecond": 5.0, "meanSize": 1.0, "waitMs": 8.0, "runMs": 20.0}},
    "queues": {"inference": 0, "inferenceDropped": 0, "jobs": 0, "deliveries": 0, "listeners": 1, "skipped": 0},
    "latencies": {"cameraMs": None, "captureToEvent": LATENCY, "request": LATENCY},
}


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("sighting.recognized", SIGHTING),
        ("sighting.unknown", SIGHTING | {"personId": None, "person": None}),
        ("tracks.updated", TRACKS),
        ("kiosk.unknown", {"kioskId": "k", "at": "2026-01-05T08:00:00Z", "hint": None}),
        ("alert.raised", {"id": "a", "kind": "camera_offline", "severity": "warning", "subject": "c", "message": "m"}),
        ("system.stats", STATS),
    ],
)
def test_what_the_contract_lists_is_enough(event_type: str, data: dict[str, object]) -> None:
    """And a field that is added later is no mistake."""
    FACTS[event_type].model_validate(data)
    FACTS[event_type].model_validate(data | {"addedLater": 1})


@pytest.mark.parametrize("missing", sorted(SIGHTING))
def test_nothing_that_the_contract_lists_may_be_missing(missing: str) -> None:
    """A sighting says all of it, if only null."""
    with pytest.raises(ValidationError, match=missing):
        FACTS["sighting.closed"].model_validate({key: value for key, value in SIGHTING.items() if key != missing})
