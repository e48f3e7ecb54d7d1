/** The types of events and of their data. Made from the server's: `make clients` writes it anew. */

/** What happened. `data` is the state that results, so an event applied twice does no harm. */
export interface RollcallEvent<Type extends string = string, Data = Record<string, unknown>> {
  id: string;
  type: Type;
  /** RFC 3339, in UTC */
  time: string;
  source: string;
  data: Data;
}

export interface Alert {
  id: string;
  kind: string;
  severity: string;
  subject: string;
  message: string;
  departmentId?: string | null;
  sightingId?: string | null;
  snapshotUrl?: string | null;
}

/** Those that are not over. */
export interface AlertsSnapshot {
  alerts: Alert[];
  total: number;
}

export interface PersonRef {
  id: string;
  fullName: string;
  employeeId: string | null;
  departmentId?: string | null;
}

export interface Attendance {
  entryId: string;
  person: PersonRef | null;
  direction: "in" | "out";
  at: string;
  cameraId?: string | null;
  kioskId?: string | null;
  terminalId?: string | null;
  sightingId: string | null;
  similarity: number | null;
  shift: Record<string, unknown> | null;
  lateMinutes: number | null;
  snapshotUrl: string | null;
  present?: Record<string, unknown> | null;
}

/** The check-ins of who is in. */
export interface AttendanceSnapshot {
  present: Attendance[];
  total: number;
}

/** What the device was asked in the window. */
export interface BatchCounts {
  batches: number;
  perSecond: number;
  meanSize: number | null;
  waitMs: number | null;
  runMs: number | null;
}

/** Those that run on this server, by their state. */
export interface CameraCounts {
  running: number;
  online: number;
  connecting: number;
  stalled: number;
  offline: number;
  viewers: number;
}

export interface CameraStatus {
  state: "connecting" | "online" | "stalled" | "offline" | "disabled";
  reason: string | null;
  since: string;
}

export interface Camera {
  id: string;
  name: string;
  kind: string;
  role: string;
  enabled: boolean;
  status?: CameraStatus | null;
}

/** All cameras. */
export interface CamerasSnapshot {
  cameras: Camera[];
  total: number;
}

/** What to do, before when; a `hint` without a step says how it went. */
export interface Challenge {
  kioskId: string;
  at: string;
  hint?: string | null;
  step?: number | null;
  of?: number | null;
  deadline?: string | null;
}

export interface EventBody {
  id: string;
  type: string;
  time: string;
  source: string;
  data: Record<string, unknown>;
}

/** All that are given must match. */
export interface Filter {
  cameraId?: string | null;
  personId?: string | null;
  departmentId?: string | null;
  type?: string | null;
}

export interface FrameCounts {
  analysed: number;
  perSecond: number;
  dropped: number;
}

export interface Frame {
  pts: number | null;
  rtpTimestamp?: number | null;
  capturedAt: string;
  width: number;
  height: number;
}

/** `personId` is of a code and not for the screen: by it an erasure finds whose name this is, where no photo's address says so. */
export interface Greeting {
  kioskId: string;
  at: string;
  hint?: string | null;
  personId?: string | null;
  name: string;
  photoUrl: string | null;
  direction: "in" | "out";
  shift?: Record<string, unknown> | null;
}

export interface Job {
  id: string;
  kind: string;
  done: number;
  total: number | null;
  resultUrl?: string | null;
  error?: string | null;
  state?: "queued" | "running" | "done" | "failed" | "cancelled" | null;
  askedBy?: string | null;
}

/** Those that wait or run. */
export interface JobsSnapshot {
  jobs: Job[];
  total: number;
}

/** What the screen needs and nothing else. */
export interface Kiosk {
  kioskId: string;
  at: string;
  hint?: string | null;
}

/** What the screen was told last, as long as that counts: one event or none. */
export interface KioskSnapshot {
  shown: EventBody[];
  total: number;
}

/** Of the window; null where nothing was measured in it. */
export interface Latency {
  count: number;
  p50Ms: number | null;
  p95Ms: number | null;
}

export interface LatencyFacts {
  cameraMs: number | null;
  captureToEvent: Latency;
  request: Latency;
}

export interface QueueCounts {
  inference: number;
  inferenceDropped: number;
  jobs: number;
  deliveries: number;
  listeners: number;
  skipped: number;
}

