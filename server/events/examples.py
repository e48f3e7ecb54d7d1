"""Examples of every message and of every event, as they stand in the description and as the tests send them."""

from dataclasses import dataclass

Json = dict[str, object]

EPOCH = "0199f3a1-5b7e-7c52-9a1c-2f0d6f6f1b11"
CAMERA = "0199f3a1-6a10-7d0e-8b54-0c9a4c1e7d01"
KIOSK = "0199f3a1-6a10-7d0e-8b54-0c9a4c1e7d02"
PERSON = "0199f3a1-6f3c-7b61-a2a5-7d6f5d3c9a10"
SIGHTING = "0199f3b2-1c44-7f0a-9d3e-51b8a7c2e640"
ENTRY = "0199f3b2-1d90-7a1b-8c2d-6e5f4a3b2c1d"
ALERT = "0199f3b3-0a52-7c3d-9b4e-1f2a3b4c5d6e"
JOB = "0199f3b4-2b61-7d4e-8a5f-2a3b4c5d6e7f"
AT = "2026-01-05T08:02:11.480Z"
LATER = "2026-01-05T08:02:19.120Z"
PICTURE = f"/api/v1/sightings/{SIGHTING}/snapshot.jpg"
ADA: Json = {"id": PERSON, "fullName": "Ada Lovelace", "employeeId": "E-1042", "departmentId": None}
EARLY_SHIFT: Json = {
    "id": "0199f3a1-7d21-7e3f-9c4d-3b2a1f0e9d8c",
    "name": "Early",
    "start": "2026-01-05T08:00:00.000Z",
    "end": "2026-01-05T16:30:00.000Z",
}


@dataclass(frozen=True, slots=True)
class Example:
    """One message. `answer`: the type of what the server answers, where it is a client's."""

    name: str
    summary: str
    payload: Json
    answer: str = ""


def _sighting(**now: object) -> Json:
    return {
        "id": SIGHTING, "cameraId": CAMERA, "cameraName": "Front door", "personId": PERSON, "person": ADA,
        "state": "open", "startedAt": AT, "endedAt": None, "similarity": 0.71, "margin": 0.24, "liveness": None,
        "livenessVerdict": None, "refusal": None, "snapshotUrl": PICTURE, "votes": 3, **now,
    }  # fmt: skip


def _entry(**now: object) -> Json:
    return {
        "id": ENTRY, "entryId": ENTRY, "person": ADA, "personId": PERSON, "direction": "in", "at": AT,
        "cameraId": CAMERA, "cameraName": "Front door", "sightingId": SIGHTING, "similarity": 0.71, "margin": 0.24,
        "shift": EARLY_SHIFT, "lateMinutes": 2, "snapshotUrl": PICTURE, **now,
    }  # fmt: skip


def _camera(state: str, reason: str | None = None, *, enabled: bool = True) -> Json:
    return {
        "id": CAMERA, "name": "Front door", "kind": "rtsp", "role": "in", "enabled": enabled,
        "source": "rtsp://192.0.2.20/stream1", "status": {"state": state, "reason": reason, "since": AT},
    }  # fmt: skip


def _alert(severity: str) -> Json:
    return {
        "id": ALERT, "kind": "camera_offline", "severity": severity, "subject": f"cameras/{CAMERA}",
        "message": "Front door has been offline for 2 minutes.", "sightingId": None, "snapshotUrl": None,
    }  # fmt: skip


def _job(state: str, done: int, result: str | None = None, error: str | None = None) -> Json:
    return {
        "id": JOB, "kind": "people_import", "state": state, "done": done, "total": 120, "resultUrl": result,
        "error": error,
    }  # fmt: skip


