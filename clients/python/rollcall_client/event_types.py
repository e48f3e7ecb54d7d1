"""The types of events and of their data. Made from the server's: `make clients` writes it anew."""

from typing import Literal, NotRequired, TypedDict

from rollcall_client.items import Event


class Alert(TypedDict):
    id: str
    kind: str
    severity: str
    subject: str
    message: str
    departmentId: NotRequired[str | None]
    sightingId: NotRequired[str | None]
    snapshotUrl: NotRequired[str | None]


class AlertsSnapshot(TypedDict):
    """Those that are not over."""

    alerts: list[Alert]
    total: int


class PersonRef(TypedDict):
    id: str
    fullName: str
    employeeId: str | None
    departmentId: NotRequired[str | None]


class Attendance(TypedDict):
    entryId: str
    person: PersonRef | None
    direction: Literal["in", "out"]
    at: str
    cameraId: NotRequired[str | None]
    kioskId: NotRequired[str | None]
    terminalId: NotRequired[str | None]
    sightingId: str | None
    similarity: float | None
    shift: dict[str, object] | None
    lateMinutes: int | None
    snapshotUrl: str | None
    present: NotRequired[dict[str, object] | None]


class AttendanceSnapshot(TypedDict):
    """The check-ins of who is in."""

    present: list[Attendance]
    total: int


class BatchCounts(TypedDict):
    """What the device was asked in the window."""

    batches: int
    perSecond: float
    meanSize: float | None
    waitMs: float | None
    runMs: float | None


class CameraCounts(TypedDict):
    """Those that run on this server, by their state."""

    running: int
    online: int
    connecting: int
    stalled: int
    offline: int
    viewers: int


class CameraStatus(TypedDict):
    state: Literal["connecting", "online", "stalled", "offline", "disabled"]
    reason: str | None
    since: str


class Camera(TypedDict):
    id: str
    name: str
    kind: str
    role: str
    enabled: bool
    status: NotRequired[CameraStatus | None]


class CamerasSnapshot(TypedDict):
    """All cameras."""

    cameras: list[Camera]
    total: int


class Challenge(TypedDict):
    """What to do, before when; a `hint` without a step says how it went."""

    kioskId: str
    at: str
    hint: NotRequired[str | None]
    step: NotRequired[int | None]
    of: NotRequired[int | None]
    deadline: NotRequired[str | None]


class EventBody(TypedDict):
    id: str
    type: str
    time: str
    source: str
    data: dict[str, object]


class Filter(TypedDict):
    """All that are given must match."""

    cameraId: NotRequired[str | None]
    personId: NotRequired[str | None]
    departmentId: NotRequired[str | None]
    type: NotRequired[str | None]


class FrameCounts(TypedDict):
    analysed: int
    perSecond: float
    dropped: int


class Frame(TypedDict):
    pts: int | None
    rtpTimestamp: NotRequired[int | None]
    capturedAt: str
    width: int
    height: int


class Greeting(TypedDict):
    """`personId` is of a code and not for the screen: by it an erasure finds whose name this is, where no
    photo's address says so."""

    kioskId: str
    at: str
    hint: NotRequired[str | None]
    personId: NotRequired[str | None]
    name: str
    photoUrl: str | None
    direction: Literal["in", "out"]
    shift: NotRequired[dict[str, object] | None]


class Job(TypedDict):
    id: str
    kind: str
    done: int
    total: int | None
    resultUrl: NotRequired[str | None]
    error: NotRequired[str | None]
    state: NotRequired[Literal["queued", "running", "done", "failed", "cancelled"] | None]
    askedBy: NotRequired[str | None]


class JobsSnapshot(TypedDict):
    """Those that wait or run."""

    jobs: list[Job]
    total: int


class Kiosk(TypedDict):
    """What the screen needs and nothing else."""

    kioskId: str
    at: str
    hint: NotRequired[str | None]


class KioskSnapshot(TypedDict):
    """What the screen was told last, as long as that counts: one event or none."""

    shown: list[EventBody]
    total: int


class Latency(TypedDict):
    """Of the window; null where nothing was measured in it."""

    count: int
    p50Ms: float | None
    p95Ms: float | None


class LatencyFacts(TypedDict):
    cameraMs: float | None
    captureToEvent: Latency
    request: Latency


class QueueCounts(TypedDict):
    inference: int
    inferenceDropped: int
    jobs: int
    deliveries: int
    listeners: int
    skipped: int


class Refused(TypedDict):
    reason: str
    at: str
    entryId: NotRequired[str | None]
    person: NotRequired[PersonRef | None]
    cameraId: NotRequired[str | None]
    kioskId: NotRequired[str | None]
    sightingId: NotRequired[str | None]
    snapshotUrl: NotRequired[str | None]


class Server(TypedDict):
    """One process of the site: of several, each tells of itself."""

    id: str
    name: str
    startedAt: str
    uptimeS: float


class Sighting(TypedDict):
    id: str
    cameraId: str | None
    personId: str | None
    person: PersonRef | None
    state: Literal["open", "closed"]
    startedAt: str
    endedAt: str | None
    similarity: float | None
    margin: float | None
    liveness: float | None
    snapshotUrl: str | None
    votes: int
    livenessVerdict: NotRequired[Literal["live", "flat", "spoof", "failed"] | None]
    refusal: NotRequired[str | None]


class SightingsSnapshot(TypedDict):
    """Those that are open."""

    sightings: list[Sighting]
    total: int


class Stats(TypedDict):
    """How one server does. Rates, batches and latencies are of the last `windowS` seconds."""

    server: Server
    windowS: float
    cameras: CameraCounts
    frames: FrameCounts
    batches: dict[str, BatchCounts]
    queues: QueueCounts
    latencies: LatencyFacts


class Track(TypedDict):
    trackId: int
    box: list[float]
    state: Literal["pending", "recognized", "unknown", "spoof"]
    personId: NotRequired[str | None]
    name: NotRequired[str | None]
    similarity: NotRequired[float | None]


class Tracks(TypedDict):
    cameraId: str
    frame: Frame
    tracks: list[Track]


SightingsEvent = (
    Event[Literal["sighting.recognized"], Sighting]
    | Event[Literal["sighting.unknown"], Sighting]
    | Event[Literal["sighting.closed"], Sighting]
    | Event[Literal["sighting.corrected"], Sighting]
)

AttendanceEvent = (
    Event[Literal["attendance.checked_in"], Attendance]
    | Event[Literal["attendance.checked_out"], Attendance]
    | Event[Literal["attendance.corrected"], Attendance]
    | Event[Literal["attendance.refused"], Refused]
)

CamerasEvent = (
    Event[Literal["camera.added"], Camera]
    | Event[Literal["camera.changed"], Camera]
    | Event[Literal["camera.removed"], Camera]
    | Event[Literal["camera.online"], Camera]
    | Event[Literal["camera.offline"], Camera]
)

AlertsEvent = Event[Literal["alert.raised"], Alert] | Event[Literal["alert.cleared"], Alert]

JobsEvent = Event[Literal["job.progress"], Job] | Event[Literal["job.done"], Job] | Event[Literal["job.failed"], Job]

KioskEvent = (
    Event[Literal["kiosk.greeting"], Greeting]
    | Event[Literal["kiosk.unknown"], Kiosk]
    | Event[Literal["kiosk.challenge"], Challenge]
)

CameraTracksEvent = Event[Literal["tracks.updated"], Tracks]

SystemStatsEvent = Event[Literal["system.stats"], Stats]