export interface Refused {
  reason: string;
  at: string;
  entryId?: string | null;
  person?: PersonRef | null;
  cameraId?: string | null;
  kioskId?: string | null;
  sightingId?: string | null;
  snapshotUrl?: string | null;
}

/** One process of the site: of several, each tells of itself. */
export interface Server {
  id: string;
  name: string;
  startedAt: string;
  uptimeS: number;
}

export interface Sighting {
  id: string;
  cameraId: string | null;
  personId: string | null;
  person: PersonRef | null;
  state: "open" | "closed";
  startedAt: string;
  endedAt: string | null;
  similarity: number | null;
  margin: number | null;
  liveness: number | null;
  snapshotUrl: string | null;
  votes: number;
  livenessVerdict?: "live" | "flat" | "spoof" | "failed" | null;
  refusal?: string | null;
}

/** Those that are open. */
export interface SightingsSnapshot {
  sightings: Sighting[];
  total: number;
}

/** How one server does. Rates, batches and latencies are of the last `windowS` seconds. */
export interface Stats {
  server: Server;
  windowS: number;
  cameras: CameraCounts;
  frames: FrameCounts;
  batches: Record<string, BatchCounts>;
  queues: QueueCounts;
  latencies: LatencyFacts;
}

export interface Track {
  trackId: number;
  box: number[];
  state: "pending" | "recognized" | "unknown" | "spoof";
  personId?: string | null;
  name?: string | null;
  similarity?: number | null;
}

export interface Tracks {
  cameraId: string;
  frame: Frame;
  tracks: Track[];
}

export type SightingsEvent =
  | RollcallEvent<"sighting.recognized", Sighting>
  | RollcallEvent<"sighting.unknown", Sighting>
  | RollcallEvent<"sighting.closed", Sighting>
  | RollcallEvent<"sighting.corrected", Sighting>;

export type AttendanceEvent =
  | RollcallEvent<"attendance.checked_in", Attendance>
  | RollcallEvent<"attendance.checked_out", Attendance>
  | RollcallEvent<"attendance.corrected", Attendance>
  | RollcallEvent<"attendance.refused", Refused>;

export type CamerasEvent =
  | RollcallEvent<"camera.added", Camera>
  | RollcallEvent<"camera.changed", Camera>
  | RollcallEvent<"camera.removed", Camera>
  | RollcallEvent<"camera.online", Camera>
  | RollcallEvent<"camera.offline", Camera>;

export type AlertsEvent =
  | RollcallEvent<"alert.raised", Alert>
  | RollcallEvent<"alert.cleared", Alert>;

export type JobsEvent =
  | RollcallEvent<"job.progress", Job>
  | RollcallEvent<"job.done", Job>
  | RollcallEvent<"job.failed", Job>;

export type KioskEvent =
  | RollcallEvent<"kiosk.greeting", Greeting>
  | RollcallEvent<"kiosk.unknown", Kiosk>
  | RollcallEvent<"kiosk.challenge", Challenge>;

export type CameraTracksEvent =
  | RollcallEvent<"tracks.updated", Tracks>;

export type SystemStatsEvent =
  | RollcallEvent<"system.stats", Stats>;

/** The events of a topic, by its name. */
export type EventOf<Topic extends string> =
  Topic extends "sightings" ? SightingsEvent :
  Topic extends "attendance" ? AttendanceEvent :
  Topic extends "cameras" ? CamerasEvent :
  Topic extends "alerts" ? AlertsEvent :
  Topic extends "jobs" ? JobsEvent :
  Topic extends `kiosks/${string}` ? KioskEvent :
  Topic extends `cameras/${string}/tracks` ? CameraTracksEvent :
  Topic extends "system/stats" ? SystemStatsEvent :
  RollcallEvent;

/** What `snapshot` of a topic gives, by its name. */
export type SnapshotOf<Topic extends string> =
  Topic extends "sightings" ? SightingsSnapshot :
  Topic extends "attendance" ? AttendanceSnapshot :
  Topic extends "cameras" ? CamerasSnapshot :
  Topic extends "alerts" ? AlertsSnapshot :
  Topic extends "jobs" ? JobsSnapshot :
  Topic extends `kiosks/${string}` ? KioskSnapshot :
  Record<string, unknown>;