# By event type.
EVENT_DATA: dict[str, Json] = {
    "sighting.recognized": _sighting(),
    "sighting.unknown": _sighting(personId=None, person=None, similarity=0.21, margin=None, votes=0),
    "sighting.closed": _sighting(state="closed", endedAt=LATER, votes=9),
    "sighting.corrected": _sighting(state="closed", endedAt=LATER, personId=None, person=None),
    "attendance.checked_in": _entry(),
    "attendance.checked_out": _entry(direction="out", at="2026-01-05T16:31:40.000Z", lateMinutes=None),
    "attendance.corrected": _entry(at="2026-01-05T07:58:00.000Z", lateMinutes=0, reason="There was a queue."),
    "attendance.refused": {
        "reason": "spoof", "person": ADA, "at": AT, "cameraId": CAMERA, "cameraName": "Front door",
        "sightingId": SIGHTING, "similarity": 0.69, "liveness": 0.03, "snapshotUrl": PICTURE,
    },
    "camera.added": _camera("connecting"),
    "camera.changed": _camera("online"),
    "camera.removed": _camera("disabled", enabled=False),
    "camera.online": _camera("online"),
    "camera.offline": _camera("offline", "timed_out"),
    "alert.raised": _alert("warning"),
    "alert.cleared": _alert("warning"),
    "job.progress": _job("running", 40),
    "job.done": _job("done", 120, f"/api/v1/jobs/{JOB}"),
    "job.failed": _job("failed", 40, error="The file ends in the middle of row 41."),
    "kiosk.greeting": {
        "kioskId": KIOSK, "at": AT, "name": "Ada", "photoUrl": f"/api/v1/kiosks/{KIOSK}/portraits/{PERSON}.jpg",
        "direction": "in", "shift": EARLY_SHIFT | {"lateMinutes": 2}, "hint": None,
    },
    "kiosk.unknown": {"kioskId": KIOSK, "at": AT, "hint": "step_closer"},
    "kiosk.challenge": {"kioskId": KIOSK, "at": AT, "hint": "turn_left", "step": 1, "of": 2, "deadline": LATER},
    "tracks.updated": {
        "cameraId": CAMERA,
        "frame": {"pts": 183600, "rtpTimestamp": 2451183600, "capturedAt": AT, "width": 1280, "height": 720},
        "tracks": [
            {
                "trackId": 7, "box": [0.41, 0.22, 0.09, 0.21], "state": "recognized", "personId": PERSON,
                "name": "Ada Lovelace", "similarity": 0.71,
            },
            {"trackId": 8, "box": [0.72, 0.3, 0.07, 0.16], "state": "pending"},
        ],
    },
    "system.stats": {
        "server": {"id": "0199f3a1-5b7e", "name": "gatehouse", "startedAt": AT, "uptimeS": 3600.0}, "windowS": 10.0,
        "cameras": {"running": 4, "online": 3, "connecting": 0, "stalled": 0, "offline": 1, "viewers": 2},
        "frames": {"analysed": 144000, "perSecond": 40.0, "dropped": 12},
        "batches": {"detect": {"batches": 200, "perSecond": 20.0, "meanSize": 2.0, "waitMs": 4.1, "runMs": 18.3}},
        "queues": {
            "inference": 1, "inferenceDropped": 0, "jobs": 0, "deliveries": 0, "listeners": 6, "skipped": 31,
        },
        "latencies": {
            "cameraMs": 180.0, "captureToEvent": {"count": 4, "p50Ms": 240.0, "p95Ms": 410.0},
            "request": {"count": 55, "p50Ms": 6.2, "p95Ms": 48.0},
        },
    },
}  # fmt: skip

