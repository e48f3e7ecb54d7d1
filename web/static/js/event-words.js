/** What an event says in a line, and which types there are on which topic. */

import { say, sayOr } from "./text.js";

/** Topics by the permission that reads them, each with what happens there. */
export const TOPICS = Object.freeze({
  attendance: { permission: "attendance:read", types: ["attendance.checked_in", "attendance.checked_out", "attendance.corrected", "attendance.refused"] },
  sightings: { permission: "sightings:read", types: ["sighting.recognized", "sighting.unknown", "sighting.closed", "sighting.corrected"] },
  cameras: { permission: "cameras:read", types: ["camera.added", "camera.changed", "camera.removed", "camera.online", "camera.offline"] },
  alerts: { permission: "alerts:read", types: ["alert.raised", "alert.cleared"] },
  jobs: { permission: "jobs:read", types: ["job.progress", "job.done", "job.failed"] },
});
export const KIOSK_TYPES = Object.freeze(["kiosk.greeting", "kiosk.unknown", "kiosk.challenge"]);

const TONES = Object.freeze({
  "attendance.checked_in": "green", "attendance.checked_out": "blue", "attendance.refused": "red", "sighting.recognized": "green", "sighting.unknown": "amber",
  "camera.online": "green", "camera.offline": "red", "alert.raised": "amber", "alert.cleared": "green", "job.done": "green", "job.failed": "red",
});

/** @param {string} type */
export const typeWords = (type) => sayOr(`events.type.${type}`, type);

/** green, amber, red or blue for what stands out; none for the rest. @param {string} type */
export const toneOf = (type) => TONES[type] ?? "";

/**
 * Whom and what it is about.
 * @param {{type: string, source: string, data: any}} event
 * @param {(id: string) => string | null} cameraName
 */
export function summary({ type, source, data }, cameraName) {
  const [kind] = type.split(".");
  const where = data.cameraName ?? (data.cameraId && cameraName(data.cameraId));
  switch (kind) {
    case "attendance":
    case "sighting":
      return [data.person?.fullName ?? say("unknown"), where, data.reason].filter(Boolean).join(" · ");
    case "camera":
      return [data.name, data.status?.explanation].filter(Boolean).join(" · ");
    case "alert":
      return data.message;
    case "job":
      return [
        sayOr(`jobs.kind.${data.kind}`, data.kind), type === "job.progress" && sayOr(`jobs.state.${data.state}`, ""),
        data.total ? `${data.done}/${data.total}` : null, data.error,
      ].filter(Boolean).join(" · ");
    case "kiosk":
      return data.name ?? data.hint ?? "";
    default:
      return source;
  }
}
