"""What the `data` of each event type holds. Fields may be added later, so readers ignore what they do not know."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from server.events.schema import EventBody


class Fact(BaseModel):
    """The fields that readers may rely on."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="allow")


class PersonRef(Fact):
    id: str
    full_name: str
    employee_id: str | None
    department_id: str | None = None


class SightingFact(Fact):
    id: str
    camera_id: str | None
    person_id: str | None
    person: PersonRef | None
    state: Literal["open", "closed"]
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    similarity: float | None
    margin: float | None
    liveness: float | None
    snapshot_url: str | None
    votes: int
    liveness_verdict: Literal["live", "flat", "spoof", "failed"] | None = None
    refusal: str | None = None


class AttendanceFact(Fact):
    entry_id: str
    person: PersonRef | None  # None: erased
    direction: Literal["in", "out"]
    at: AwareDatetime
    camera_id: str | None = None
    kiosk_id: str | None = None
    terminal_id: str | None = None
    sighting_id: str | None
    similarity: float | None
    shift: dict[str, object] | None
    late_minutes: int | None
    snapshot_url: str | None
    present: dict[str, object] | None = Field(
        None, description="the check-in by which the person is in after this, in the same shape; null: they are not in"
    )


class RefusedFact(Fact):
    reason: str
    at: AwareDatetime
    entry_id: str | None = None
    person: PersonRef | None = None
    camera_id: str | None = None
    kiosk_id: str | None = None
    sighting_id: str | None = None
    snapshot_url: str | None = None


class CameraStatusFact(Fact):
    state: Literal["connecting", "online", "stalled", "offline", "disabled"]
    reason: str | None
    since: AwareDatetime


class CameraFact(Fact):
    id: str
    name: str
    kind: str
    role: str
    enabled: bool
    status: CameraStatusFact | None = None


class AlertFact(Fact):
    id: str
    kind: str
    severity: str
    subject: str
    message: str
    department_id: str | None = None  # of the person that it is about
    sighting_id: str | None = None
    snapshot_url: str | None = None


class JobFact(Fact):
    id: str
    kind: str
    done: int
    total: int | None
    result_url: str | None = None
    error: str | None = None
    state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None
    asked_by: str | None = None  # a user, who hears of it without jobs:read too, but not by an API key


class KioskFact(Fact):
    """What the screen needs and nothing else."""

    kiosk_id: str
    at: AwareDatetime
    hint: str | None = None


class GreetingFact(KioskFact):
    """`personId` is of a code and not for the screen: by it an erasure finds whose name this is, where no
    photo's address says so."""

    person_id: str | None = None
    name: str
    photo_url: str | None
    direction: Literal["in", "out"]
    shift: dict[str, object] | None = None


class ChallengeFact(KioskFact):
    """What to do, before when; a `hint` without a step says how it went."""

    step: int | None = None
    of: int | None = None
    deadline: AwareDatetime | None = None


class FrameFact(Fact):
    pts: int | None
    rtp_timestamp: int | None = None
    captured_at: AwareDatetime
    width: int
    height: int


class TrackFact(Fact):
    track_id: int
    box: Annotated[list[float], Field(min_length=4, max_length=4, description="x, y, w, h in 0…1")]
    state: Literal["pending", "recognized", "unknown", "spoof"]
    person_id: str | None = None
    name: str | None = None
    similarity: float | None = None


class TracksFact(Fact):
    camera_id: str
    frame: FrameFact
    tracks: list[TrackFact]


class ServerFact(Fact):
    """One process of the site: of several, each tells of itself."""

    id: str = Field(description="drawn at its start")
    name: str = Field(description="of its machine")
    started_at: AwareDatetime
    uptime_s: float


class CameraCounts(Fact):
    """Those that run on this server, by their state."""

    running: int
    online: int
    connecting: int
    stalled: int
    offline: int
    viewers: int = Field(description="who watches them over WebRTC")


class FrameCounts(Fact):
    analysed: int = Field(description="since the server was started")
    per_second: float
    dropped: int = Field(description="that a slow reader lost, since the cameras were started")


class BatchCounts(Fact):
    """What the device was asked in the window."""

    batches: int
    per_second: float
    mean_size: float | None
    wait_ms: float | None = Field(description="how long the oldest request of a batch waited, on average")
    run_ms: float | None


class QueueCounts(Fact):
    inference: int = Field(description="requests that wait for the device")
    inference_dropped: int = Field(description="since the server was started")
    jobs: int = Field(description="that wait, of the site")
    deliveries: int = Field(description="of webhooks that wait, of the site")
    listeners: int = Field(description="connections and streams that hear of events here")
    skipped: int = Field(description="volatile events that slow readers have skipped")


class LatencyFact(Fact):
    """Of the window; null where nothing was measured in it."""

    count: int
    p50_ms: float | None
    p95_ms: float | None


class LatencyFacts(Fact):
    camera_ms: float | None = Field(description="from capture to here, the worst of those online")
    capture_to_event: LatencyFact
    request: LatencyFact


class StatsFact(Fact):
    """How one server does. Rates, batches and latencies are of the last `windowS` seconds."""

    server: ServerFact
    window_s: float
    cameras: CameraCounts
    frames: FrameCounts
    batches: dict[str, BatchCounts] = Field(description="by kind: detect, embed, liveness")
    queues: QueueCounts
    latencies: LatencyFacts


class CamerasSnapshot(Fact):
    """All cameras."""

    cameras: list[CameraFact]
    total: int


class SightingsSnapshot(Fact):
    """Those that are open."""

    sightings: list[SightingFact]
    total: int


class AttendanceSnapshot(Fact):
    """The check-ins of who is in."""

    present: list[AttendanceFact]
    total: int


class AlertsSnapshot(Fact):
    """Those that are not over."""

    alerts: list[AlertFact]
    total: int


class JobsSnapshot(Fact):
    """Those that wait or run."""

    jobs: list[JobFact]
    total: int


class KioskSnapshot(Fact):
    """What the screen was told last, as long as that counts: one event or none."""

    shown: list[EventBody]
    total: int


# By the address of the topic.
SNAPSHOTS: dict[str, type[Fact]] = {
    "sightings": SightingsSnapshot,
    "attendance": AttendanceSnapshot,
    "cameras": CamerasSnapshot,
    "alerts": AlertsSnapshot,
    "jobs": JobsSnapshot,
    "kiosks/{id}": KioskSnapshot,
}
FACTS: dict[str, type[Fact]] = {
    "sighting.recognized": SightingFact,
    "sighting.unknown": SightingFact,
    "sighting.closed": SightingFact,
    "sighting.corrected": SightingFact,
    "attendance.checked_in": AttendanceFact,
    "attendance.checked_out": AttendanceFact,
    "attendance.corrected": AttendanceFact,
    "attendance.refused": RefusedFact,
    "camera.added": CameraFact,
    "camera.changed": CameraFact,
    "camera.removed": CameraFact,
    "camera.online": CameraFact,
    "camera.offline": CameraFact,
    "alert.raised": AlertFact,
    "alert.cleared": AlertFact,
    "job.progress": JobFact,
    "job.done": JobFact,
    "job.failed": JobFact,
    "kiosk.greeting": GreetingFact,
    "kiosk.unknown": KioskFact,
    "kiosk.challenge": ChallengeFact,
    "tracks.updated": TracksFact,
    "system.stats": StatsFact,
}