# By the type of the message.
FROM_CLIENT_EXAMPLES: dict[str, tuple[Example, ...]] = {
    "auth": (Example("a token", "An access token, or an API key.", {"type": "auth", "token": "TOKEN"}, "ready"),),
    "subscribe": (
        Example(
            "from now on",
            "What happens from now on.",
            {"type": "subscribe", "id": 1, "topic": "attendance"},
            "subscribed",
        ),
        Example(
            "the state first",
            "The cameras as they are, then what changes.",
            {"type": "subscribe", "id": 2, "topic": "cameras", "snapshot": True},
            "subscribed",
        ),
        Example(
            "after an absence",
            "What was missed since a place, of one camera, then what happens.",
            {
                "type": "subscribe",
                "id": 3,
                "topic": "sightings",
                "since": {"epoch": EPOCH, "offset": 41},
                "filter": {"cameraId": CAMERA},
            },
            "subscribed",
        ),
        Example(
            "what is not stored",
            "The boxes of one camera: only the newest counts.",
            {"type": "subscribe", "id": 4, "topic": f"cameras/{CAMERA}/tracks"},
            "subscribed",
        ),
        Example(
            "no such topic",
            "Refused; the connection stays.",
            {"type": "subscribe", "id": 5, "topic": "weather"},
            "error",
        ),
    ),
    "unsubscribe": (
        Example("an id", "The one of the subscription.", {"type": "unsubscribe", "id": 1}, "unsubscribed"),
        Example("another id", "Of no subscription: refused.", {"type": "unsubscribe", "id": 99}, "error"),
    ),
    "ping": (Example("ping", "Whether it is still there.", {"type": "ping"}, "pong"),),
}

FROM_SERVER_EXAMPLES: dict[str, tuple[Example, ...]] = {
    "welcome": (
        Example("welcome", "At first.", {"type": "welcome", "connectionId": "0199f3b1-9c0f", "serverTime": AT}),
    ),
    "ready": (
        Example(
            "ready",
            "Let in.",
            {"type": "ready", "user": {"email": "ada@example.com", "fullName": "Ada Lovelace", "role": "Viewer"}},
        ),
    ),
    "subscribed": (
        Example(
            "from now on",
            "The offset is the head: what comes next follows it.",
            {"type": "subscribed", "id": 1, "topic": "attendance", "epoch": EPOCH, "offset": 57, "recovered": True},
        ),
        Example(
            "history is lost",
            "It no longer reaches back that far: load the state again.",
            {"type": "subscribed", "id": 3, "topic": "sightings", "epoch": EPOCH, "offset": 912, "recovered": False},
        ),
        Example(
            "with the state",
            "As the topic's events tell it.",
            {
                "type": "subscribed", "id": 2, "topic": "cameras", "epoch": EPOCH, "offset": 12, "recovered": True,
                "snapshot": {"cameras": [_camera("online")], "total": 1},
            },
        ),
        Example(
            "what is not stored",
            "No place in any order.",
            {"type": "subscribed", "id": 4, "topic": f"cameras/{CAMERA}/tracks"},
        ),
    ),
    "unsubscribed": (Example("unsubscribed", "Nothing more follows.", {"type": "unsubscribed", "id": 1}),),
    "pong": (Example("pong", "Still there.", {"type": "pong"}),),
    "error": (
        Example(
            "about a subscription",
            "With the id that it is about.",
            {"type": "error", "id": 5, "code": "unknown_topic", "message": "There is no such topic."},
        ),
        Example(
            "about a message",
            "That could not be read.",
            {"type": "error", "code": "bad_request", "message": "topic: Field required"},
        ),
    ),
}  # fmt: skip


def event_examples(name: str, topic: str, *, durable: bool) -> tuple[Example, ...]:
    """The message of an event type, on a topic of that address. A test sees to it that there is one of each."""
    if name not in EVENT_DATA:
        return ()
    room = topic.partition("/")[0]
    subject = {"alerts": f"alerts/{ALERT}", "jobs": f"jobs/{JOB}", "kiosks": f"kiosks/{KIOSK}", "system": "system"}
    body: Json = {
        "id": "0199f3b2-1e07-7b2c-9d3e-7f6a5b4c3d2e",
        "type": name,
        "time": AT,
        "source": subject.get(room, f"cameras/{CAMERA}"),
        "data": EVENT_DATA[name],
    }
    place: Json = {"offset": 58, "previous": 57} if durable else {}
    return (Example(name, f"On {topic}.", {"type": "event", "id": 1, **place, "event": body}),)
